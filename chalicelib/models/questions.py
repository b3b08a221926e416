"""Questions that the holder of an account has asked about a patient's record, with their answers: theirs alone.

Questions that go on from each other are a thread, whose row names them and keeps what the next one goes on from.
"""

import functools
import itertools
import json
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.domain.exports import Seen
from chalicelib.domain.questions import answers
from chalicelib.domain.questions.answers import Answer, Context
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import Sight
from chalicelib.errors import Conflict, NotFound
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import Key, storage_errors, together
from chalicelib.models.transaction import Transaction

PREFIX, THREAD = "qst", "thr"
MOST_IN_THREAD = 40
_QUESTION, _THREAD = "question#", "thread#"


class Question(AccountsTable, discriminator="question"):
    """One question; sort key `question#<patient id>#<question id>`, which sorts by time.

    `answer` is the answer, and `seen` what its asker saw when it was given, each as JSON.
    """

    question_id = UnicodeAttribute()
    thread_id = UnicodeAttribute()
    patient_id = UnicodeAttribute()
    question = UnicodeAttribute()
    record_id = UnicodeAttribute(null=True)
    answer = UnicodeAttribute()
    seen = UnicodeAttribute()
    created_at = UnicodeAttribute()

    @property
    def answered(self) -> Answer:
        """The answer as it was given."""
        return answers.read(self.answer)

    @property
    def made_of(self) -> Seen:
        """What the answer was made of."""
        kept = json.loads(self.seen)
        sight = Sight(frozenset(Category(one) for one in kept["categories"]), kept["sensitive"])
        return Seen(frozenset(kept["patient_ids"]), sight)


class Thread(AccountsTable, discriminator="question_thread"):
    """Questions that go on from each other; sort key `thread#<patient id>#<thread id>`."""

    thread_id = UnicodeAttribute()
    patient_id = UnicodeAttribute()
    question_ids = UnicodeAttribute()
    context = UnicodeAttribute()
    version = NumberAttribute()

    @property
    def members(self) -> list[str]:
        """The ids of its questions, the oldest first."""
        found: list[str] = json.loads(self.question_ids)
        return found

    @property
    def goes_on_from(self) -> Context:
        """What its next question goes on from."""
        return answers.read_context(self.context)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a question: what was asked and answered, and what the answer was made of."""

    question: str
    record_id: str | None
    answer: Answer
    seen: Seen


def create(tx: Transaction, account_id: str, patient_id: str, kept: Kept, thread: Thread | None) -> Question:
    """A question with its answer, at the end of a thread or as the first of one.

    A thread that another question has joined meanwhile is a Conflict at the commit.
    """
    question_id = ids.new_id(PREFIX)
    thread_id = thread.thread_id if thread else ids.new_id(THREAD)
    row = Question(
        *_key(account_id, thread.patient_id if thread else patient_id, question_id),
        question_id=question_id,
        thread_id=thread_id,
        patient_id=thread.patient_id if thread else patient_id,
        question=kept.question,
        record_id=kept.record_id,
        answer=answers.written(kept.answer),
        seen=_written(kept.seen),
        created_at=clock.stamp(clock.now()),
    )
    tx.create(row, error=None)
    _keep_thread(tx, thread, row, answers.written_context(kept.answer.context))
    return row


def _keep_thread(tx: Transaction, thread: Thread | None, row: Question, context: str) -> None:
    members = [*(thread.members if thread else ()), row.question_id]
    kept = Thread(
        *_thread_key(row.pk, row.patient_id, row.thread_id),
        thread_id=row.thread_id,
        patient_id=row.patient_id,
        question_ids=json.dumps(members),
        context=context,
        version=int(thread.version) + 1 if thread else 1,
    )
    if thread is None:
        tx.create(kept, error=None)
    else:
        tx.put(kept, condition=Thread.version == thread.version, error=Conflict())


def _written(seen: Seen) -> str:
    categories = sorted(seen.sight.categories)
    return json.dumps(
        {"patient_ids": sorted(seen.patient_ids), "categories": categories, "sensitive": seen.sight.sees_sensitive}
    )


def _key(account_id: str, patient_id: str, question_id: str) -> Key:
    return account_id, f"{_QUESTION}{patient_id}#{question_id}"


def _thread_key(account_id: str, patient_id: str, thread_id: str) -> Key:
    return account_id, f"{_THREAD}{patient_id}#{thread_id}"


def find(account_id: str, patient_ids: tuple[str, ...], question_id: str) -> Question | None:
    """One question of an account's about any of these patients."""
    if not ids.has_prefix(question_id, PREFIX):
        return None
    found = Question.find_all([_key(account_id, one, question_id) for one in patient_ids])
    return next(iter(found.values()), None)


def find_thread(account_id: str, patient_ids: tuple[str, ...], thread_id: str) -> Thread | None:
    """One thread of an account's about any of these patients."""
    if not ids.has_prefix(thread_id, THREAD):
        return None
    found = Thread.find_all([_thread_key(account_id, one, thread_id) for one in patient_ids])
    return next(iter(found.values()), None)


def find_page(account_id: str, patient_ids: tuple[str, ...], limit: int, before: str | None) -> list[Question]:
    """At most `limit` questions of an account's, the newest first, older than the id `before`."""
    pages: list[list[Question]] = together(
        *(functools.partial(_of_one, account_id, one, limit, before) for one in patient_ids)
    )
    return sorted(itertools.chain(*pages), key=lambda row: row.question_id, reverse=True)[:limit]


def _of_one(account_id: str, patient_id: str, limit: int, before: str | None) -> list[Question]:
    begin = f"{_QUESTION}{patient_id}#"
    older = Question.sk.between(begin, f"{begin}{before}") if before else Question.sk.startswith(begin)
    with storage_errors():
        rows = list(Question.query(account_id, older, consistent_read=True, scan_index_forward=False, limit=limit + 1))
    return [row for row in rows if row.question_id != before][:limit]


def find_members(thread: Thread) -> list[Question]:
    """The questions of a thread, the newest first."""
    rows = Question.find_all([_key(thread.pk, thread.patient_id, one) for one in thread.members])
    return sorted(rows.values(), key=lambda row: row.question_id, reverse=True)


def find_all_of(account_id: str, limit: int, before: str | None) -> list[Question]:
    """At most `limit` questions of an account's about anybody, behind the sort key `before`."""
    later = Question.sk.between(f"{before}$", f"{_QUESTION}~") if before else Question.sk.startswith(_QUESTION)
    with storage_errors():
        return list(Question.query(account_id, later, consistent_read=True, limit=limit))


def remove(tx: Transaction, row: Question, thread: Thread | None) -> None:
    """A question with its answer, and its thread where it was the last of it."""
    tx.delete(row, condition=Question.pk.exists(), error=NotFound())
    if thread is None:
        return
    members = [one for one in thread.members if one != row.question_id]
    unchanged = Thread.version == thread.version
    if not members:
        tx.delete(thread, condition=unchanged, error=Conflict())
        return
    kept = Thread.from_raw_data(thread.to_dynamodb_dict())
    kept.question_ids, kept.version = json.dumps(members), int(thread.version) + 1
    if thread.members[-1] == row.question_id:
        # What was said last is gone, and with it what the next question would go on from.
        kept.context = answers.written_context(Context())
    tx.put(kept, condition=unchanged, error=Conflict())


def remove_thread(tx: Transaction, thread: Thread) -> None:
    """A thread with its questions and answers."""
    tx.delete(thread, condition=Thread.version == thread.version, error=Conflict())
    for question_id in thread.members:
        tx.delete(Question(*_key(thread.pk, thread.patient_id, question_id)))

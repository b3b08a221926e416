"""Asking about a record: answers from what the asker sees of it and from the vocabulary, each sentence with its source.

A question with its answer is its asker's alone. What an answer says is looked at again whenever it is read: who sees
less by then finds their own words and no answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib import clock
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.domain.access import Actor, Reach
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.exports import Seen
from chalicelib.domain.questions.answers import Answer
from chalicelib.domain.questions.intents import CHOOSABLE, Intent, nobody
from chalicelib.domain.records.sight import Sight
from chalicelib.errors import Conflict, FieldError, Invalid, NotFound
from chalicelib.models import audit, patients
from chalicelib.models import questions as storage
from chalicelib.models.base import together
from chalicelib.models.questions import MOST_IN_THREAD, Kept, Question, Thread
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import language_model, records
from chalicelib.services.once import Once

QUESTIONS = Limit(tries=120, seconds=3600)
"""How often somebody may ask, about whomever."""


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """What is asked: about a record, or following on a thread, where these are named.

    `rephrase` where a language model may help: to find what is meant, and to say the answer in other words.
    """

    question: str
    record_id: str | None
    thread_id: str | None
    rephrase: bool = False


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question as its asker reads it; the answer is None where they see less now than it was made of."""

    question_id: str
    thread_id: str
    question: str
    record_id: str | None
    asked_at: datetime
    answer: Answer | None


def ask(actor: Actor, reach: Reach, sight: Sight, wanted: NewQuestion, language: str, once: Once) -> QuestionView:
    """Answer a question, and keep it with its answer.

    Raises TooManyRequests; Invalid for a record that the asker does not see, a thread that is not theirs, and one that
    is full; and Conflict where they asked twice at the same moment.
    """
    from chalicelib.services.questions import asking  # noqa: PLC0415  Only who asks pays for the vocabulary.

    (replayed, windows), thread, patient, views = together(
        lambda: once.find_or_room({f"questions:{actor.id}": QUESTIONS}),
        lambda: storage.find_thread(actor.id, reach.patient_ids, wanted.thread_id) if wanted.thread_id else None,
        lambda: patients.find(reach.patient_id),
        lambda: asking.find_named(reach.patient_ids, sight, wanted.record_id),
    )
    if replayed is not None:
        return find(actor, reach, sight, replayed["question_id"])
    _check(wanted, thread, views)
    helper = _Model(actor, reach, language) if wanted.rephrase else None
    choose = helper.choose if helper else nobody
    about = asking.About(reach, sight, patient.display_name if patient else "", language, choose)
    answer = asking.answer(about, wanted.question, views, thread.goes_on_from if thread else None)
    answer = helper.in_other_words(answer) if helper else answer
    made: list[Question] = []

    def change(tx: Transaction) -> dict[str, str]:
        for window in windows:
            limits.spend_in(tx, window, error=Conflict())
        kept = Kept(wanted.question, wanted.record_id, answer, Seen(frozenset(reach.patient_ids), sight))
        row = storage.create(tx, actor.id, reach.patient_id, kept, thread)
        made.append(row)
        _note(tx, actor, Action.QUESTION_ASK, row.patient_id, question_id=row.question_id)
        return {"question_id": row.question_id}

    served = once.commit(change)
    if served["question_id"] != made[0].question_id:
        return find(actor, reach, sight, served["question_id"])
    return _view(made[0], answer)


@dataclass(frozen=True, slots=True)
class _Model:
    """A language model as far as it may help with one question."""

    actor: Actor
    reach: Reach
    language: str

    def choose(self, words: Sequence[str]) -> Intent | None:
        """What is meant, by the words that are nobody's own."""
        name = language_model.choose_name(self.actor, self.reach, words, CHOOSABLE, self.language)
        return Intent(name) if name else None

    def in_other_words(self, answer: Answer) -> Answer:
        """The answer as the model says it, where that holds; whom to call at once is said in the portal's words."""
        if answer.is_emergency:
            return answer
        found = language_model.rephrased(self.actor, self.reach, answer.sentences, answer.language)
        return replace(answer, sentences=tuple(found), is_rephrased=True) if found else answer


def _check(wanted: NewQuestion, thread: Thread | None, views: Sequence[object]) -> None:
    problems = []
    if wanted.record_id is not None and not views:
        problems.append(FieldError("/record_id", "record_unknown"))
    if wanted.thread_id is not None and thread is None:
        problems.append(FieldError("/thread_id", "thread_unknown"))
    if thread is not None and len(thread.members) >= MOST_IN_THREAD:
        problems.append(FieldError("/thread_id", "thread_full"))
    if problems:
        raise Invalid(problems)


def _note(tx: Transaction, actor: Actor, action: Action, patient_id: str, **about: object) -> None:
    """In the asker's own history: that they read somebody's record, that one's history says."""
    audit.record(tx, Entry(actor, action, account_id=actor.id, about={"patient_id": patient_id, **about}))


def find_page(
    actor: Actor, reach: Reach, sight: Sight, *, limit: int, before: str | None, thread_id: str | None
) -> tuple[list[QuestionView], str | None]:
    """Questions of the caller's about a patient, the newest first, and the id that the next page comes after.

    They are older than the id `before`, and of one thread where one is named. Raises NotFound for another's thread.
    """
    if thread_id is None:
        rows = storage.find_page(actor.id, reach.patient_ids, limit + 1, before)
    else:
        thread = storage.find_thread(actor.id, reach.patient_ids, thread_id)
        if thread is None:
            raise NotFound
        rows = [row for row in storage.find_members(thread) if before is None or row.question_id < before]
    shown = _shown(reach, sight, rows[:limit])
    return shown, shown[-1].question_id if len(rows) > limit else None


def find(actor: Actor, reach: Reach, sight: Sight, question_id: str) -> QuestionView:
    """One question of the caller's about a patient. Raises NotFound."""
    return _shown(reach, sight, [_find(actor, reach, question_id)])[0]


def remove(actor: Actor, reach: Reach, question_id: str, *, with_thread: bool) -> None:
    """Remove a question of the caller's with its answer, or all of its thread.

    Raises NotFound, and Conflict where its thread has just changed.
    """
    row = _find(actor, reach, question_id)
    thread = storage.find_thread(actor.id, (row.patient_id,), row.thread_id)
    with transaction() as tx:
        if thread is not None and with_thread:
            storage.remove_thread(tx, thread)
            _note(tx, actor, Action.QUESTION_REMOVE, row.patient_id, thread_id=row.thread_id)
        else:
            storage.remove(tx, row, thread)
            _note(tx, actor, Action.QUESTION_REMOVE, row.patient_id, question_id=row.question_id)


def find_own(actor: Actor, *, limit: int, after: str | None) -> tuple[list[Question], str | None]:
    """Questions of the caller's about anybody, and the sort key that the next page comes after."""
    rows = storage.find_all_of(actor.id, limit, after)
    return rows, rows[-1].sk if len(rows) == limit else None


def _find(actor: Actor, reach: Reach, question_id: str) -> Question:
    row = storage.find(actor.id, reach.patient_ids, question_id)
    if row is None:
        raise NotFound
    return row


def _shown(reach: Reach, sight: Sight, rows: list[Question]) -> list[QuestionView]:
    """Questions as their asker may read them now: one round trip for each hundred records that they speak of."""
    answered = [(row, row.answered) for row in rows]
    named = {record_id for _, answer in answered for record_id in answer.record_ids}
    shown = records.shown_among(reach.patient_ids, named, sight)
    return [
        _view(row, _without_hidden(answer, shown) if row.made_of.may_be_had_by(reach.patient_ids, sight) else None)
        for row, answer in answered
    ]


def _without_hidden(answer: Answer, shown: set[str]) -> Answer:
    return replace(answer, sentences=tuple(one for one in answer.sentences if shown.issuperset(one.record_ids)))


def _view(row: Question, answer: Answer | None) -> QuestionView:
    return QuestionView(
        question_id=row.question_id,
        thread_id=row.thread_id,
        question=row.question,
        record_id=row.record_id,
        asked_at=clock.read_stamp(row.created_at),
        answer=answer,
    )

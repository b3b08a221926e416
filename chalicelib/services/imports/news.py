"""Whether an import brings results that their patient should hear of."""

import json
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.imports import Outcome
from chalicelib.domain.notices import COMMENTED, OTHERS, REST, Notice, NoticeKind
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.release import HOLDABLE, is_commented
from chalicelib.models import outbox
from chalicelib.models.patients import Held
from chalicelib.models.records import Record
from chalicelib.models.transaction import Transaction

RECENT = timedelta(days=30)
"""How old a result may be to be news. A chart that moves in from another system brings years of them."""

_RESULTS = frozenset({Category.LAB, Category.REPORT, Category.IMAGING})
_NO_RESULT_YET = frozenset({"registered", "preliminary", "partial", "cancelled", "entered-in-error", "unknown"})


class Memory(set[str]):
    """What an import remembers while it is on its way: who has heard of its results.

    One that comes in several parts keeps it in the tables, with what became of each of its entries.
    """

    def note_told(self, tx: Transaction, name: str) -> None:
        """Note in a transaction who hears of results with it."""

    def note_stored(self, tx: Transaction, became: dict[int, Outcome]) -> None:
        """Note in a transaction what becomes with it of entries, by their indexes."""


def tell(tx: Transaction, patient_id: str, changed: list[tuple[Record, Held | None]], told: Memory) -> set[str]:
    """Post a notice, in the import's own transaction, where changed records are results that a patient waits for.

    They come with what they were before. A result is news when it becomes final, and when it is corrected. A patient
    hears of it once in an import, and so does each caregiver, of a result that they may see: who was not told of a
    sensitive one is told of the first that is none. `told` says who have been told; returns who are told now.
    """
    commented = _tell_of_comments(tx, patient_id, changed, told)
    return commented | _tell_of_results(tx, patient_id, changed, told)


def _tell_of_results(
    tx: Transaction, patient_id: str, changed: list[tuple[Record, Held | None]], told: Memory
) -> set[str]:
    news = [row for row, before in changed if _is_news(row) and _status(row) != _status(before)]
    plain = [row for row in news if row.is_sensitive is False]
    everybody, most = patient_id, f"{patient_id}#sensitive"
    if not news or everybody in told:
        return set()
    is_known_in_part = most in told
    if is_known_in_part and not plain:
        return set()
    about = _about(plain or news) | ({REST: "caregivers"} if is_known_in_part else {})
    outbox.post(tx, Notice(NoticeKind.NEW_RESULTS, about=about, patient_id=patient_id))
    now = everybody if plain else most
    told.note_told(tx, now)
    return {now}


def _tell_of_comments(
    tx: Transaction, patient_id: str, changed: list[tuple[Record, Held | None]], told: Memory
) -> set[str]:
    """A comment on a result that is known already: it is for those who wait for it (services/releases.py)."""
    rows = [row for row, before in changed if _is_comment(row, before)]
    now = f"{patient_id}#commented"
    if not rows or now in told:
        return set()
    plain = [row for row in rows if row.is_sensitive is False]
    about = _about(plain or rows) | {COMMENTED: "yes"}
    outbox.post(tx, Notice(NoticeKind.NEW_RESULTS, about=about, patient_id=patient_id))
    told.note_told(tx, now)
    return {now}


def _is_comment(row: Record, before: Held | None) -> bool:
    if not isinstance(before, Record) or row.category not in HOLDABLE or _status(row) != _status(before):
        return False
    return is_commented(json.loads(row.view)) and not is_commented(json.loads(before.view))


def _about(rows: list[Record]) -> dict[str, str]:
    """The first of some records; with it one of each kind that a reader may hold back."""
    kinds: dict[tuple[str, bool], str] = {}
    for row in rows:
        kinds.setdefault((row.category, is_commented(json.loads(row.view))), row.record_id)
    first, *others = kinds.values()
    return {"record_id": first, **({OTHERS: " ".join(others)} if others else {})}


def _is_news(row: Record) -> bool:
    is_recent = row.date_key >= clock.stamp(clock.now() - RECENT)
    return row.category in _RESULTS and is_recent and _status(row) not in _NO_RESULT_YET


def _status(row: Held | None) -> str | None:
    status: str | None = json.loads(row.view)["status"] if isinstance(row, Record) else None
    return status

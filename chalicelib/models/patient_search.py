"""By what staff find patients: a row for each word of their names, in the order of the alphabet, and the birth date."""

from collections.abc import Iterable

from pynamodb.attributes import UnicodeAttribute

from chalicelib.domain.patient_search import SHORTEST_PREFIX
from chalicelib.models.base import storage_errors
from chalicelib.models.patients import PatientsTable
from chalicelib.models.transaction import Transaction

MOST_FOUND = 200
"""Patients of one search that are looked at: whoever finds more has to say more."""


class FoundBy(PatientsTable, discriminator="found_by"):
    """One word; partition key `name#<its first two letters>` or `born#<date>`, sort key `<word>#<patient id>`."""

    target_id = UnicodeAttribute()


def put(tx: Transaction, patient_id: str, words: Iterable[str], birth_date: str | None) -> None:
    """Let a patient be found by words and a date."""
    for row in _rows(patient_id, words, birth_date):
        tx.put(row)


def remove(tx: Transaction, patient_id: str, words: Iterable[str], birth_date: str | None) -> None:
    """Let them be found by these no more."""
    for row in _rows(patient_id, words, birth_date):
        tx.delete(row)


def _rows(patient_id: str, words: Iterable[str], birth_date: str | None) -> list[FoundBy]:
    rows = [FoundBy(_name_key(word), f"{word}#{patient_id}", target_id=patient_id) for word in words]
    if birth_date:
        rows.append(FoundBy(f"born#{birth_date}", patient_id, target_id=patient_id))
    return rows


def find_by_prefix(prefix: str) -> list[str]:
    """The ids of patients one of whose names begins so: one round trip."""
    return _find(_name_key(prefix), prefix)


def find_by_birth_date(birth_date: str) -> list[str]:
    """The ids of patients who were born on a day (ISO 8601): one round trip."""
    return _find(f"born#{birth_date}", "pat_")


def _find(pk: str, prefix: str) -> list[str]:
    with storage_errors():
        rows = FoundBy.query(pk, FoundBy.sk.startswith(prefix), consistent_read=True, limit=MOST_FOUND)
        return list(dict.fromkeys(row.target_id for row in rows))


def _name_key(word: str) -> str:
    return f"name#{word[:SHORTEST_PREFIX]}"

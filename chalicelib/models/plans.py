"""Where the records of a patient that plan something stand in their calendar: rows that lead to those records.

A row may lead to a record that plans nothing at that time any more; whoever reads looks at the record.
"""

from typing import NamedTuple

from pynamodb.attributes import UnicodeAttribute

from chalicelib.models.base import storage_errors
from chalicelib.models.patients import PatientsTable
from chalicelib.models.records import Record, record_sk
from chalicelib.models.transaction import Transaction

_PREFIX = "plan#"


class PlanRow(PatientsTable, discriminator="plan"):
    """One place of a record; sort key `plan#<order key of the time>#<record id>`."""

    record_id = UnicodeAttribute()


class Place(NamedTuple):
    """A time at which a record plans something, as an order key, and whose record it is."""

    at: str
    patient_id: str
    record_id: str

    @property
    def key(self) -> str:
        """Where it stands among a patient's."""
        return f"{self.at}#{self.record_id}"


def put(tx: Transaction, place: Place) -> None:
    """Let a record stand at a time."""
    tx.put(_row(place))


def remove(tx: Transaction, place: Place) -> None:
    """Let it stand there no more."""
    tx.delete(_row(place))


def _row(place: Place) -> PlanRow:
    return PlanRow(place.patient_id, f"{_PREFIX}{place.key}", record_id=place.record_id)


def find_page(patient_id: str, between: tuple[str, str], limit: int) -> tuple[list[Place], str | None]:
    """At most `limit` places whose keys lie in [low, high], the earliest first: one round trip.

    With the last key that was read, if there are more.
    """
    low, high = between
    with storage_errors():
        pages = PlanRow.query(
            patient_id,
            PlanRow.sk.between(f"{_PREFIX}{low}", f"{_PREFIX}{high}"),
            consistent_read=True,
            page_size=limit,
        ).page_iter
        page = next(pages)
    rows = [PlanRow.from_raw_data(item) for item in page["Items"]]
    last = page.get("LastEvaluatedKey")
    places = [Place(_key(row.sk).partition("#")[0], patient_id, row.record_id) for row in rows]
    return places, _key(last["sk"]["S"]) if last else None


def _key(sk: str) -> str:
    return sk.removeprefix(_PREFIX)


def find_records(places: list[Place]) -> dict[str, Record]:
    """The records that stand at some places, by id: one round trip for each 100."""
    keys = {(place.patient_id, record_sk(place.record_id)) for place in places}
    return {row.record_id: row for row in Record.find_all(sorted(keys)).values()} if keys else {}

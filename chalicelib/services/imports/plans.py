"""Where a record stands in its patient's calendar, kept as the record changes."""

from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.records.categories import category_of
from chalicelib.domain.records.plans import MOST_PLACES, places_of
from chalicelib.models import plans
from chalicelib.models.plans import Place
from chalicelib.models.records import Record
from chalicelib.models.transaction import Transaction
from chalicelib.settings import settings


def items_of(resource: Resource) -> int:
    """How many items of a transaction keeping its places takes at most: those that go and those that come."""
    category = category_of(resource)
    return 2 * MOST_PLACES.get(category, 0) if category else 0


def put(tx: Transaction, row: Record, before: Record | None) -> None:
    """Let a record stand where it plans something now, and nowhere else."""
    now, was = set(_places(row)), set(_places(before)) if before else set()
    for place in sorted(now - was):
        plans.put(tx, place)
    for place in sorted(was - now):
        plans.remove(tx, place)


def _places(row: Record) -> list[Place]:
    if row.category not in MOST_PLACES:
        return []
    return [Place(at, row.pk, row.record_id) for at in places_of(text.parse(row.view), str(settings().clinic_zone))]

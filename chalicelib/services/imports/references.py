"""When what a record refers to arrives after the record: its row is made again, so that lists show the name too."""

from chalicelib.domain.access import SYSTEM
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.bundle import Entry as BundleEntry
from chalicelib.domain.notices import OutboxStatus
from chalicelib.models import audit, outbox, patients, records
from chalicelib.models.records import Waiting
from chalicelib.models.transaction import transaction
from chalicelib.services import records as record_service
from chalicelib.services.imports.plan import record_row
from chalicelib.services.imports.resolve import resolve

_AT_ONCE = 200


def bring_up_to_date(row_id: str) -> None:
    """Work one outbox row: make the rows of all records again that waited for its reference.

    Safe to run any number of times.
    """
    row = outbox.find(row_id)
    if row is None or row.status != OutboxStatus.PENDING:
        return
    digest = row.ids()["reference"]
    while waiting := records.find_waiting(digest, _AT_ONCE):
        for one in waiting:
            _make_again(one)
    records.end_awaited(digest)
    outbox.settle(row, OutboxStatus.DONE)


def _make_again(waiting: Waiting) -> None:
    record = records.find(waiting.patient_id, waiting.record_id)
    raw = records.find_latest_raw(waiting.record_id)
    with transaction() as tx:
        records.end_waiting(tx, waiting)
        if record is None or raw is None or raw.owner != waiting.patient_id:
            return
        resource = text.parse(record_service.body_of(raw))
        entry = BundleEntry(0, resource, record.resource_type, resource.get("id"))
        resolver, _ = resolve(record.source, [entry])
        held = {
            name: getattr(record, name)
            for name in ("resource_type", "content_hash", "version", "last_updated", "changed_at", "source")
        }
        fresh = record_row(record.pk, record.record_id, resource, resolver, held)
        if fresh.view != record.view:
            patients.put_held(tx, fresh, replaces=int(record.version))
            about: dict[str, object] = {"record_id": record.record_id}
            audit.record(tx, Entry(SYSTEM, Action.REFERENCE_RESOLVE, patient_id=record.pk, about=about))

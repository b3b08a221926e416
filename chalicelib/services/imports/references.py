"""When what a record refers to arrives after the record: its row is made again, so that lists show the name too."""

from chalicelib.domain.access import SYSTEM
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.bundle import Entry as BundleEntry
from chalicelib.domain.notices import OutboxStatus
from chalicelib.models import aliases, audit, outbox, patients, raw_versions, records
from chalicelib.models.aliases import Waiting
from chalicelib.models.records import Record
from chalicelib.models.transaction import transaction
from chalicelib.services import records as record_service
from chalicelib.services.imports import history
from chalicelib.services.imports.plan import at_once
from chalicelib.services.imports.resolve import Missing, Resolver, resolve
from chalicelib.services.imports.rows import record_row
from chalicelib.services.imports.waiting import Waits
from chalicelib.services.resource_keys import row_digest

_AT_ONCE = 200


def bring_up_to_date(row_id: str) -> None:
    """Work one outbox row: make the rows of all records again that waited for its references.

    Safe to run any number of times.
    """
    row = outbox.find(row_id)
    if row is None or row.status != OutboxStatus.PENDING:
        return
    for digest in row.ids()["reference"].split():
        if not _make_all_again(digest):
            aliases.end_awaited(digest)
    outbox.settle(row, OutboxStatus.DONE)


def _make_all_again(digest: str) -> bool:
    """Whether some still wait, because what they wait for is another patient's now."""
    waits_on, after = False, ""
    while waiting := aliases.find_waiting(digest, _AT_ONCE, after):
        for one in waiting:
            waits_on |= _make_again(one, digest)
        after = waiting[-1].sk
    return waits_on


def _make_again(waiting: Waiting, arrived: str) -> bool:
    record = records.find(waiting.patient_id, waiting.record_id)
    raw = raw_versions.find_latest_raw(waiting.record_id)
    with transaction() as tx:
        if record is None or raw is None or raw.owner != waiting.patient_id:
            aliases.end_waiting(tx, waiting)
            return False
        resource = text.parse(record_service.body_of(raw))
        entry = BundleEntry(0, resource, record.resource_type, resource.get("id"), waiting.full_url)
        resolver, _ = resolve(record.source, [entry])
        fresh = _fresh_row(record, entry, resolver)
        if fresh.view != record.view:
            # It is no new version, but people see something else, and apps have to hear of it.
            history.succeed(tx, fresh, record, history.next_stamp(record))
            patients.put_held(tx, fresh, replaces=int(record.version), while_=records.is_as_read(record))
            about: dict[str, object] = {"record_id": record.record_id}
            audit.record(tx, Entry(SYSTEM, Action.REFERENCE_RESOLVE, patient_id=record.pk, about=about))
        here, rest = _missing(resolver, entry, arrived)
        Waits(tx).add(record.pk, record.record_id, entry, at_once(rest))
        if here:
            aliases.keep_awaited(tx, arrived)
        else:
            aliases.end_waiting(tx, waiting)
        return bool(here)


def _fresh_row(record: Record, entry: BundleEntry, resolver: Resolver) -> Record:
    held = {
        name: getattr(record, name)
        for name in ("resource_type", "content_hash", "version", "last_updated", "changed_at", "source")
    }
    return record_row(record.pk, record.record_id, entry.resource, resolver.names_for(entry), held)


def _missing(resolver: Resolver, entry: BundleEntry, arrived: str) -> tuple[list[Missing], list[Missing]]:
    """What is missing all the same under the name that was told, and the rest, which had no room before."""
    missing = resolver.missing(entry)
    here = [one for one in missing if arrived in map(row_digest, one.keys)]
    return here, [one for one in missing if one not in here]

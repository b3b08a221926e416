"""The audit table: entries are put once and never changed."""

import orjson
from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import PutError

from chalicelib import clock, ids, observability
from chalicelib.domain.audit import Entry
from chalicelib.models.base import AreaMeta, Row, storage_errors
from chalicelib.models.transaction import Transaction


class AuditEntry(Row, discriminator="audit_entry"):
    """One event; sort key is its time and id."""

    class Meta(metaclass=AreaMeta):
        area = "audit"

    audit_id = UnicodeAttribute()
    at = UnicodeAttribute()
    actor_kind = UnicodeAttribute()
    actor_id = UnicodeAttribute()
    action = UnicodeAttribute()
    about = UnicodeAttribute()
    request_id = UnicodeAttribute()


def record(tx: Transaction, entry: Entry) -> None:
    """The entry of a change, in the change's own transaction."""
    tx.put(_row(entry), condition=AuditEntry.pk.does_not_exist())


def record_alone(entry: Entry) -> None:
    """The entry of an access or a refusal, which changes nothing: stored before the answer leaves."""
    with storage_errors():
        try:
            _row(entry).save(condition=AuditEntry.pk.does_not_exist())
        except PutError as refused:
            # The key is fresh: an entry that is there is this very one, put by a try whose answer was lost.
            if refused.cause_response_code != "ConditionalCheckFailedException":
                raise


def find_entries(partition: str) -> list[AuditEntry]:
    """Every entry of one partition, oldest first."""
    with storage_errors():
        return list(AuditEntry.query(partition, consistent_read=True))


def _row(entry: Entry) -> AuditEntry:
    audit_id, at = ids.new_id("aud"), clock.stamp(clock.now())
    return AuditEntry(
        entry.partition,
        f"{at}#{audit_id}",
        audit_id=audit_id,
        at=at,
        actor_kind=entry.actor.kind,
        actor_id=entry.actor.id,
        action=entry.action,
        about=orjson.dumps(entry.about).decode(),
        request_id=observability.request_id(),
    )

"""The audit table: entries are put once and never changed."""

from collections.abc import Iterable

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError

from chalicelib import clock, ids, observability
from chalicelib.domain.audit import KEPT, Entry
from chalicelib.models.base import AreaMeta, Key, RawItem, Row, connection, find_raw, storage_errors
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
    ttl = NumberAttribute(null=True)

    @property
    def details(self) -> dict[str, object]:
        """What the event was about: ids and codes."""
        found: dict[str, object] = orjson.loads(self.about)
        return found


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


def find_page(partition: str, limit: int, before: str | None) -> list[AuditEntry]:
    """Entries of one partition, the newest first, older than the sort key `before` where one is given."""
    # A query takes in the ends of a range: one row more is asked for, and the one that the page comes after left out.
    older = AuditEntry.sk <= before if before else None
    with storage_errors():
        rows = list(AuditEntry.query(partition, older, consistent_read=True, scan_index_forward=False, limit=limit + 1))
    return [row for row in rows if row.sk != before][:limit]


def find_between(partition: str, since: str, until: str, limit: int) -> list[AuditEntry]:
    """Entries of one partition whose sort keys lie from one text to another, the newest first."""
    if since > until:
        return []
    condition = AuditEntry.sk.between(since, until)
    with storage_errors():
        rows = AuditEntry.query(partition, condition, consistent_read=True, scan_index_forward=False, limit=limit)
        return list(rows)


def find_latest(partition: str, limit: int) -> list[AuditEntry]:
    """The latest entries of one partition, newest first."""
    with storage_errors():
        return list(AuditEntry.query(partition, consistent_read=True, scan_index_forward=False, limit=limit))


def find_items(keys: Iterable[Key]) -> dict[Key, RawItem]:
    """Whatever lies under these keys, as DynamoDB has it."""
    return find_raw([(AuditEntry, key) for key in keys])


def scan(after: RawItem | None, limit: int) -> tuple[list[RawItem], RawItem | None]:
    """Items of the whole table as DynamoDB has them, in no order of time, and the place that the next ones come after.

    Entries of no known kind are among them, which a query of the model would leave out.
    """
    request = {"TableName": AuditEntry.Meta.table_name, "Limit": limit}
    with storage_errors():
        page = connection().dispatch("Scan", request | ({"ExclusiveStartKey": after} if after else {}))
    return page["Items"], page.get("LastEvaluatedKey")


def _row(entry: Entry) -> AuditEntry:
    audit_id, now = ids.new_id("aud"), clock.now()
    at = clock.stamp(now)
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
        ttl=clock.epoch(now + KEPT),
    )

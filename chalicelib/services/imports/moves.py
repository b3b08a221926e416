"""Resources that were another patient's until now: whoever sent them has corrected whom they are about."""

from collections.abc import Iterable, Sequence

from chalicelib.errors import Conflict
from chalicelib.models import aliases, raw_versions, record_history, records
from chalicelib.models.base import in_chunks
from chalicelib.models.raw_versions import Raw
from chalicelib.models.records import Record
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services.imports import history
from chalicelib.services.imports.plan import CLINIC, Planned, kind_of, place_of

_WAITS_AT_ONCE = 90


def find_former(planned: Iterable[Planned]) -> dict[int, Raw]:
    """The latest versions of what is another's until now, by index of the entry.

    Raises Conflict where somebody else has stored one in its new place meanwhile.
    """
    found = {one.entry.index: raw_versions.find_latest_raw(one.resource_id) for one in planned}
    former = {index: raw for index, raw in found.items() if raw is not None}
    if any(former[one.entry.index].owner == one.owner for one in planned if one.entry.index in former):
        raise Conflict
    return former


def leave(tx: Transaction, one: Planned, former: Raw) -> None:
    """Take a resource from where it was; of a record a mark stays there, and one of an earlier leave goes here."""
    kind = kind_of(one.entry.type, former.owner)
    if kind is Record:
        history.leave(tx, records.find(former.owner, one.resource_id))
    if one.kind is Record:
        record_history.remove_gone(tx, one.owner, one.resource_id)
    tx.delete(kind(*place_of(kind, former.owner, one.resource_id)))


def prepare_links(planned: Sequence[Planned], former: dict[int, Raw]) -> set[str]:
    """Let the records that link to what leaves their patient wait to be made again; the names to tell them of.

    Raises Unavailable.
    """
    told: set[str] = set()
    for owner in sorted({raw.owner for raw in former.values() if raw.owner != CLINIC}):
        moved = [one for one in planned if one.entry.index in former and former[one.entry.index].owner == owner]
        links = [
            (one.names[0], row)
            for row in records.find_all_of(owner)
            for one in moved
            if one.names and one.resource_id != row.record_id and f'"{one.resource_id}"' in row.view
        ]
        _wait(links)
        told |= {digest for digest, _ in links}
    return told


def _wait(links: list[tuple[str, Record]]) -> None:
    for some in in_chunks(links, _WAITS_AT_ONCE):
        with transaction() as tx:
            for digest, row in some:
                aliases.put_waiting(tx, digest, row.pk, row.record_id, None)

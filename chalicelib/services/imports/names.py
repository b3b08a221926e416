"""Names of resources that were stored before and are sent again under new ones: a large Bundle comes in parts."""

from collections.abc import Iterator

from chalicelib.models import aliases
from chalicelib.models.aliases import Alias
from chalicelib.models.base import in_chunks
from chalicelib.models.patients import Patient
from chalicelib.models.records import Record
from chalicelib.models.transaction import transaction
from chalicelib.services.imports.chunks import alias_of_directory
from chalicelib.services.imports.plan import Planned
from chalicelib.services.imports.resolve import Resolver

_NAMED_AT_ONCE = 90


def name_again(unchanged: list[Planned], resolver: Resolver) -> None:
    """Let the URLs by which a Bundle names resources that it does not change stand for them.

    Senders of conditional creates make new ones for every Bundle, and entries of other parts refer by them.
    """
    wanted = {row.pk: row for one in unchanged if one.entry.full_url for row in _aliases(one, resolver)}
    known = aliases.find_aliases([pk.removeprefix("alias#") for pk in wanted])
    targets = {f"alias#{digest}": row.target_id for digest, row in known.items()}
    fresh = [row for pk, row in wanted.items() if targets.get(pk) != row.target_id]
    for some in in_chunks(fresh, _NAMED_AT_ONCE):
        with transaction() as tx:
            for row in some:
                aliases.point_alias(tx, row)


def _aliases(one: Planned, resolver: Resolver) -> Iterator[Alias]:
    if one.kind is Patient:
        # The first is the identity, which has a row of its own kind.
        for digest in one.names[1:]:
            yield aliases.alias(digest, one.owner, owner=one.owner)
    elif one.kind is Record:
        title = resolver.known_inside(one.entry).name
        for digest in one.aliases:
            yield aliases.alias(digest, one.resource_id, owner=one.owner, display_name=title)
    else:
        for digest in one.aliases:
            yield alias_of_directory(one, digest)

"""What a record waits for: the names of what it refers to and what has not arrived."""

from dataclasses import dataclass, field

from chalicelib.domain.fhir.bundle import Entry
from chalicelib.domain.fhir.references import ABSOLUTE
from chalicelib.models import aliases
from chalicelib.models.transaction import Transaction
from chalicelib.services.imports.resolve import Missing
from chalicelib.services.resource_keys import row_digest

_LONGEST_URL = 2_000


@dataclass(slots=True)
class Waits:
    """The waiting that one transaction notes, each item once although several records ask for it."""

    tx: Transaction
    awaited: set[str] = field(default_factory=set)
    absent: set[tuple[str, str]] = field(default_factory=set)
    waiting: set[tuple[str, str]] = field(default_factory=set)

    def add(self, owner: str, record_id: str, entry: Entry, missing: list[Missing]) -> None:
        """Let a record wait for what is missing, on condition that it still is."""
        for one in missing:
            for digest in map(row_digest, one.keys):
                self._await(digest)
                if (digest, record_id) not in self.waiting:
                    self.waiting.add((digest, record_id))
                    aliases.put_waiting(self.tx, digest, owner, record_id, own_url(entry))
            for other in one.record_ids:
                self._check_absent(owner, other)

    def _await(self, digest: str) -> None:
        if digest not in self.awaited:
            self.awaited.add(digest)
            aliases.put_awaited(self.tx, digest)

    def _check_absent(self, owner: str, record_id: str) -> None:
        if (owner, record_id) not in self.absent:
            self.absent.add((owner, record_id))
            aliases.check_absent(self.tx, owner, record_id)


def own_url(entry: Entry) -> str | None:
    """The URL that tells a record's own server from others when its references are read again."""
    url = entry.full_url
    return url if url and len(url) <= _LONGEST_URL and ABSOLUTE.fullmatch(url) else None

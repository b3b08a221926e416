"""Idempotency-Key: the same request served twice has one effect and one answer.

After draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.auth import limits, secrets
from chalicelib.auth.limits import Limit, Window
from chalicelib.errors import TooManyRequests, Unavailable
from chalicelib.models import idempotency
from chalicelib.models.base import Key, together
from chalicelib.models.idempotency import Served
from chalicelib.models.transaction import AlreadyDone, Transaction, transaction


@dataclass(frozen=True, slots=True)
class Once:
    """One caller's key on one route, and the hash of what was asked."""

    row_id: str
    request_hash: str

    @classmethod
    def of(cls, *, caller: str, route: str, path: dict[str, str], key: str, body: bytes) -> "Once":
        """The row and the request hash of a request.

        No part of the request can be read back from them, nor guessed and compared without the key.
        """
        row_id = hashlib.sha256(f"{caller}\x1f{route}\x1f{key}".encode()).hexdigest()
        asked = hashlib.sha256(json.dumps(path, sort_keys=True).encode() + b"\x1f" + body).hexdigest()
        return cls(row_id, secrets.keyed_hash("request", asked))

    @property
    def key(self) -> Key:
        """The key of its row, to be read together with the state."""
        return idempotency.key(self.row_id)

    def replayed(self, row: object) -> dict[str, str] | None:
        """The ids of the first answer where the request was served before."""
        return row.replayed_ids(self.request_hash) if isinstance(row, Served) else None

    def find(self) -> dict[str, str] | None:
        """The ids of the first answer where the request was served before: for rules that a replay would break."""
        return self.replayed(Served.find(*self.key))

    def find_or_room(self, buckets: Mapping[str, Limit]) -> tuple[dict[str, str] | None, list[Window]]:
        """The ids of the first answer where the request was served before, and the windows that it is counted in.

        Raises TooManyRequests where it was not served before and one of the windows is full. One round trip.
        """
        replayed, windows = together(self.find, lambda: limits.look(buckets))
        full = [window.opens_in for window in windows if window.is_full]
        if replayed is None and full:
            raise TooManyRequests(retry_after=max(full))
        return replayed, windows

    def commit(self, change: Callable[[Transaction], dict[str, str]]) -> dict[str, str]:
        """Run a change in one transaction with its idempotency row.

        Returns the ids of the change, or those of the first one.
        """
        try:
            with transaction() as tx:
                answer_ids = change(tx)
                idempotency.remember(tx, self.row_id, self.request_hash, answer_ids)
        except AlreadyDone as done:
            replayed = idempotency.of_item(done.item).replayed_ids(self.request_hash)
            if replayed is None:
                raise Unavailable(retry_after=1) from done
            return replayed
        return answer_ids

"""One transaction per change.

Every row that belongs to it, its audit entry, its notices and its idempotency row, written together or not at all.
"""

import random
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pynamodb.exceptions import CancellationReason, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.errors import PortalError, Unavailable
from chalicelib.models.base import RawItem, Row, connection, find_rows, storage_errors

MAX_ITEMS = 100
"""DynamoDB's limit of one transaction."""

_RETRIES = 3
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class Precedence(IntEnum):
    """Which error speaks when several conditions failed: the highest."""

    ORDINARY = 0
    STATE = 10
    REPLAY = 100


class AlreadyDone(Exception):
    """The idempotency row of this change exists: `item` is that row as stored."""

    def __init__(self, item: RawItem) -> None:
        super().__init__("already done")
        self.item = item


class _Group(IntEnum):
    """The order in which PynamoDB sends the items, and in which the reasons come back."""

    CHECK = 0
    DELETE = 1
    PUT = 2
    UPDATE = 3


@dataclass(frozen=True, slots=True)
class _Item:
    group: _Group
    request: dict[str, Any]
    error: PortalError | None
    precedence: Precedence
    row: Row
    creates: bool = False

    @property
    def is_won_by_the_first(self) -> bool:
        """Whether a row that is there means that another writer was first."""
        return self.creates or self.precedence is Precedence.REPLAY


class Transaction:
    """Collects conditional writes, each with the refusal that its failed condition means.

    Every row that a change reads and then writes carries the condition that it is still as it was read.
    """

    def __init__(self) -> None:
        self._items: list[_Item] = []

    def __len__(self) -> int:
        return len(self._items)

    def create(
        self,
        row: Row,
        *,
        error: PortalError | None,
        precedence: Precedence = Precedence.ORDINARY,
        or_where: Condition | None = None,
    ) -> None:
        """Put a row that must not exist yet, or be one of which `or_where` is true.

        `error` None is for rows whose fresh id makes a clash impossible.
        """
        is_free = type(row).pk.does_not_exist() if error else None
        if is_free is not None and or_where is not None:
            is_free |= or_where
        kwargs = row.get_save_kwargs_from_instance(condition=is_free)
        self._items.append(_Item(_Group.PUT, kwargs, error, precedence, row, creates=error is not None))

    def put(
        self,
        row: Row,
        *,
        condition: Condition | None = None,
        error: PortalError | None = None,
        precedence: Precedence = Precedence.ORDINARY,
        return_old: bool = False,
    ) -> None:
        """Put a row, whatever was there, or under a condition."""
        kwargs = row.get_save_kwargs_from_instance(
            condition=condition, return_values_on_condition_failure="ALL_OLD" if return_old else None
        )
        self._items.append(_Item(_Group.PUT, kwargs, error, precedence, row))

    def update(
        self,
        row: Row,
        actions: Sequence[Action],
        *,
        condition: Condition | None = None,
        error: PortalError | None = None,
        precedence: Precedence = Precedence.ORDINARY,
    ) -> None:
        """Change attributes of a row under a condition."""
        kwargs = row.get_update_kwargs_from_instance(actions=list(actions), condition=condition)
        self._items.append(_Item(_Group.UPDATE, kwargs, error, precedence, row))

    def delete(
        self,
        row: Row,
        *,
        condition: Condition | None = None,
        error: PortalError | None = None,
        precedence: Precedence = Precedence.ORDINARY,
    ) -> None:
        """Remove a row under a condition."""
        self._items.append(
            _Item(_Group.DELETE, row.get_delete_kwargs_from_instance(condition=condition), error, precedence, row)
        )

    def check(
        self, row: Row, condition: Condition, *, error: PortalError, precedence: Precedence = Precedence.ORDINARY
    ) -> None:
        """Require a condition of a row that the change does not touch."""
        kwargs = type(row).get_operation_kwargs_from_class(row.pk, range_key=row.sk, condition=condition)
        self._items.append(_Item(_Group.CHECK, kwargs, error, precedence, row))

    def commit(self) -> None:
        """Write everything, once.

        Raises the refusal of the failed condition with the highest precedence, AlreadyDone, or Unavailable.
        """
        if not self._items:
            return
        items = sorted(self._items, key=lambda item: item.group)
        token = str(uuid.uuid4())
        reasons = _send(items, token)
        for attempt in range(_RETRIES):
            if not reasons:
                return
            _raise_refusal(items, reasons)
            # Full jitter, so that the writers who collided do not collide again.
            time.sleep(random.uniform(0.005, 0.05 * 2**attempt))  # noqa: S311  It spreads load, it keeps no secret.
            reasons = _send(items, token)
        if reasons:
            _raise_refusal(items, reasons)
            _raise_if_lost(items, reasons)
            raise Unavailable(retry_after=1)


@contextmanager
def transaction() -> Iterator[Transaction]:
    """A transaction that is committed when the block is left without an exception."""
    tx = Transaction()
    yield tx
    tx.commit()


def _send(items: list[_Item], token: str) -> list[CancellationReason | None]:
    """The reasons why nothing was written, one for each item; none where everything was."""
    by_group: list[list[dict[str, Any]]] = [[item.request for item in items if item.group == group] for group in _Group]
    checks, deletes, puts, updates = by_group
    with storage_errors():
        try:
            connection().transact_write_items(checks, deletes, puts, updates, client_request_token=token)
        except TransactWriteError as cancelled:
            if cancelled.cause_response_code != "TransactionCanceledException":
                raise
            return list(cancelled.cancellation_reasons)
    return []


def _raise_refusal(items: list[_Item], reasons: list[CancellationReason | None]) -> None:
    failed = [
        (item, reason)
        for item, reason in zip(items, reasons, strict=True)
        if reason and reason.code == "ConditionalCheckFailed"
    ]
    if failed:
        item, reason = max(failed, key=lambda pair: pair[0].precedence)
        if item.precedence is Precedence.REPLAY:
            raise AlreadyDone(reason.raw_item or {})
        if item.error is None:
            raise AssertionError(f"a condition without an error failed on {item.request['TableName']}")
        raise item.error
    unexpected = {reason.code for reason in reasons if reason} - _PASSING
    if unexpected:
        raise AssertionError(f"a transaction was cancelled: {sorted(unexpected)}")


def _raise_if_lost(items: list[_Item], reasons: list[CancellationReason | None]) -> None:
    """After the last conflict the state decides: what another writer has created meanwhile is lost, not a fault."""
    contested = [item for item, reason in zip(items, reasons, strict=True) if reason and item.is_won_by_the_first]
    rows = find_rows([(type(item.row), item.row.key) for item in contested])
    for item in sorted(contested, key=lambda item: item.precedence, reverse=True):
        first = rows.get((type(item.row).Meta.table_name, *item.row.key))
        if first is not None and item.precedence is Precedence.REPLAY:
            raise AlreadyDone(first.to_dynamodb_dict())
        if first is not None and item.error is not None:
            raise item.error

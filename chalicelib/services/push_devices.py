"""Devices that take push messages: a token is one device's of one account, whoever registered it last.

The API knows no push service: the worker that sends the first message to a device makes its endpoint.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.domain.access import SYSTEM, Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.push_devices import MOST, Platform, PushDeviceView
from chalicelib.errors import Conflict, NotFound
from chalicelib.models import audit
from chalicelib.models import push_devices as storage
from chalicelib.models.base import find_rows, together
from chalicelib.models.idempotency import Served
from chalicelib.models.push_devices import PushDevice, PushToken
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services.once import Once

_TRIES = 10
_LONGEST_PAUSE = 0.05

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Token:
    """A push token, and the keyed hash that its owner is found by."""

    platform: Platform
    value: str
    hash: str

    @classmethod
    def of(cls, platform: Platform, value: str) -> "Token":
        """A token as its app sent it."""
        return cls(platform, value, secrets.keyed_hash("push-token", value))


def find_all(actor: Actor) -> list[PushDeviceView]:
    """The caller's own devices, the last registered first."""
    found = sorted(storage.find_all(actor.id), key=lambda device: device.device_id, reverse=True)
    return [_view(device) for device in found]


def register(actor: Actor, platform: Platform, push_token: str, once: Once) -> PushDeviceView:
    """Have push messages sent to a device.

    A token that the caller has already is the same device again; one that was another account's is theirs no longer.
    """
    token = Token.of(platform, push_token)
    return _settled(lambda: _register(actor, token, once))


def refresh(actor: Actor, device_id: str, push_token: str) -> PushDeviceView:
    """Note that a device is still in use, and the token that it has now. Raises NotFound."""
    return _settled(lambda: _refresh(actor, device_id, push_token))


def remove(actor: Actor, device_id: str) -> None:
    """Send no more push messages to a device. Raises NotFound."""
    _settled(lambda: _remove(actor, device_id))


def _register(actor: Actor, token: Token, once: Once) -> PushDeviceView:
    token_key = storage.token_key(token.hash)
    rows, devices = together(
        lambda: find_rows([(PushToken, token_key), (Served, once.key)]), lambda: storage.find_stored(actor.id)
    )
    by_kind = {type(row): row for row in rows.values()}
    replayed = once.replayed(by_kind.get(Served))
    if replayed is not None:
        return next((_view(one) for one in devices if one.device_id == replayed["device_id"]), _view_of(replayed))
    owner: PushToken | None = by_kind.get(PushToken)
    known = next((one for one in devices if owner and one.device_id == owner.device_id), None)
    if known is not None:
        return _view_of(once.commit(lambda tx: _ids(_change(tx, actor, known, token, owner))))
    if owner is not None and owner.account_id == actor.id:
        # It was registered between the two reads.
        raise Conflict
    other = _displaced(owner)
    return _view_of(once.commit(lambda tx: _ids(_create(tx, actor, token, owner, [*devices[MOST - 1 :], *other]))))


def _create(
    tx: Transaction, actor: Actor, token: Token, owner: PushToken | None, leaving: list[PushDevice]
) -> PushDevice:
    device_id, now = ids.new_id("psh"), clock.stamp(clock.now())
    device = PushDevice(
        *storage.device_key(actor.id, device_id),
        device_id=device_id,
        platform=token.platform,
        push_token=token.value,
        token_hash=token.hash,
        created_at=now,
        refreshed_at=now,
    )
    storage.register(tx, device, owner)
    _clear(tx, actor, device, leaving)
    _audit(tx, actor, Action.PUSH_DEVICE_CREATE, device, leaving)
    return device


def _refresh(actor: Actor, device_id: str, push_token: str) -> PushDeviceView:
    token_hash = secrets.keyed_hash("push-token", push_token)
    rows = find_rows(
        [(PushDevice, storage.device_key(actor.id, device_id)), (PushToken, storage.token_key(token_hash))]
    )
    by_kind = {type(row): row for row in rows.values()}
    known, owner = by_kind.get(PushDevice), by_kind.get(PushToken)
    if not isinstance(known, PushDevice):
        raise NotFound
    token = Token(Platform(known.platform), push_token, token_hash)
    owner = owner if isinstance(owner, PushToken) else None
    with transaction() as tx:
        return _view(_change(tx, actor, known, token, owner))


def _change(tx: Transaction, actor: Actor, known: PushDevice, token: Token, owner: PushToken | None) -> PushDevice:
    """A known device with the token that its app has now."""
    is_same = known.token_hash == token.hash and known.platform == token.platform
    device = PushDevice(
        *known.key,
        device_id=known.device_id,
        platform=token.platform,
        push_token=token.value,
        token_hash=token.hash,
        # An endpoint is a token's at one platform's service.
        endpoint_arn=known.endpoint_arn if is_same else None,
        created_at=known.created_at,
        refreshed_at=clock.stamp(clock.now()),
    )
    leaving = _displaced(owner) if owner and owner.device_id != known.device_id else []
    storage.refresh(tx, device, known, owner)
    _clear(tx, actor, device, leaving)
    _audit(tx, actor, Action.PUSH_DEVICE_REFRESH, device, leaving)
    return device


def _displaced(owner: PushToken | None) -> list[PushDevice]:
    """The device that has the token until now."""
    found = storage.find(owner.account_id, owner.device_id) if owner else None
    return [found] if found else []


def _clear(tx: Transaction, actor: Actor, stays: PushDevice, leaving: list[PushDevice]) -> None:
    """Have other devices leave; the history of whoever loses one says so, and not to whom."""
    for device in leaving:
        if device.token_hash == stays.token_hash:
            storage.drop(tx, device)
        else:
            storage.remove(tx, device)
        if device.pk != actor.id:
            about: dict[str, object] = {"device_id": device.device_id}
            audit.record(tx, Entry(SYSTEM, Action.PUSH_DEVICE_REMOVE, account_id=device.pk, about=about))


def _audit(tx: Transaction, actor: Actor, action: Action, device: PushDevice, leaving: list[PushDevice]) -> None:
    own = [other.device_id for other in leaving if other.pk == actor.id]
    about: dict[str, object] = {"device_id": device.device_id, **({"removed": own} if own else {})}
    audit.record(tx, Entry(actor, action, account_id=actor.id, about=about))


def _remove(actor: Actor, device_id: str) -> None:
    device = storage.find(actor.id, device_id)
    if device is None:
        raise NotFound
    with transaction() as tx:
        storage.remove(tx, device)
        _audit(tx, actor, Action.PUSH_DEVICE_REMOVE, device, [])


def _settled(change: Callable[[], _T]) -> _T:
    """A change, made again from what is there where somebody else was faster. Raises Conflict in the end."""
    for _ in range(_TRIES):
        try:
            return change()
        except Conflict:
            time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  It spreads load, it keeps no secret.
    return change()


def _ids(device: PushDevice) -> dict[str, str]:
    return {
        "device_id": device.device_id,
        "platform": device.platform,
        "created_at": device.created_at,
        "refreshed_at": device.refreshed_at,
    }


def _view(device: PushDevice) -> PushDeviceView:
    return _view_of(_ids(device))


def _view_of(known: dict[str, str]) -> PushDeviceView:
    return PushDeviceView(
        device_id=known["device_id"],
        platform=Platform(known["platform"]),
        created_at=clock.read_stamp(known["created_at"]),
        refreshed_at=clock.read_stamp(known["refreshed_at"]),
    )

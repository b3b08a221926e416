"""Devices on which signing in asks for no second step, for as long as they are trusted."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock, ids
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.errors import NotFound
from chalicelib.models import audit
from chalicelib.models import sessions as storage
from chalicelib.models.base import in_chunks
from chalicelib.models.sessions import Device
from chalicelib.models.transaction import transaction
from chalicelib.services import accounts as account_service
from chalicelib.services import devices

_FORGOTTEN_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class TrustedDevice:
    """A device as its owner sees it; times are aware, in UTC."""

    device_id: str
    device_name: str | None
    trusted_at: datetime
    trusted_until: datetime


def find_all(actor: Actor) -> list[TrustedDevice]:
    """The caller's trusted devices, the latest first."""
    return sorted(
        (_view(device) for device in _trusted(actor)), key=lambda one: (one.trusted_at, one.device_id), reverse=True
    )


def forget(actor: Actor, device_id: str) -> None:
    """Ask for the second step on a device again. Raises NotFound."""
    device = storage.find_device(actor.id, device_id) if ids.has_prefix(device_id, "dev") else None
    if device is None or not devices.is_trusted(account_service.find(actor), device):
        raise NotFound
    _forget(actor, [device])


def forget_all(actor: Actor) -> None:
    """Ask for the second step on every device again."""
    for chunk in in_chunks(_trusted(actor), _FORGOTTEN_AT_ONCE):
        _forget(actor, list(chunk))


def _forget(actor: Actor, forgotten: list[Device]) -> None:
    with transaction() as tx:
        for device in forgotten:
            storage.end_trust(tx, device)
        about: dict[str, object] = {"device_ids": [device.device_id for device in forgotten]}
        audit.record(tx, Entry(actor, Action.ACCOUNT_DEVICE_DISTRUST, account_id=actor.id, about=about))


def _trusted(actor: Actor) -> list[Device]:
    account = account_service.find(actor)
    return [device for device in storage.find_devices(actor.id) if devices.is_trusted(account, device)]


def _view(device: Device) -> TrustedDevice:
    return TrustedDevice(
        device.device_id,
        device.name,
        clock.read_stamp(device.trusted_at or device.created_at),
        clock.read_stamp(device.trusted_until or device.created_at),
    )

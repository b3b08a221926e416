"""Opening a session for somebody who has proved who they are, on a device that is known or new."""

from dataclasses import dataclass

from chalicelib.auth import sessions as tokens_of
from chalicelib.auth.sessions import Opening, Transport
from chalicelib.domain.access import Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.second_factors import Factor
from chalicelib.models import audit, outbox
from chalicelib.models import sessions as storage
from chalicelib.models.accounts import Account
from chalicelib.models.sessions import Device
from chalicelib.models.transaction import Transaction
from chalicelib.services import accounts as account_service
from chalicelib.services import devices
from chalicelib.services.accounts import SignedIn


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody signs in: `device` is None where it is new, `trusts` whether it shall need no second step."""

    transport: Transport
    device: Device | None
    device_name: str | None
    trusts: bool = False


def open_session(tx: Transaction, account: Account, place: Place, factors: tuple[Factor, ...]) -> SignedIn:
    """A session, with its audit entry; of a device that is new, every address is told (PW 8)."""
    trust = devices.trust(account) if place.trusts else None
    if place.device is None:
        device_id, device_token = devices.remember(tx, account, place.device_name, trust)
        opening = Opening(place.device_name, device_id, factors=factors)
    else:
        storage.note_right_try(tx, place.device, trust)
        opening = Opening(place.device_name or place.device.name, place.device.device_id, factors=factors)
        device_token = None
    tokens = tokens_of.open_session(tx, account, place.transport, opening)
    if device_token is not None:
        outbox.post(tx, Notice(NoticeKind.NEW_DEVICE, account.pk))
    holder = Actor(ActorKind.ACCOUNT, account.pk, patient_id=account.patient_id)
    about: dict[str, object] = {
        "session_id": tokens.session_id,
        "device_id": opening.device_id,
        "factors": list(factors),
    }
    audit.record(tx, Entry(holder, Action.SESSION_CREATE, account_id=account.pk, about=about))
    return SignedIn(account_service.view(account), tokens, device_token)

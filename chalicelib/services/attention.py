"""What a patient should look at beside their record: what they asked for, and what is amiss with their account."""

from chalicelib import clock, words
from chalicelib.domain.access import Actor
from chalicelib.domain.addresses import AddressStatus, AddressView
from chalicelib.domain.attention import Alert, AlertCode, OpenRequest, RequestKind
from chalicelib.domain.proxy_requests import ProxyStatus
from chalicelib.models import patient_changes
from chalicelib.models.base import together
from chalicelib.services import accounts, addresses, amendments, proxy_requests

_STOPPED = {
    AddressStatus.BOUNCED: AlertCode.ADDRESS_BOUNCED,
    AddressStatus.COMPLAINED: AlertCode.ADDRESS_COMPLAINED,
    AddressStatus.STOPPED: AlertCode.ADDRESS_STOPPED,
}


def find_requests(holder: Actor, whose: tuple[str, ...]) -> list[OpenRequest]:
    """What a patient asked the clinic for and what it has not decided yet, the newest first."""
    change, proxies, amended = together(
        lambda: patient_changes.find(whose[0]),
        lambda: proxy_requests.find_own(holder),
        lambda: amendments.find_waiting(whose),
    )
    found = [OpenRequest(RequestKind.AMENDMENT, one.amendment_id, one.status, one.created_at) for one in amended]
    found += [
        OpenRequest(RequestKind.PROXY_REQUEST, one.proxy_request_id, one.status, one.created_at)
        for one in proxies
        if one.status is ProxyStatus.PENDING
    ]
    if change is not None:
        asked_at = clock.read_stamp(change.asked_at)
        found.append(OpenRequest(RequestKind.CONTACT_CHANGE, change.change_id, ProxyStatus.PENDING, asked_at))
    return sorted(found, key=lambda one: one.created_at, reverse=True)


def find_alerts(holder: Actor, language: str) -> list[Alert]:
    """What is amiss with the account of a patient: an email that was not confirmed, addresses that take no messages."""
    account = accounts.view(accounts.find(holder))
    found = []
    if account.email and not account.email_verified:
        found.append(_alert(AlertCode.EMAIL_UNCONFIRMED, "account", account.account_id, language))
    return found + [_stopped(one, language) for one in addresses.find_all(holder) if one.status in _STOPPED]


def _stopped(one: AddressView, language: str) -> Alert:
    return _alert(_STOPPED[one.status], "address", one.address_id, language, address=one.masked)


def _alert(code: AlertCode, kind: str, id: str, language: str, **values: str) -> Alert:
    return Alert(code, words.say(f"alert.{code}", language, **values), kind, id)

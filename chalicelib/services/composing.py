"""What a message says: for each kind of notice the values of its templates, from what is true when it is sent."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from chalicelib import clock, ids
from chalicelib.domain import identity
from chalicelib.domain.notices import Channel, NoticeKind
from chalicelib.models import links, password_resets
from chalicelib.models.accounts import Account
from chalicelib.models.links import Link
from chalicelib.models.outbox import OutboxRow
from chalicelib.services import contacts, suppressions
from chalicelib.services import links as link_service
from chalicelib.services.links import email_hash

Values: TypeAlias = dict[str, object]
"""The values of a template; times are aware, and shown in the reader's zone."""


def compose(kind: NoticeKind, account: Account, row: OutboxRow) -> Values | None:
    """The values of a message, or None where there is nothing to tell any more."""
    values = _COMPOSERS[kind](account, row)
    if values is not None and (stop_link_id := row.ids().get("stop_link_id")):
        values["stop_link"] = link_service.url(stop_link_id)
    return values


def _email_confirmation(account: Account, row: OutboxRow) -> Values | None:
    about = row.ids()
    link = _open_link(about["link_id"])
    if link is None or not account.pending_email or link.about != email_hash(account.pending_email):
        return None
    return {
        "link": link_service.url(link.pk),
        "expires_at": clock.read_stamp(link.expires_at),
        "disown_link": link_service.url(about["disown_link_id"]),
    }


def _password_reset(_account: Account, row: OutboxRow) -> Values | None:
    link = _open_link(row.ids()["link_id"])
    if link is None or not password_resets.is_running(link):
        return None
    return {
        "link": link_service.url(link.pk),
        "code": link_service.code(link.pk),
        "expires_at": clock.read_stamp(link.expires_at),
    }


def _open_link(link_id: str) -> Link | None:
    link = links.find(link_id)
    return link if link is not None and not link.is_over else None


def _nothing(_account: Account, _row: OutboxRow) -> Values:
    return {}


def _when(_account: Account, row: OutboxRow) -> Values:
    # The notice's id has the time of the change; its message may have been written hours later.
    return {"changed_at": ids.time_of(row.notice_id or "")}


def _username(account: Account, _row: OutboxRow) -> Values:
    return {"username": account.username}


def _stopped(account: Account, row: OutboxRow) -> Values | None:
    stopped = row.ids().get("address_id")
    for one in contacts.find(account).all:
        if one.channel is Channel.EMAIL and suppressions.address_id(one.channel, one.value) == stopped:
            is_stopped = suppressions.is_suppressed(one.channel, one.value)
            return {"address": identity.mask_email(one.value)} if is_stopped else None
    return None


def _new_results(account: Account, row: OutboxRow) -> Values:
    return {"is_own": account.patient_id == row.patient_id}


_COMPOSERS: Mapping[NoticeKind, Callable[[Account, OutboxRow], Values | None]] = {
    NoticeKind.EMAIL_CONFIRMATION: _email_confirmation,
    NoticeKind.EMAIL_IN_USE: _nothing,
    NoticeKind.EMAIL_REMOVED: _nothing,
    NoticeKind.EMAIL_STOPPED: _stopped,
    NoticeKind.NEW_RESULTS: _new_results,
    NoticeKind.PASSWORD_CHANGED: _when,
    NoticeKind.PASSWORD_RESET: _password_reset,
    NoticeKind.USERNAME_REMINDER: _username,
}

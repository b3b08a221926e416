"""What a message says: for each kind of notice the values of its templates, from what is true when it is sent."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from chalicelib import clock, ids
from chalicelib.auth import sign_in_codes
from chalicelib.domain import identity
from chalicelib.domain.contact_changes import Changed
from chalicelib.domain.notices import Channel, NoticeKind
from chalicelib.domain.second_factors import Factor
from chalicelib.models import contact_changes, exports, links, password_resets, second_factors
from chalicelib.models.accounts import Account
from chalicelib.models.links import Link
from chalicelib.models.outbox import OutboxRow
from chalicelib.services import boundaries, contacts, phones, suppressions
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


def _contact_changed(account: Account, row: OutboxRow) -> Values | None:
    """What was changed, with the link that undoes it for whoever could be reached before the change."""
    change = contact_changes.find(account.pk, row.ids()[contacts.CHANGE])
    if change is None or change.undone_at:
        return None
    address = contacts.find(account, row.ids()).resolve(row.address or "")
    is_new = change.what == Changed.EMAIL and row.address == "confirmed"
    is_new = is_new or address is None or address.value == change.after
    link = None if is_new else _open_link(change.link_id)
    return {
        **_when(account, row),
        "link": link_service.url(link.pk) if link else None,
        "until": clock.read_stamp(link.expires_at) if link else None,
    }


def _account_closed(account: Account, row: OutboxRow) -> Values | None:
    about = row.ids()
    link = _open_link(about["link_id"])
    if link is None or account.closing_id != about["closing_id"] or not account.can_be_reopened:
        return None
    until = clock.read_stamp(account.closed_until or "")
    return {**_when(account, row), "link": link_service.url(link.pk), "until": until}


def _phone_code(_account: Account, row: OutboxRow) -> Values | None:
    code = phones.code(row.ids()["code_id"], row.account_id or "")
    return {"code": code} if code else None


def _sign_in_code(row: OutboxRow, method: Factor) -> Values | None:
    sign_in = second_factors.find_sign_in(row.ids()["sign_in_id"])
    return {"code": sign_in_codes.code(sign_in.pk, method)} if sign_in is not None and not sign_in.is_over else None


def _open_link(link_id: str) -> Link | None:
    link = links.find(link_id)
    return link if link is not None and not link.is_over else None


def _nothing(_account: Account, _row: OutboxRow) -> Values:
    return {}


def _boundary(account: Account, row: OutboxRow) -> Values | None:
    return {} if boundaries.is_due(account.pk, row.ids()) else None


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


def _export_ready(account: Account, row: OutboxRow) -> Values | None:
    export = exports.find(account.pk, row.ids()["export_id"])
    if export is None or export.is_over or not export.expires_at:
        return None
    return {**_when(account, row), "until": clock.read_stamp(export.expires_at)}


def _new_results(account: Account, row: OutboxRow) -> Values:
    return {"is_own": account.patient_id == row.patient_id}


_COMPOSERS: Mapping[NoticeKind, Callable[[Account, OutboxRow], Values | None]] = {
    NoticeKind.ACCOUNT_CLOSED: _account_closed,
    NoticeKind.ACCOUNT_REOPENED: _when,
    NoticeKind.AGE_BOUNDARY: _boundary,
    NoticeKind.AMENDMENT_DECIDED: _nothing,
    NoticeKind.COMING_OF_AGE: _boundary,
    NoticeKind.CAREGIVER_ADDED: _nothing,
    NoticeKind.CAREGIVER_LEFT: _nothing,
    NoticeKind.GRANT_CHANGED: _nothing,
    NoticeKind.GRANT_ENDED: _nothing,
    NoticeKind.PROXY_REQUEST_DECIDED: _nothing,
    NoticeKind.CONTACT_RESTORED: _when,
    NoticeKind.EMAIL_CHANGED: _contact_changed,
    NoticeKind.PHONE_CHANGED: _contact_changed,
    NoticeKind.PHONE_CODE: _phone_code,
    NoticeKind.USERNAME_CHANGED: _contact_changed,
    NoticeKind.BREAK_GLASS: _when,
    NoticeKind.CHANGE_DENIED: _nothing,
    NoticeKind.UPLOAD_REFUSED: _nothing,
    NoticeKind.EXPORT_READY: _export_ready,
    NoticeKind.CONTACT_REPLACED: _when,
    NoticeKind.FILES_JOINED: _when,
    NoticeKind.FILES_PARTED: _when,
    NoticeKind.EMAIL_CONFIRMATION: _email_confirmation,
    NoticeKind.EMAIL_IN_USE: _nothing,
    NoticeKind.EMAIL_REMOVED: _nothing,
    NoticeKind.EMAIL_STOPPED: _stopped,
    NoticeKind.ACCOUNT_CREATED: _when,
    NoticeKind.NEW_DEVICE: _when,
    NoticeKind.SHARE_LOCKED: _when,
    NoticeKind.SHARE_OPENED: _when,
    NoticeKind.SIGN_IN_CODE: lambda _, row: _sign_in_code(row, Factor.EMAIL),
    NoticeKind.SIGN_IN_TEXT: lambda _, row: _sign_in_code(row, Factor.SMS),
    NoticeKind.SECOND_FACTOR_CHANGED: _when,
    NoticeKind.NEW_RESULTS: _new_results,
    NoticeKind.PASSWORD_CHANGED: _when,
    NoticeKind.PASSWORD_RESET: _password_reset,
    NoticeKind.USERNAME_REMINDER: _username,
}

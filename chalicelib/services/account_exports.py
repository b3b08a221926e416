"""What the portal keeps about an account, as one JSON document for its holder (schemas/exports.py says its shape).

It holds no secret, nor what a secret could be guessed from, and of other people only what its holder was told of them:
a caregiver's address is masked, and who is in somebody's care has an id and no name. The health record is not in it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from typing import Any

import orjson

from chalicelib import clock, ids, words
from chalicelib.domain import identity
from chalicelib.domain.access import Actor, ActorKind, Reach
from chalicelib.domain.addresses import AddressStatus
from chalicelib.domain.exports import Document
from chalicelib.domain.notices import Channel
from chalicelib.domain.records import release
from chalicelib.models import contact_changes, patient_changes, patients, preferences
from chalicelib.models import sessions as session_storage
from chalicelib.models.accounts import Account
from chalicelib.services import (
    activity,
    amendments,
    caregivers,
    contacts,
    devices,
    documents,
    grants,
    notices,
    passkeys,
    proxy_requests,
    push_devices,
    second_factors,
    sessions,
    shares,
    suppressions,
)
from chalicelib.settings import settings

SCHEMA, VERSION = "AccountFile", 1
"""The name of the document's shape in the OpenAPI document, and its version: it rises where a reader could break."""

_PAGE = 100


def build(account: Account, progress: Callable[[int], None]) -> Document:
    """Gather all of it; `progress` is told, in percent, how far that is."""
    holder = Actor(
        ActorKind.ACCOUNT,
        account.pk,
        patient_id=account.patient_id,
        language=account.language,
        roles=account.staff_roles,
    )
    parts: dict[str, Any] = {}
    for done, (name, gather) in enumerate(_PARTS.items(), start=1):
        parts[name] = gather(account, holder)
        if done % 4 == 0:
            progress(90 * done // len(_PARTS))
    counts = {name: len(part) if isinstance(part, list) else 1 for name, part in parts.items()}
    return Document(BytesIO(orjson.dumps({**_head(account), **parts}, option=orjson.OPT_INDENT_2)), counts)


def _head(account: Account) -> dict[str, Any]:
    clinic = settings().clinic_name
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "made_at": clock.stamp(clock.now()),
        "clinic": clinic,
        "about": [words.say(f"export.account.{part}", account.language, clinic=clinic) for part in ("what", "not")],
    }


def _at(at: datetime | None) -> str | None:
    return clock.stamp(at) if at else None


def _profile(account: Account, _holder: Actor) -> dict[str, Any]:
    return {
        "account_id": account.pk,
        "patient_id": account.patient_id,
        "username": account.username,
        "email": account.email,
        "pending_email": account.pending_email,
        "mobile_phone": account.phone or account.mobile_phone,
        "mobile_phone_verified": account.phone is not None,
        "pending_mobile_phone": account.pending_phone,
        "date_of_birth": account.birth_date,
        "language": account.language,
        "time_zone": account.time_zone,
        "roles": sorted(account.staff_roles),
        "created_at": account.created_at,
    }


def _addresses(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    known = [one for one in contacts.find(account).all if one.channel is not Channel.PUSH]
    suppressed = suppressions.find_suppressed([(one.channel, one.value) for one in known])
    return [
        {
            "channel": one.channel,
            "address": one.value,
            "source": "clinic" if one.ref.startswith("on_file") else "you",
            "status": AddressStatus.of(suppressed.get((one.channel, one.value)), is_confirmed=one.is_confirmed),
        }
        for one in known
    ]


def _preferences(account: Account, _holder: Actor) -> dict[str, Any]:
    chosen = preferences.find(account.pk)
    quiet = chosen.quiet_hours
    return {
        "rows": [
            {"notice_type": row.kind, "lead_time": row.lead, "channels": sorted(row.channels)} for row in chosen.rows()
        ],
        "quiet_hours": {"starts": f"{quiet.starts:%H:%M}", "ends": f"{quiet.ends:%H:%M}"} if quiet else None,
        "release": [
            {"patient_id": patient_id, "category": hold.category, "release": hold.release, "since": hold.since}
            for patient_id in release.patient_ids(account.release)
            for hold in release.chosen(account.release, [patient_id]).holds
        ],
    }


def _security(account: Account, holder: Actor) -> dict[str, Any]:
    bound = second_factors.read(holder)
    return {
        "password_disabled": bool(account.password_disabled),
        "security_phrase_is_set": account.security_phrase is not None,
        "security_questions": len(orjson.loads(account.security_answers)),
        "second_factors": [{"method": factor, "since": clock.stamp(since)} for factor, since in bound.since],
        "recovery_codes_left": bound.recovery_codes_left,
    }


def _passkeys(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    return [
        {
            "passkey_id": one.passkey_id,
            "name": one.name,
            "created_at": clock.stamp(one.created_at),
            "last_used_at": _at(one.last_used_at),
        }
        for one in passkeys.find_all(holder)
    ]


def _devices(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    return [
        {
            "device_id": one.device_id,
            "name": one.name,
            "created_at": one.created_at,
            "trusted_until": one.trusted_until if devices.is_trusted(account, one) else None,
        }
        for one in session_storage.find_devices(account.pk)
    ]


def _sessions(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    return [
        {
            "session_id": one.session_id,
            "device_name": one.device_name,
            "transport": one.transport,
            "created_at": clock.stamp(one.created_at),
            "refreshed_at": clock.stamp(one.refreshed_at),
            "expires_at": clock.stamp(one.expires_at),
        }
        for one in sessions.find_all(holder)
    ]


def _terms(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    return [{"version": account.terms_version, "account_created_at": account.created_at}]


def _push_devices(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    return [
        {
            "device_id": one.device_id,
            "platform": one.platform,
            "created_at": clock.stamp(one.created_at),
            "refreshed_at": clock.stamp(one.refreshed_at),
        }
        for one in push_devices.find_all(holder)
    ]


def _notices(account: Account, holder: Actor) -> list[dict[str, Any]]:
    def page(before: str | None) -> tuple[list[Any], str | None]:
        found = notices.find_page(holder, account.language, limit=_PAGE, before=before, unread=False)
        return found.items, found.after

    return [
        {
            "notice_id": one.notice_id,
            "patient_id": one.patient_id,
            "title": one.title,
            "text": one.text,
            "sent_at": clock.stamp(one.sent_at),
            "read_at": _at(one.read_at),
            "channels": [{"channel": channel, "status": status} for channel, status in one.channels.items()],
        }
        for one in _walk(page)
    ]


def _activity(account: Account, holder: Actor) -> list[dict[str, Any]]:
    def page(before: str | None) -> tuple[list[Any], str | None]:
        found = activity.find_page(holder, account.language, limit=_PAGE, before=before)
        return found.items, found.after

    return [
        {
            "activity_id": one.activity_id,
            "at": clock.stamp(one.at),
            "kind": one.kind,
            "by": one.by,
            "text": one.text,
            "device_name": one.device_name,
        }
        for one in _walk(page)
    ]


def _walk(page: Callable[[str | None], tuple[list[Any], str | None]]) -> Iterator[Any]:
    items, after = page(None)
    yield from items
    while after is not None:
        items, after = page(after)
        yield from items


def _caregivers(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    if not account.patient_id:
        return []
    return [
        {
            "caregiver_id": one.caregiver_id,
            "status": one.status,
            "name": one.name,
            "email_masked": identity.mask_email(one.email) if one.email else None,
            "relation": one.relation,
            "scopes": sorted(one.scopes),
            "sees_sensitive": one.sees_sensitive,
            "expires_at": _at(one.expires_at),
        }
        for one in caregivers.find_all(account.patient_id)
    ]


def _in_care(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    return [
        {
            "patient_id": tie.patient.pk,
            "relation": tie.grant.relation,
            "scopes": sorted(tie.grant.scopes - tie.grant.closed),
            "sees_sensitive": tie.grant.sees_sensitive,
            "expires_at": _at(tie.grant.expires_at),
        }
        for tie in grants.find_all_of(account.pk)
    ]


def _proxy_requests(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """What somebody typed about another person stays with the clinic, which decides; here is that they asked."""
    return [
        {
            "proxy_request_id": one.proxy_request_id,
            "relation": one.claim.relation,
            "scopes": sorted(one.claim.scopes),
            "requester_name": one.claim.requester_name,
            "status": one.status,
            "created_at": clock.stamp(one.created_at),
            "decided_at": _at(one.decided_at),
            "reason": one.reason,
        }
        for one in proxy_requests.find_own(holder)
    ]


def _amendments(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """What was written of a record is of the record; here is that it was asked for, and what became of it."""
    return [
        {
            "amendment_id": one.amendment_id,
            "patient_id": one.patient_id,
            "status": one.status,
            "created_at": clock.stamp(one.created_at),
            "decided_at": _at(one.decided_at),
        }
        for one in amendments.find_all_of(holder)
    ]


def _contact_changes(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    return [
        {
            "change_id": one.change_id,
            "what": one.what,
            "before": one.before,
            "after": one.after,
            "changed_at": clock.stamp(ids.time_of(one.change_id)),
            "undone_at": one.undone_at,
        }
        for one in contact_changes.find_all(account.pk)
    ]


def _pending_changes(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """What the holder asked the clinic to change of what it has on file, and nobody has decided."""
    found = patient_changes.find(account.patient_id) if account.patient_id else None
    if found is None or found.account_id != account.pk:
        return []
    return [{"change_id": found.change_id, "fields": found.wanted, "asked_at": found.asked_at}]


def _documents(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """What is kept beside the health record, for the holder and those who are merged into them."""
    patient = patients.find(account.patient_id) if account.patient_id else None
    if patient is None:
        return []
    reach = Reach(patient.pk, joined=patient.joined_ids)
    return [
        {
            "document_id": one.document_id,
            "title": one.title,
            "kind": one.kind,
            "dated": one.dated.isoformat() if one.dated else None,
            "file_name": one.upload.file_name,
            "status": one.upload.status,
            "size": one.upload.size,
            "content_type": one.upload.media_type,
            "created_at": clock.stamp(one.upload.created_at),
            "uploaded_by": one.by,
        }
        for one in _walk(lambda before: documents.find_page(reach, limit=_PAGE, before=before))
    ]


def _shares(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """What the holder shares of a record, and who opened it, without what opens it."""
    return [
        {
            "share_id": one.share_id,
            "recipient": one.recipient,
            "status": one.status,
            "categories": list(one.wanted.categories),
            "created_at": clock.stamp(one.created_at),
            "expires_at": clock.stamp(one.expires_at),
            "openings": [
                {"opened_at": clock.stamp(opening.opened_at), "by": opening.by, "recipient": opening.recipient}
                for opening in one.openings
            ],
        }
        for one in shares.find_own(holder)
    ]


_PARTS: dict[str, Callable[[Account, Actor], Any]] = {
    "profile": _profile,
    "addresses": _addresses,
    "preferences": _preferences,
    "security": _security,
    "passkeys": _passkeys,
    "devices": _devices,
    "sessions": _sessions,
    "terms": _terms,
    "push_devices": _push_devices,
    "notices": _notices,
    "activity": _activity,
    "caregivers": _caregivers,
    "in_care": _in_care,
    "proxy_requests": _proxy_requests,
    "amendments": _amendments,
    "contact_changes": _contact_changes,
    "pending_changes": _pending_changes,
    "documents": _documents,
    "shares": _shares,
}
"""Every part of the document, by its name in it."""

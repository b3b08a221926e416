"""The account itself, and what one signs in with."""

from typing import Any

import orjson

from chalicelib import clock
from chalicelib.domain.access import Actor
from chalicelib.domain.addresses import AddressStatus
from chalicelib.domain.notices import Channel
from chalicelib.domain.records import release
from chalicelib.models import preferences
from chalicelib.models import sessions as session_storage
from chalicelib.models.accounts import Account
from chalicelib.services import (
    contacts,
    devices,
    passkeys,
    push_devices,
    second_factors,
    sessions,
    suppressions,
)
from chalicelib.services.account_exports.values import stamp


def find_profile(account: Account, _holder: Actor) -> dict[str, Any]:
    """Who the holder is to the portal, and to the clinic."""
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


def find_addresses(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """Where the holder is reached, and which of it is confirmed."""
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


def find_preferences(account: Account, _holder: Actor) -> dict[str, Any]:
    """What the holder has chosen: channels, quiet hours, when to see new results."""
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


def find_security(account: Account, holder: Actor) -> dict[str, Any]:
    """Which factors are bound, without any of their secrets."""
    bound = second_factors.read(holder)
    return {
        "password_disabled": bool(account.password_disabled),
        "security_phrase_is_set": account.security_phrase is not None,
        "security_questions": len(orjson.loads(account.security_answers)),
        "second_factors": [{"method": factor, "since": clock.stamp(since)} for factor, since in bound.since],
        "recovery_codes_left": bound.recovery_codes_left,
    }


def find_passkeys(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """The passkeys by their names."""
    return [
        {
            "passkey_id": one.passkey_id,
            "name": one.name,
            "created_at": clock.stamp(one.created_at),
            "last_used_at": stamp(one.last_used_at),
        }
        for one in passkeys.find_all(holder)
    ]


def find_devices(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """The devices that signed in."""
    return [
        {
            "device_id": one.device_id,
            "name": one.name,
            "created_at": one.created_at,
            "trusted_until": one.trusted_until if devices.is_trusted(account, one) else None,
        }
        for one in session_storage.find_devices(account.pk)
    ]


def find_sessions(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """The sessions that run."""
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


def find_terms(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """Which terms were accepted."""
    return [{"version": account.terms_version, "account_created_at": account.created_at}]


def find_push_devices(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """The devices that get pushes, without their tokens."""
    return [
        {
            "device_id": one.device_id,
            "platform": one.platform,
            "created_at": clock.stamp(one.created_at),
            "refreshed_at": clock.stamp(one.refreshed_at),
        }
        for one in push_devices.find_all(holder)
    ]

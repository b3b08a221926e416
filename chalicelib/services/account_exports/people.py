"""Who helps whom, and what is asked of the clinic."""

from typing import Any

from chalicelib import clock, ids
from chalicelib.domain import identity
from chalicelib.domain.access import Actor
from chalicelib.models import contact_changes, patient_changes
from chalicelib.models.accounts import Account
from chalicelib.services import (
    caregivers,
    grants,
    proxy_requests,
)
from chalicelib.services.account_exports.values import stamp


def find_caregivers(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """Who may act for the holder, by masked addresses."""
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
            "expires_at": stamp(one.expires_at),
        }
        for one in caregivers.find_all(account.patient_id)
    ]


def find_in_care(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """In whose care the holder helps."""
    return [
        {
            "patient_id": tie.patient.pk,
            "relation": tie.grant.relation,
            "scopes": sorted(tie.grant.scopes - tie.grant.closed),
            "sees_sensitive": tie.grant.sees_sensitive,
            "expires_at": stamp(tie.grant.expires_at),
        }
        for tie in grants.find_all_of(account.pk)
    ]


def find_proxy_requests(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """What somebody typed about another person stays with the clinic, which decides; here is that they asked."""
    return [
        {
            "proxy_request_id": one.proxy_request_id,
            "relation": one.claim.relation,
            "scopes": sorted(one.claim.scopes),
            "requester_name": one.claim.requester_name,
            "status": one.status,
            "created_at": clock.stamp(one.created_at),
            "decided_at": stamp(one.decided_at),
            "reason": one.reason,
        }
        for one in proxy_requests.find_own(holder)
    ]


def find_contact_changes(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """Changes of email, phone and username that can still be undone."""
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


def find_pending_changes(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """What the holder asked the clinic to change of what it has on file, and nobody has decided."""
    found = patient_changes.find(account.patient_id) if account.patient_id else None
    if found is None or found.account_id != account.pk:
        return []
    return [{"change_id": found.change_id, "fields": found.wanted, "asked_at": found.asked_at}]

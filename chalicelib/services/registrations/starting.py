"""Starting to register: a claim that is right becomes a registration, any other one and the same refusal."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.auth import pace, secrets
from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.legal import VERSIONS, LegalKind
from chalicelib.domain.registration import CODE_LASTS, REGISTRATION_LASTS, Claim
from chalicelib.errors import FieldError, Invalid
from chalicelib.models import audit, registrations
from chalicelib.models.registrations import Registration
from chalicelib.models.transaction import transaction
from chalicelib.services import on_file
from chalicelib.services.registrations import codes, matching, rates, refusals
from chalicelib.services.registrations.matching import Match
from chalicelib.services.registrations.rules import check_age, check_may_have_account
from chalicelib.settings import settings

_REMEMBERED = timedelta(days=1)
"""How long a registration that is over is kept, so that a repetition can be told so."""

_SECONDS = 0.15
"""How long a refusal takes at least: longer than the work, so that reading a row more or less does not show."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody gives for their account when they begin; `language` is that of their request."""

    email: str | None
    mobile_phone: str | None
    language: str


@dataclass(frozen=True, slots=True)
class StartedRegistration:
    """An identity that waits for its account; `expires_at` is a stamp in UTC, `code_sent_to` a masked address."""

    registration_id: str
    registration_token: str
    expires_at: str
    terms_version: str
    code_sent_to: str | None = None


def start(claim: Claim, wanted: Wanted, source_ip: str) -> StartedRegistration:
    """Prove an identity by an activation code or an invitation, or have a code sent to the contact on file for it.

    Raises Invalid for a way to register that is closed; IdentityNotConfirmed, the same for whatever does not match;
    TooManyRequests; and BelowMinimumAge or RecordClosed once the identity is proved, which without an activation code
    it is not yet.
    """
    if claim.method not in settings().registration_methods:
        raise Invalid([FieldError("/method", "not_a_choice")])
    with rates.counted(claim, source_ip), pace.no_refusal_before(_SECONDS):
        match = matching.find(claim)
        if match.problem is not None:
            refusals.refuse(claim.method, match.problem, [one.merged_into or one.pk for one in match.patients])
    return _store(claim, match, wanted, _patient_id(claim, match))


def _patient_id(claim: Claim, match: Match) -> str | None:
    """Who the account will be for, if they are a patient; raises what is to be said to somebody who is known."""
    if match.invitation is not None:
        check_age(claim.person.date_of_birth.isoformat())
        return None
    (patient,) = match.patients
    if match.contact is None:
        check_may_have_account(patient)
    else:
        rates.spend_code(patient.pk)
    return str(patient.pk)


def _store(claim: Claim, match: Match, wanted: Wanted, patient_id: str | None) -> StartedRegistration:
    registration_id, token = ids.new_id("reg"), secrets.random_token()
    now = clock.now()
    row = Registration(
        registration_id,
        "registration",
        method=claim.method,
        patient_id=patient_id,
        token_hash=secrets.token_hash(token),
        email=wanted.email,
        mobile_phone=wanted.mobile_phone,
        language=wanted.language,
        generation=0,
        expires_at=clock.stamp(now + REGISTRATION_LASTS),
        ttl=clock.epoch(now + REGISTRATION_LASTS + _REMEMBERED),
        **_proof(claim, match),
    )
    with transaction() as tx:
        registrations.create(tx, row)
        if match.contact:
            codes.post(tx, row, generation=0)
        about: dict[str, object] = {"registration_id": registration_id, "method": claim.method}
        told = match.invitation.patient_id if match.invitation else patient_id
        audit.record(tx, Entry(NOBODY, Action.REGISTRATION_CREATE, patient_id=told, about=about))
    sent_to = on_file.masked(match.contact) if match.contact else None
    return StartedRegistration(registration_id, token, row.expires_at, VERSIONS[LegalKind.TERMS], sent_to)


def _proof(claim: Claim, match: Match) -> dict[str, Any]:
    """What proves the identity, or will, as the registration's row keeps it."""
    if match.invitation:
        return {
            "invitation_id": match.invitation.link.pk,
            "name": f"{claim.person.first_name} {claim.person.last_name}",
            "birth_date": claim.person.date_of_birth.isoformat(),
        }
    if match.contact:
        return {"contact": match.contact.ref, "code_expires_at": clock.stamp(clock.now() + CODE_LASTS)}
    return {"activation_id": match.activation.activation_id} if match.activation else {}

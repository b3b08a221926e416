"""Which patient a claim is about, and why it is about none.

Each way to register makes the same calls in the same order whatever is right or wrong (ID 2).
"""

from dataclasses import dataclass

from chalicelib import clock, ids
from chalicelib.auth import secrets
from chalicelib.domain import identity
from chalicelib.domain.deliveries import Address
from chalicelib.domain.registration import (
    ActivationClaim,
    Claim,
    ClinicNumberClaim,
    IdentityClaim,
    InvitationClaim,
    MatchProblem,
    Person,
)
from chalicelib.errors import LinkEnded, NotFound
from chalicelib.models import accounts, activations, patients
from chalicelib.models.activations import Activation
from chalicelib.models.base import together
from chalicelib.models.patients import IDENTITY, Patient
from chalicelib.services import activation_codes, contacts, identity_keys, invitations, on_file
from chalicelib.services.invitations import OpenInvitation


@dataclass(frozen=True, slots=True)
class Match:
    """What came of a claim: the patient where `problem` is None, else those whom staff should know it of.

    An activation code or an invitation proves the identity by itself; else a code goes to `contact`.
    """

    patients: tuple[Patient, ...] = ()
    problem: MatchProblem | None = None
    activation: Activation | None = None
    contact: Address | None = None
    invitation: OpenInvitation | None = None


def find(claim: Claim) -> Match:
    """The patient of a claim. A right activation code costs none of its tries."""
    match claim:
        case ActivationClaim():
            return _by_activation_code(claim)
        case ClinicNumberClaim():
            return _reached(_by_clinic_number(claim))
        case IdentityClaim():
            return _reached(_by_identity(claim))
        case InvitationClaim():
            return _by_invitation(claim)


def _by_activation_code(claim: ActivationClaim) -> Match:
    patient_id, patient = _numbered(claim.clinic_number)
    activation, account = activations.find(patient_id)
    tried = activation or activations.nobodys(patient_id)
    has_try = activations.take_try(tried)
    is_live = has_try and account is None and clock.stamp(clock.now()) < tried.expires_at
    problem = _problem(claim.person, patient) or (None if is_live else MatchProblem.NO_CODE)
    code = identity.canonical_activation_code(activation_codes.code_of(tried.activation_id))
    if not secrets.same(identity.canonical_activation_code(claim.activation_code), code):
        problem = problem or MatchProblem.WRONG_CODE
    if problem is None:
        activations.give_back_try(tried)
    return Match(tuple(one for one in (patient,) if one), problem, activation)


def _numbered(clinic_number: str) -> tuple[str, Patient | None]:
    """The patient of a clinic number, or the id of nobody."""
    found = patients.find_id_by_clinic_number(identity.canonical_clinic_number(clinic_number))
    patient_id = found or ids.new_id("pat")
    return patient_id, patients.find(patient_id)


def _problem(person: Person, patient: Patient | None) -> MatchProblem | None:
    if patient is None:
        return MatchProblem.UNKNOWN
    if patient.merged_into:
        return MatchProblem.MERGED
    if not identity.names_match(person.first_name, person.last_name, patient.all_names):
        return MatchProblem.NAMES
    return None if patient.birth_date == person.date_of_birth.isoformat() else MatchProblem.BIRTH_DATE


def _by_clinic_number(claim: ClinicNumberClaim) -> Match:
    _, patient = _numbered(claim.clinic_number)
    return Match((patient,) if patient else (), _problem(claim.person, patient))


def _by_identity(claim: IdentityClaim) -> Match:
    """The one patient with these names, this birth date and these last digits; two of them are none."""
    known = [one for one in _candidates(claim.person) if _problem(claim.person, one) is None]
    found = [one for one in known if _has_last_four(claim, one)]
    if not known:
        return Match(problem=MatchProblem.UNKNOWN)
    if not found:
        return Match(tuple(known), MatchProblem.LAST_FOUR)
    return Match(tuple(found), MatchProblem.AMBIGUOUS if len(found) > 1 else None)


def _candidates(person: Person) -> list[Patient]:
    """The patients with a birth date and a last name like this; two round trips, whoever there is."""
    hashes = identity_keys.hashes(person.date_of_birth.isoformat(), [person.last_name])
    both = (hashes * 2)[:2] if hashes else [secrets.keyed_hash("identity", "")] * 2
    found = together(*(lambda key=key: patients.find_ids_by_identifier(key, IDENTITY) for key in both))
    patient_ids = dict.fromkeys(patient_id for some in found for patient_id in some)
    return patients.find_many(list(patient_ids) or [ids.new_id("pat")])


def _has_last_four(claim: IdentityClaim, patient: Patient) -> bool:
    phones = {phone.value[-4:] for phone in contacts.on_file(patient).phones}
    ssn = secrets.keyed_hash("ssn-last4", f"{patient.pk}|{claim.ssn_last4}")
    is_phone = claim.phone_last4 is None or claim.phone_last4 in phones
    is_ssn = claim.ssn_last4 is None or secrets.same(ssn, patient.ssn_last4_hash or "")
    return is_phone and is_ssn


def _by_invitation(claim: InvitationClaim) -> Match:
    try:
        return Match(invitation=invitations.find_open(claim.invitation_token))
    except (NotFound, LinkEnded):
        return Match(problem=MatchProblem.INVITATION)


def _reached(match: Match) -> Match:
    """The match with the contact on file that a code goes to, or with why none can."""
    (patient,) = match.patients if match.problem is None else (None,)
    account_id = accounts.find_patient_account_id(patient.pk if patient else ids.new_id("pat"))
    contact = on_file.find_contact(patient)
    problem = match.problem
    if patient and patient.deceased:
        problem = MatchProblem.DECEASED
    elif account_id is not None:
        problem = MatchProblem.ACCOUNT_EXISTS
    elif patient and contact is None:
        problem = MatchProblem.NO_CONTACT
    return Match(match.patients, problem, contact=contact)

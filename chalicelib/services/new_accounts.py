"""The second half of registering: an account for a proved identity (ID 1, 3-8)."""

import json
from dataclasses import dataclass, replace

from chalicelib import clock, ids
from chalicelib.auth import hashing, secrets
from chalicelib.auth.peppers import peppers
from chalicelib.auth.sessions import Transport
from chalicelib.domain import identity, security_questions
from chalicelib.domain.access import Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.events import ClinicEvent, ClinicEventType
from chalicelib.domain.legal import VERSIONS, LegalKind
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.security_questions import AnswerError, SecurityAnswer
from chalicelib.errors import (
    FieldError,
    Invalid,
    LinkEnded,
    NotFound,
    RecordClosed,
    RegistrationEnded,
    TermsOutdated,
    UsernameTaken,
)
from chalicelib.models import accounts, activations, audit, outbox, patients, registrations
from chalicelib.models.accounts import Account
from chalicelib.models.patients import Patient
from chalicelib.models.registrations import Registration
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import accounts as account_service
from chalicelib.services import boundaries, clinic_settings, contacts, invitations
from chalicelib.services import links as link_service
from chalicelib.services.accounts import SignedIn, check_password, open_session, post_email_notice
from chalicelib.services.invitations import OpenInvitation
from chalicelib.services.registrations import check_age, check_may_have_account, codes
from chalicelib.settings import settings


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What somebody chooses for their account. The email is the one given here, else the one given at the start."""

    username: str
    password: str
    security_answers: list[SecurityAnswer]
    terms_version: str
    email: str | None
    device_name: str | None
    transport: Transport
    language: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class _Holder:
    """Whose an account will be: a patient of the clinic, or somebody who was invited to look after one."""

    registration: Registration
    patient: Patient | None = None
    invitation: OpenInvitation | None = None

    @property
    def words(self) -> list[str]:
        """What others may know of them, and would try as a password."""
        if self.patient is not None:
            return account_service.words_of(self.patient)
        return [*(self.registration.name or "").split(), self.registration.birth_date or "", settings().clinic_name]

    @property
    def has_phone(self) -> bool:
        """Whether a message reaches them without an email address."""
        return bool(contacts.on_file(self.patient).phones if self.patient else self.registration.mobile_phone)


def create(registration_id: str, token: str, chosen: NewAccount) -> SignedIn:
    """Open the account of a proved identity and sign its holder in.

    Raises NotFound for a token that is not this registration's, RegistrationEnded, IdentityNotConfirmed where the
    registration's own code is wrong or the activation code was used meanwhile, BelowMinimumAge and RecordClosed,
    TermsOutdated, Invalid for a password, username, email or answer that a rule refuses, and UsernameTaken.
    """
    registration = _find_registration(registration_id, token)
    codes.check(registration, chosen.code)
    holder = _find_holder(registration)
    chosen = replace(chosen, email=chosen.email or registration.email)
    _check(chosen, holder)
    username_key = identity.canonical_username(chosen.username)
    email_key = identity.canonical_email(chosen.email) if chosen.email else None
    found = accounts.find_owners(username_key, email_key, registration.patient_id or registration.pk)
    name_owner, email_owner, patient_owner = found
    if patient_owner is not None:
        raise RegistrationEnded
    if name_owner is not None:
        raise UsernameTaken
    account = _new_account(chosen, registration, username_key)
    account.joined_patients = set(holder.patient.joined_ids if holder.patient else ()) or None
    actor = Actor(ActorKind.ACCOUNT, account.pk, patient_id=account.patient_id)
    created = ClinicEvent(ClinicEventType.ACCOUNT_CREATED, account.patient_id, {"account_id": account.pk})
    about: dict[str, object] = {"patient_id": account.patient_id} if account.patient_id else {}
    with transaction() as tx:
        accounts.create_account(tx, account, email_key)
        _spend(tx, holder, account)
        post_email_notice(tx, account, email_owner.account_id if email_owner else None)
        if _is_opened_unseen(holder, email_key):
            outbox.post(tx, Notice(NoticeKind.ACCOUNT_CREATED, account.pk))
        outbox.post_event(tx, created)
        if holder.patient is not None:
            boundaries.look_again(tx, holder.patient)
        signed_in = open_session(tx, account, chosen.transport, chosen.device_name)
        audit.record(tx, Entry(actor, Action.ACCOUNT_CREATE, account_id=account.pk, about=about))
    return signed_in


def _is_opened_unseen(holder: _Holder, email_key: str | None) -> bool:
    """Whether an account gets an address of its own, and none on file has had a message of this registration.

    Whoever got hold of a patient's code types an address of their own (NIST SP 800-63A-4: a notice of enrolment goes to
    an address that is known otherwise).
    """
    if holder.patient is None or holder.registration.contact or email_key is None:
        return False
    known = contacts.on_file(holder.patient)
    return email_key not in {identity.canonical_email(one.value) for one in known.on_file_emails}


def _find_registration(registration_id: str, token: str) -> Registration:
    registration = registrations.find(registration_id)
    if registration is None or not secrets.same(secrets.token_hash(token), registration.token_hash):
        raise NotFound
    if registration.is_over:
        raise RegistrationEnded
    return registration


def _find_holder(registration: Registration) -> _Holder:
    """Whose the account will be, as things are now.

    An hour may lie between the two halves of registering, in which the clinic corrects its record, or a patient takes
    an invitation back.
    """
    if registration.invitation_id:
        check_age(registration.birth_date or "")
        try:
            opened = invitations.find_open(link_service.token(registration.invitation_id))
        except LinkEnded:
            raise RegistrationEnded from None
        return _Holder(registration, invitation=opened)
    patient = patients.find(registration.patient_id or "")
    if patient is None:
        raise NotFound
    check_may_have_account(patient)
    return _Holder(registration, patient)


def _spend(tx: Transaction, holder: _Holder, account: Account) -> None:
    """What proved the identity proves it once."""
    registration = holder.registration
    registrations.end(tx, registration)
    if holder.patient:
        patients.check_merges(tx, holder.patient, RecordClosed())
    if registration.activation_id:
        activations.use(tx, registration.patient_id or "", registration.activation_id)
    if registration.contact:
        registrations.check_newest(tx, registration)
    if holder.invitation:
        invitations.accept_in(tx, holder.invitation, account.pk, registration.name)


def _check(chosen: NewAccount, holder: _Holder) -> None:
    errors = [
        FieldError("/username", f"username_{reason}")
        for reason in identity.check_username(chosen.username, own_email=chosen.email)
    ]
    errors += check_password(chosen.password, [chosen.username, chosen.email or "", *holder.words])
    if not chosen.email and not holder.has_phone:
        errors.append(FieldError("/email", "email_needed"))
    if clinic_settings.rules().security_questions:
        errors += _answer_errors(chosen.security_answers)
    are_outdated = chosen.terms_version != VERSIONS[LegalKind.TERMS]
    if errors:
        raise Invalid([*errors, *([FieldError("/terms_version", "terms_outdated")] if are_outdated else [])])
    if are_outdated:
        raise TermsOutdated


def _answer_errors(answers: list[SecurityAnswer]) -> list[FieldError]:
    found = security_questions.check_answers(answers)
    return [FieldError(_answer_pointer(error), f"answers_{error.problem}") for error in found]


def _answer_pointer(error: AnswerError) -> str:
    return "/security_answers" if error.index is None else f"/security_answers/{error.index}/{error.field}"


def _new_account(chosen: NewAccount, registration: Registration, username_key: str) -> Account:
    asked = chosen.security_answers if clinic_settings.rules().security_questions else []
    answers = [
        {
            "question_id": given.question_id,
            "hash": hashing.hash(security_questions.normalise_answer(given.answer), peppers()),
        }
        for given in asked
    ]
    return Account(
        ids.new_id("acc"),
        accounts.PRINCIPAL,
        patient_id=registration.patient_id,
        birth_date=registration.birth_date,
        username=chosen.username.strip(),
        username_key=username_key,
        pending_email=identity.parse_email(chosen.email).display if chosen.email else None,
        mobile_phone=registration.mobile_phone,
        language=chosen.language,
        time_zone=str(settings().clinic_zone),
        password_hash=hashing.hash(chosen.password, peppers()),
        security_answers=json.dumps(answers),
        terms_version=chosen.terms_version,
        created_at=clock.stamp(clock.now()),
        credentials_version=1,
        version=1,
    )

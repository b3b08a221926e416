"""The second half of registering, and what people do with their own account."""

import json
from dataclasses import dataclass, replace

from chalicelib import clock, ids
from chalicelib.auth import hashing, limits, secrets, sessions
from chalicelib.auth.limits import Limit
from chalicelib.auth.peppers import peppers
from chalicelib.auth.sessions import Tokens, Transport
from chalicelib.domain import identity, passwords, security_questions
from chalicelib.domain.access import Actor, ActorKind
from chalicelib.domain.accounts import AccountView
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.events import ClinicEvent, ClinicEventType
from chalicelib.domain.legal import VERSIONS, LegalKind
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.security_questions import AnswerError, SecurityAnswer
from chalicelib.errors import FieldError, Invalid, NotFound, RegistrationEnded, TermsOutdated, UsernameTaken
from chalicelib.models import accounts, activations, audit, links, outbox, patients
from chalicelib.models.accounts import Account
from chalicelib.models.activations import Registration
from chalicelib.models.patients import Patient
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import devices
from chalicelib.services.links import email_hash
from chalicelib.services.registrations import check_may_have_account
from chalicelib.settings import settings

CONFIRMATIONS = Limit(tries=5, seconds=3600)
"""How often an account may have a confirmation sent again."""


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


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account and its new session; the device token is there where the device is new."""

    account: AccountView
    tokens: Tokens
    device_token: str | None = None


def create(registration_id: str, token: str, chosen: NewAccount) -> SignedIn:
    """Open the account of a proved identity and sign its holder in.

    Raises NotFound for a token that is not this registration's, RegistrationEnded, TermsOutdated, Invalid for a
    password, username or answer that a rule refuses, UsernameTaken, and IdentityNotConfirmed where the code was used
    meanwhile.
    """
    registration = _find_registration(registration_id, token)
    chosen = replace(chosen, email=chosen.email or registration.email)
    patient = patients.find(registration.patient_id)
    if patient is None:
        raise NotFound
    # An hour may lie between the two halves of registering, in which the clinic corrects its record.
    check_may_have_account(patient)
    _check(chosen, patient)
    username_key = identity.canonical_username(chosen.username)
    email_key = identity.canonical_email(chosen.email) if chosen.email else None
    name_owner, email_owner, patient_owner = accounts.find_owners(username_key, email_key, patient.pk)
    if patient_owner is not None:
        raise RegistrationEnded
    if name_owner is not None:
        raise UsernameTaken
    account = _new_account(chosen, registration, username_key)
    with transaction() as tx:
        accounts.create_account(tx, account, email_key)
        activations.use(tx, patient.pk, registration.activation_id)
        activations.end_registration(tx, registration)
        _post_email_notice(tx, account, email_owner.account_id if email_owner else None)
        outbox.post_event(tx, ClinicEvent(ClinicEventType.ACCOUNT_CREATED, patient.pk, {"account_id": account.pk}))
        signed_in = open_session(tx, account, chosen.transport, chosen.device_name)
        actor = Actor(ActorKind.ACCOUNT, account.pk, patient_id=patient.pk)
        audit.record(tx, Entry(actor, Action.ACCOUNT_CREATE, account_id=account.pk, about={"patient_id": patient.pk}))
    return signed_in


def open_session(tx: Transaction, account: Account, transport: Transport, device_name: str | None) -> SignedIn:
    """A session on a device that was not known before."""
    device_id, device_token = devices.remember(tx, account, device_name)
    tokens = sessions.open_session(tx, account, transport, device_name=device_name, device_id=device_id)
    return SignedIn(view(account), tokens, device_token)


def view(account: Account) -> AccountView:
    """An account as its holder sees it.

    An email that is somebody else's shows as one that waits, so that nobody learns whose it is.
    """
    return AccountView(
        account_id=account.pk,
        patient_id=account.patient_id,
        username=account.username,
        email=account.email or account.pending_email,
        email_verified=account.email is not None,
        mobile_phone=account.mobile_phone,
        language=account.language,
        time_zone=account.time_zone,
        version=int(account.version),
    )


def find(actor: Actor) -> Account:
    """The caller's own account. Raises NotFound."""
    account = accounts.find_account(actor.id)
    if account is None:
        raise NotFound
    return account


def read(actor: Actor) -> AccountView:
    """The caller's own account as they see it."""
    return view(find(actor))


def edit(actor: Actor, expected_version: int, changes: dict[str, str]) -> AccountView:
    """Change language or time zone. Raises StaleVersion."""
    with transaction() as tx:
        accounts.edit_account(tx, actor.id, expected_version=expected_version, **changes)
        about: dict[str, object] = {"fields": sorted(changes)}
        audit.record(tx, Entry(actor, Action.ACCOUNT_EDIT, account_id=actor.id, about=about))
    return read(actor)


def resend_confirmation(actor: Actor) -> None:
    """Send the confirmation of an email that waits for it again, with new links; the old ones go on working.

    Where nothing waits, nothing is sent. Raises TooManyRequests after 5 in an hour.
    """
    account = find(actor)
    if not account.pending_email:
        return
    limits.spend(f"email-confirmation:account:{account.pk}", CONFIRMATIONS)
    owner_id = accounts.find_email_owner_id(identity.canonical_email(account.pending_email))
    with transaction() as tx:
        _post_email_notice(tx, account, owner_id)
        audit.record(tx, Entry(actor, Action.ACCOUNT_EMAIL_RESEND, account_id=account.pk))


def _find_registration(registration_id: str, token: str) -> Registration:
    registration = activations.find_registration(registration_id)
    if registration is None or not secrets.same(secrets.token_hash(token), registration.token_hash):
        raise NotFound
    if registration.is_over:
        raise RegistrationEnded
    return registration


def _check(chosen: NewAccount, patient: Patient) -> None:
    errors = [
        FieldError("/username", f"username_{reason}")
        for reason in identity.check_username(chosen.username, own_email=chosen.email)
    ]
    errors += check_password(chosen.password, _own_words(chosen, patient))
    if settings().security_questions:
        errors += _answer_errors(chosen.security_answers)
    are_outdated = chosen.terms_version != VERSIONS[LegalKind.TERMS]
    if errors:
        raise Invalid([*errors, *([FieldError("/terms_version", "terms_outdated")] if are_outdated else [])])
    if are_outdated:
        raise TermsOutdated


def check_password(password: str, own_words: list[str], pointer: str = "/password") -> list[FieldError]:
    """What is wrong with a password, for the field it came in."""
    values: dict[str, object] = {"minimum": passwords.SHORTEST, "maximum": passwords.LONGEST}
    return [
        FieldError(pointer, f"password_{reason}", values) for reason in passwords.check(password, own_words=own_words)
    ]


def _answer_errors(answers: list[SecurityAnswer]) -> list[FieldError]:
    found = security_questions.check_answers(answers)
    return [FieldError(_answer_pointer(error), f"answers_{error.problem}") for error in found]


def _answer_pointer(error: AnswerError) -> str:
    return "/security_answers" if error.index is None else f"/security_answers/{error.index}/{error.field}"


def _own_words(chosen: NewAccount, patient: Patient) -> list[str]:
    return [chosen.username, chosen.email or "", *words_of(patient)]


def words_of(patient: Patient) -> list[str]:
    """What others may know of a patient and of the clinic, and would try as a password."""
    names = [name for given, family in patient.all_names for name in (*given, family)]
    return [*names, patient.birth_date or "", patient.clinic_number, settings().clinic_name]


def _new_account(chosen: NewAccount, registration: Registration, username_key: str) -> Account:
    asked = chosen.security_answers if settings().security_questions else []
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


def _post_email_notice(tx: Transaction, account: Account, owner_id: str | None) -> None:
    """Ask the mailbox to confirm.

    Where it is somebody else's already, tell that somebody, and nothing to the stranger (ID 5).
    """
    if not account.pending_email:
        return
    if owner_id is not None:
        outbox.post(tx, Notice(NoticeKind.EMAIL_IN_USE, owner_id))
        return
    about = email_hash(account.pending_email)
    link = links.create(tx, LinkPurpose.VERIFY_EMAIL, account.pk, about=about)
    disown = links.create(tx, LinkPurpose.DISOWN_EMAIL, account.pk, about=about, partner_id=link.pk)
    sent = {"link_id": link.pk, "disown_link_id": disown.pk}
    outbox.post(tx, Notice(NoticeKind.EMAIL_CONFIRMATION, account.pk, sent))

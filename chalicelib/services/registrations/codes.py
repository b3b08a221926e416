"""The one-time code of a registration: to the contact on file, five tries, 15 minutes, the newest alone (ID 7)."""

from contextlib import suppress

from chalicelib import clock
from chalicelib.auth import secrets
from chalicelib.domain.access import NOBODY
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.notices import Channel, Notice, NoticeKind
from chalicelib.domain.registration import CODE_LASTS, MatchProblem
from chalicelib.errors import Conflict, FieldError, IdentityNotConfirmed, Invalid, NotFound, RegistrationEnded
from chalicelib.models import audit, outbox, patients, registrations
from chalicelib.models.registrations import Registration
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import on_file
from chalicelib.services.registrations import rates, refusals
from chalicelib.services.strangers import Stranger

_DIGITS = 8
STRANGER = "registration"
"""The prefix by which strangers are known who wait for such a code (services/strangers)."""


def code_of(registration_id: str, generation: int) -> str:
    """The code of a registration: made again whenever it is asked for, read from nowhere."""
    secret = secrets.derive("registration-code", registration_id, generation)
    return f"{int.from_bytes(secret) % 10**_DIGITS:0{_DIGITS}}"


def post(tx: Transaction, registration: Registration, *, generation: int) -> None:
    """Have a code sent, in the transaction that makes it the one that counts."""
    waiting = f"{STRANGER}:{registration.pk}:{generation}"
    outbox.post(tx, Notice(NoticeKind.REGISTRATION_CODE, stranger=waiting))


def stranger(named: str) -> Stranger | None:
    """Who waits for a code, or None where it counts no more; `named` is the registration's id and the generation."""
    registration_id, _, generation = named.partition(":")
    registration = registrations.find(registration_id)
    if registration is None or not registration.has_live_code or str(int(registration.generation)) != generation:
        return None
    if not registrations.is_newest(registration):
        return None
    patient = patients.find(str(registration.patient_id))
    values: dict[str, object] = {
        "code": code_of(registration_id, int(registration.generation)),
        "expires_at": clock.read_stamp(registration.code_expires_at or ""),
    }
    if patient is None or patient.merged_into:
        return None
    return on_file.stranger(patient, registration.contact or "", values, registration.language)


def resend(registration_id: str, channel: Channel | None) -> str | None:
    """Send a new code in the place of the one before; returns the masked address that it goes to.

    Nothing is sent, and None returned, where the registration has had its wrong tries, or a newer one took its place.
    Raises NotFound for one that needs no code, RegistrationEnded, TooManyRequests.
    """
    registration = registrations.find(registration_id)
    if registration is None or not registration.contact:
        raise NotFound
    if registration.is_over:
        raise RegistrationEnded
    rates.spend_code(str(registration.patient_id))
    patient = patients.find(str(registration.patient_id))
    contact = on_file.find_contact(None if patient is not None and patient.merged_into else patient, channel)
    has_tries = registration.code_tries < registrations.CODE_TRIES
    if contact is None or not has_tries or not registrations.is_newest(registration):
        return None
    # Whoever was faster at the same moment has sent a newer one.
    with suppress(Conflict, IdentityNotConfirmed), transaction() as tx:
        registrations.renew_code(tx, registration, contact.ref, clock.now() + CODE_LASTS)
        registrations.check_newest(tx, registration)
        post(tx, registration, generation=int(registration.generation) + 1)
        about: dict[str, object] = {"registration_id": registration.pk}
        audit.record(tx, Entry(NOBODY, Action.REGISTRATION_CODE_SEND, patient_id=registration.patient_id, about=about))
    return on_file.masked(contact)


def check(registration: Registration, code: str | None) -> None:
    """Require the code of a registration that needs one; the right one costs no try.

    Raises Invalid where none was typed, and IdentityNotConfirmed, the same for a wrong code, one that is over, and
    one that a newer registration has taken the place of.
    """
    if not registration.contact:
        return
    if not (code or "").strip():
        raise Invalid([FieldError("/code", "missing")])
    # Whatever is wrong takes the same steps.
    is_right = secrets.same(_typed(code or ""), code_of(registration.pk, int(registration.generation)))
    has_try, is_newest = registrations.take_code_try(registration), registrations.is_newest(registration)
    if not (is_right and has_try and is_newest):
        problem = MatchProblem.WRONG_CODE if has_try and is_newest else MatchProblem.CODE_OVER
        refusals.refuse(registration.method, problem, [str(registration.patient_id)])
    registrations.give_back_code_try(registration)


def _typed(code: str) -> str:
    """A code as people type it, without the spaces and dashes that they put between its digits."""
    return "".join(code.replace("-", " ").split())

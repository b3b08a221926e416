"""Registrations under way, in the accounts table: who proved, or is about to prove, who they are."""

from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition

from chalicelib import clock
from chalicelib.errors import Conflict, IdentityNotConfirmed, RegistrationEnded
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Precedence, Transaction

CODE_TRIES = 5
"""Wrong tries after which a registration's code is dead, however often it is sent again."""

_SORT_KEY = "registration"


class Registration(AccountsTable, discriminator="registration"):
    """An identity that has no account yet; partition key is the registration's id.

    `contact` is the reference of the address on file that the code goes to, None where no code is needed; the code
    itself is derived, from the id and `generation`. Who was invited to look after somebody is no patient: of them the
    registration keeps the link that they came by, and what they said of themselves.
    """

    method = UnicodeAttribute(default="activation_code")
    patient_id = UnicodeAttribute(null=True)
    activation_id = UnicodeAttribute(null=True)
    invitation_id = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    birth_date = UnicodeAttribute(null=True)
    token_hash = UnicodeAttribute()
    email = UnicodeAttribute(null=True)
    mobile_phone = UnicodeAttribute(null=True)
    language = UnicodeAttribute(null=True)
    contact = UnicodeAttribute(null=True)
    generation = NumberAttribute(default=0)
    code_tries = NumberAttribute(default=0)
    code_expires_at = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute()
    ended_at = UnicodeAttribute(null=True)

    @property
    def is_over(self) -> bool:
        """Become an account, or expired by the portal's clock."""
        return bool(self.ended_at) or clock.stamp(clock.now()) >= self.expires_at

    @property
    def has_live_code(self) -> bool:
        """Whether the code that was sent last may still be typed; a newer registration of the patient is not asked."""
        in_time = clock.stamp(clock.now()) < (self.code_expires_at or "")
        return not self.is_over and in_time and self.code_tries < CODE_TRIES


class NewestRegistration(AccountsTable, discriminator="newest_registration"):
    """Which registration's code counts for a patient: the newest. Partition key `patient#<patient id>`."""

    registration_id = UnicodeAttribute()


def find(registration_id: str) -> Registration | None:
    """A registration under way."""
    return Registration.find(registration_id, _SORT_KEY)


def create(tx: Transaction, registration: Registration) -> None:
    """A new registration. Where it needs a code, those of the same patient before it are worth nothing any more."""
    tx.create(registration, error=None)
    if registration.contact:
        tx.put(_newest(registration, ttl=registration.ttl))


def is_newest(registration: Registration) -> bool:
    """Whether no later registration has asked for a code of the same patient."""
    row = NewestRegistration.find(*_newest(registration).key)
    return row is not None and row.registration_id == registration.pk


def check_newest(tx: Transaction, registration: Registration) -> None:
    """Require that a registration's code is still the one that counts."""
    tx.check(
        _newest(registration),
        NewestRegistration.registration_id == registration.pk,
        error=IdentityNotConfirmed(),
        precedence=Precedence.STATE,
    )


def take_code_try(registration: Registration) -> bool:
    """Reserve one of the tries before the code is looked at, so that parallel guesses cannot outrun the count.

    False where none is left, or the code is over or was sent anew.
    """
    alive = _is_running() & _is_generation(registration) & (Registration.code_expires_at > clock.stamp(clock.now()))
    return _add_tries(registration, 1, alive & (Registration.code_tries < CODE_TRIES))


def give_back_code_try(registration: Registration) -> None:
    """The try was right: it does not count."""
    _add_tries(registration, -1, Registration.pk.exists())


def renew_code(tx: Transaction, registration: Registration, contact: str, expires_at: datetime) -> None:
    """A new code takes the place of the one before. Another who was faster, or used it, is a Conflict."""
    tx.update(
        registration,
        [
            Registration.generation.add(1),
            Registration.contact.set(contact),
            Registration.code_expires_at.set(clock.stamp(expires_at)),
        ],
        condition=_is_running() & _is_generation(registration) & (Registration.code_tries < CODE_TRIES),
        error=Conflict(),
    )


def end(tx: Transaction, registration: Registration) -> None:
    """A registration becomes an account once; it is remembered for a while, so that a repetition can be told so."""
    tx.update(
        registration,
        [Registration.ended_at.set(clock.stamp(clock.now()))],
        condition=_is_running() & _is_generation(registration),
        error=RegistrationEnded(),
        precedence=Precedence.STATE,
    )


def _newest(registration: Registration, ttl: float | None = None) -> NewestRegistration:
    return NewestRegistration(
        f"patient#{registration.patient_id}", "newest_registration", registration_id=registration.pk, ttl=ttl
    )


def _is_running() -> Condition:
    running: Condition = Registration.ended_at.does_not_exist() & (Registration.expires_at > clock.stamp(clock.now()))
    return running


def _is_generation(registration: Registration) -> Condition:
    same: Condition = Registration.generation == registration.generation
    return same


def _add_tries(registration: Registration, tries: int, condition: Condition) -> bool:
    try:
        # On a row of its own, so that what was read stays as it was read.
        Registration(registration.pk, _SORT_KEY).update([Registration.code_tries.add(tries)], condition=condition)
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            return False
        with storage_errors():
            raise
    return True

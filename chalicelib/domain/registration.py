"""What is claimed when somebody registers, in which ways it may be proved, and how long each step of it lasts."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar, TypeAlias

REGISTRATION_LASTS = timedelta(hours=1)
ACTIVATION_LASTS = timedelta(days=21)
CODE_LASTS = timedelta(minutes=15)
"""How long the code that goes to the contact on file works, from when it was last sent."""


class Method(StrEnum):
    """The ways to register; a deployment opens those that it wants."""

    ACTIVATION_CODE = "activation_code"
    IDENTITY_MATCH = "identity_match"
    CLINIC_NUMBER = "clinic_number"
    INVITATION = "invitation"


class MatchProblem(StrEnum):
    """Why an identity was not confirmed: for staff, who help the patient. Who registers hears one and the same."""

    MERGED = "merged"
    """The number is one of a patient who turned out to be another, and who alone can register."""
    UNKNOWN = "unknown"
    """No patient has this clinic number, or these names and this birth date."""
    NAMES = "names"
    BIRTH_DATE = "birth_date"
    LAST_FOUR = "last_four"
    AMBIGUOUS = "ambiguous"
    """More than one patient fits."""
    NO_CONTACT = "no_contact"
    """The clinic has nothing on file that a code could go to."""
    DECEASED = "deceased"
    ACCOUNT_EXISTS = "account_exists"
    TOO_MANY = "too_many"
    """Codes were asked for more often than they are sent."""
    INVITATION = "invitation"
    """No invitation waits under this token."""
    NO_CODE = "no_code"
    """No activation code works: none was issued, or it is used, expired, or had too many wrong tries."""
    WRONG_CODE = "wrong_code"
    CODE_OVER = "code_over"
    """The code that went to the contact on file expired, had too many wrong tries, or was replaced by a newer one."""


class CodeState(StrEnum):
    """How a patient's activation code is."""

    NONE = "none"
    """None was issued, or it was revoked."""
    ACTIVE = "active"
    USED = "used"
    EXPIRED = "expired"
    LOCKED = "locked"
    """It had too many wrong tries."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody says they are."""

    first_name: str
    last_name: str
    date_of_birth: date


@dataclass(frozen=True, slots=True)
class ActivationClaim:
    """Proved by the code that the clinic gave the patient."""

    method: ClassVar[Method] = Method.ACTIVATION_CODE

    person: Person
    clinic_number: str
    activation_code: str


@dataclass(frozen=True, slots=True)
class ClinicNumberClaim:
    """Proved by a code to the contact on file."""

    method: ClassVar[Method] = Method.CLINIC_NUMBER

    person: Person
    clinic_number: str


@dataclass(frozen=True, slots=True)
class IdentityClaim:
    """Proved by a code to the contact on file. At least one of the two is given; each that is must be right."""

    method: ClassVar[Method] = Method.IDENTITY_MATCH

    person: Person
    phone_last4: str | None
    ssn_last4: str | None


@dataclass(frozen=True, slots=True)
class InvitationClaim:
    """Proved by the link that a patient had sent to somebody who shall look after them, and who need be no patient."""

    method: ClassVar[Method] = Method.INVITATION

    person: Person
    invitation_token: str


Claim: TypeAlias = ActivationClaim | ClinicNumberClaim | IdentityClaim | InvitationClaim

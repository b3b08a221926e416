"""What the help desk sees of an account and of tries that failed, and how it checks who asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.audit import Action
from chalicelib.domain.notices import Channel
from chalicelib.domain.second_factors import Factor
from chalicelib.domain.staff import Role


class AccountState(StrEnum):
    """How far somebody is with the portal."""

    NO_ACCOUNT = "no_account"
    ACTIVE = "active"
    PASSWORD_DISABLED = "password_disabled"  # noqa: S105  The name of a state.
    """There were so many wrong tries that only a new password signs in."""
    DISABLED = "disabled"
    CLOSED = "closed"
    """Its holder closed it; until `closed_until` it can be opened again."""


class Failure(StrEnum):
    """What somebody tried."""

    REGISTRATION = "registration"
    ACTIVATION_CODE_REQUEST = "activation_code_request"
    SIGN_IN = "sign_in"
    SECOND_FACTOR = "second_factor"
    PASSWORD_RESET = "password_reset"  # noqa: S105  The name of a try.


FAILURES: Mapping[str, Failure] = {
    Action.ACTIVATION_CODE_REQUEST: Failure.ACTIVATION_CODE_REQUEST,
    Action.REGISTRATION_REFUSE: Failure.REGISTRATION,
    Action.SESSION_REFUSE: Failure.SIGN_IN,
    Action.SECOND_FACTOR_REFUSE: Failure.SECOND_FACTOR,
    Action.ACCOUNT_PASSWORD_RESET_REFUSE: Failure.PASSWORD_RESET,
}
"""The audited refusals that the help desk is shown."""


def has_failed(action: str, reason: object) -> bool:
    """Whether an audit entry is of a try that failed; a request for a code is one entry either way, with a reason."""
    return action in FAILURES and (action != Action.ACTIVATION_CODE_REQUEST or reason is not None)


class Check(StrEnum):
    """How staff made sure who asks."""

    IN_PERSON = "in_person"
    PHONE = "phone"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class FailedTry:
    """One try that failed; `reason` is a code, where there is more than one. `at` is aware, in UTC."""

    at: datetime
    what: Failure
    reason: str | None


@dataclass(frozen=True, slots=True)
class MaskedContact:
    """An address, shown so that only its owner knows it again."""

    channel: Channel
    address: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class DeskAccount:
    """Somebody as the help desk sees them: with an account, or a patient without one."""

    account_id: str | None
    patient_id: str | None
    username: str | None
    state: AccountState
    roles: tuple[Role, ...]
    second_factors: tuple[Factor, ...]
    contacts: tuple[MaskedContact, ...]
    failed_tries: tuple[FailedTry, ...]
    closed_until: datetime | None = None

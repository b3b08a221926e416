"""Shapes of accounts as the help desk sees them."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.help_desk import AccountState, Check, Failure
from chalicelib.domain.notices import Channel
from chalicelib.domain.second_factors import Factor
from chalicelib.domain.staff import Role
from chalicelib.schemas.base import Body, Instant, PageQuery, Shape


class AccountsQuery(PageQuery):
    """Whom to find."""

    q: Annotated[
        str,
        Field(min_length=1, max_length=320, description="A username, an email address or a clinic number, exactly."),
    ]


class DeskContact(Shape):
    """An address, masked."""

    channel: Channel
    address: str
    verified: bool = Field(description="Confirmed by its owner, or on file at the clinic.")


class FailedTry(Shape):
    """A try that failed, and why."""

    at: Instant
    what: Failure
    reason: str | None


class DeskAccount(Shape):
    """Somebody with an account, or a patient without one."""

    account_id: str | None
    patient_id: str | None
    username: str | None
    state: AccountState
    roles: list[Role]
    second_factors: list[Factor]
    contacts: list[DeskContact]
    failed_tries: list[FailedTry] = Field(description="The newest first.")
    closed_until: Instant | None = Field(
        description="Until when an account that its holder closed can be opened again."
    )


class DeskAccountPage(Shape):
    """Whoever was meant."""

    items: list[DeskAccount]
    next_cursor: str | None


class Recovery(Body):
    """How staff made sure who asks, and whether the second factor is lost too."""

    check: Check
    reset_second_factor: bool = Field(
        default=False,
        description="Every second factor, every session and the old password end at once.",
    )


class StartedRecovery(Shape):
    """Where the code and the link went, and until when they work. Staff see neither.

    For an account that its holder closed it is a link that opens it again, to the addresses that were told of it.
    """

    sent_to: list[str] = Field(description="Masked.")
    expires_at: Instant

"""Shapes of the clinic's staff."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.staff import Role, StaffState
from chalicelib.schemas.accounts import Email, Language
from chalicelib.schemas.base import Body, Instant, PageQuery, Shape, Text

_Name = Annotated[Text, Field(min_length=1, max_length=100)]
_Roles = Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
_PractitionerId = Annotated[str, Field(pattern="^dir_[0-9A-HJKMNP-TV-Z]{26}$")]


class NewStaffMember(Body):
    """Somebody who shall work with the portal. A link goes to their address at work."""

    name: _Name
    email: Email
    roles: _Roles
    practitioner_id: _PractitionerId | None = Field(
        default=None, description="The Practitioner that they are in the records, by which they are in care teams."
    )
    language: Language | None = None


class StaffEdit(Body):
    """What shall be different; what is left out stays as it is.

    Other roles and disabling end all of the member's sessions at once.
    """

    name: _Name | None = None
    roles: _Roles | None = None
    practitioner_id: _PractitionerId | None = Field(default=None, description="null takes it away.")
    disabled: bool | None = None


class StaffMember(Shape):
    """A member of staff. Who is `invited` has not set up their account yet."""

    staff_id: str
    name: str
    email: str
    username: str | None
    roles: list[Role]
    practitioner_id: str | None
    state: StaffState
    created_at: Instant


class StaffPage(Shape):
    """The clinic's staff, the newest first."""

    items: list[StaffMember]
    next_cursor: str | None


class StaffQuery(PageQuery):
    """How staff are paged."""

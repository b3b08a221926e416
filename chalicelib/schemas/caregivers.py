"""Shapes of caregivers and of people in somebody's care."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from chalicelib.domain.caregivers import CaregiverStatus, Relation, Scope
from chalicelib.schemas.accounts import Email
from chalicelib.schemas.base import Body, FieldProblem, Instant, PageQuery, Shape


def _once_each(scopes: list[Scope]) -> list[Scope]:
    if len(set(scopes)) < len(scopes):
        raise FieldProblem("given_twice")
    return scopes


Scopes = Annotated[list[Scope], Field(min_length=1, max_length=len(Scope)), AfterValidator(_once_each)]


class NewCaregiver(Body):
    """Somebody whom you invite to look after your things."""

    email: Email
    scopes: Scopes
    expires_at: Instant | None = Field(default=None, description="When it is over by itself; null for never.")
    sensitive: bool = Field(default=False, description="Whether they see what is marked as sensitive, too.")
    relation: Literal["agent", "family", "friend", "other"] = Field(
        default="family", description="What they are to you. Parents and guardians of a child ask the clinic."
    )


class CaregiverEdit(Body):
    """What a caregiver may see and do from now on; what is left out stays as it is."""

    scopes: Scopes = Field(default_factory=list)
    expires_at: Instant | None = Field(default=None, description="When it is over by itself; null for never.")
    sensitive: bool = Field(default=False, description="Whether they see what is marked as sensitive, too.")


class Caregiver(Shape):
    """Somebody who looks after your things, or was invited to."""

    caregiver_id: str
    status: CaregiverStatus
    name: str | None = Field(description="Null until they have told it.")
    email: str | None = Field(description="Where the invitation went; null where there was none.")
    relation: Relation
    scopes: list[Scope]
    sensitive: bool
    closed: list[Scope] = Field(description="Scopes that are closed to a parent at this age.")
    expires_at: Instant | None


class CaregiverPage(Shape):
    """A page of caregivers."""

    items: list[Caregiver]
    next_cursor: str | None


class PersonInCare(Shape):
    """Somebody for whom you may act."""

    patient_id: str
    name: str
    relation: Relation | Literal["self"]
    scopes: list[Scope]
    sensitive: bool
    expires_at: Instant | None
    closed: list[Scope] = Field(description="Scopes that the child's age has closed to you, whatever you were given.")


class PersonInCarePage(Shape):
    """A page of people for whom you may act."""

    items: list[PersonInCare]
    next_cursor: str | None


class CaregiversQuery(PageQuery):
    """How caregivers are paged."""


class PatientsQuery(PageQuery):
    """How people in one's care are paged."""

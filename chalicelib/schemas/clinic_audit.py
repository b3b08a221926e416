"""Shapes of the audit as admins of the clinic read it."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from chalicelib.domain.audit import Action
from chalicelib.schemas.base import Instant, PageQuery, Shape
from chalicelib.schemas.records import FirstMoment, LastMoment

_ULID = "[0-9A-HJKMNP-TV-Z]{26}"
# Spelled out, since no answer has the type: an answer may hold what a later version has written.
_OneAction = Annotated[Action, WithJsonSchema({"type": "string", "enum": [str(action) for action in Action]})]


class ClinicAuditQuery(PageQuery):
    """Whose history, and what of it. Without a patient and an account it is the clinic's own."""

    patient: str | None = Field(default=None, pattern=f"^pat_{_ULID}$", description="The history of this patient.")
    account: str | None = Field(
        default=None,
        pattern=f"^acc_{_ULID}$",
        description="The history of this account; with `patient`, what this account did in the patient's history.",
    )
    action: _OneAction | None = Field(default=None, description="Only this. A page may be short, even empty.")
    from_: FirstMoment = None
    to: LastMoment = None


class AuditActor(Shape):
    """Who did it: an account, a system of the clinic, the portal by itself, or somebody who was not signed in."""

    kind: str
    id: str


class AuditRow(Shape):
    """One entry: ids and codes, and nothing of the health record."""

    entry_id: str
    at: Instant
    action: str = Field(description="The event's own name, as in `patient:access`; more may come.")
    actor: AuditActor
    patient_id: str | None
    account_id: str | None
    request_id: str
    about: dict[str, Any] = Field(description="Ids and codes of what it was about, by the event.")


class AuditPage(Shape):
    """Entries, the newest first."""

    items: list[AuditRow]
    next_cursor: str | None

"""Shapes of merging two patients."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.caregivers import Relation, Scope
from chalicelib.domain.merges import MergeWarning
from chalicelib.domain.records.categories import Category
from chalicelib.schemas.base import Body, Instant, LongText, PageQuery, Shape
from chalicelib.schemas.clinic_accounts import DeskContact
from chalicelib.schemas.clinic_patients import DeskPatient

_Id = Annotated[str, Field(min_length=1, max_length=100)]
_Reason = Annotated[LongText, Field(min_length=10, description="Why, for whoever reads it later.")]
_Duplicate = Annotated[_Id, Field(description="The patient who turned out to be the one of the path.")]


class WantedPreview(Body):
    """Who may be merged into the patient of the path."""

    duplicate_patient_id: _Duplicate


class WantedMerge(Body):
    """Who is merged into the patient of the path, by what was seen in a preview."""

    duplicate_patient_id: _Duplicate
    preview_version: _Id = Field(description="That of the preview: the merge is refused where it would differ by now.")
    reason: _Reason
    keep_account_id: _Id | None = Field(
        default=None, description="Where both have an account: the one that stays. The other one is closed meanwhile."
    )


class WantedUndo(Body):
    """Why two patients are parted again."""

    reason: _Reason


class MergesQuery(PageQuery):
    """How merges are paged."""


class MergedAccount(Shape):
    """The account of one side."""

    account_id: str
    username: str
    contacts: list[DeskContact] = Field(description="Masked.")
    cares_for: int = Field(description="How many other patients its holder looks after.")


class RecordCounts(Shape):
    """How many records there are of each category."""

    by_category: dict[Category, int]
    complete: bool = Field(description="Whether all were counted; else there are at least so many.")


class MergeSide(Shape):
    """One of the two patients, and what goes with them."""

    patient: DeskPatient
    records: RecordCounts
    account: MergedAccount | None
    activation_code_expires_at: Instant | None = Field(description="Of a code that can still be used.")
    pending_change_id: str | None = Field(description="A change that the patient asked for.")


class SuspendedGrant(Shape):
    """A caregiver of the duplicate, whose rights rest while it is merged."""

    caregiver_id: str
    name: str | None
    relation: Relation
    scopes: list[Scope]


class MergePreview(Shape):
    """What a merge would do. Nothing is changed."""

    remaining: MergeSide
    duplicate: MergeSide
    suspended_grants: list[SuspendedGrant]
    warnings: list[MergeWarning]
    preview_version: str = Field(description="To be sent with the merge.")


class PatientMerge(Shape):
    """A merge."""

    merge_id: str
    patient_id: str = Field(description="The patient who remains.")
    duplicate_patient_id: str
    reason: str
    merged_at: Instant
    merged_by: str = Field(description="The account of the member of staff.")
    undo_until: Instant
    kept_account_id: str | None
    moved_account_id: str | None = Field(description="The duplicate's account, where it became that of who remains.")
    closed_account_id: str | None = Field(description="The account that signs nobody in while they are merged.")
    undone_at: Instant | None
    undone_by: str | None
    undo_reason: str | None


class PatientMergePage(Shape):
    """Merges into a patient, the newest first."""

    items: list[PatientMerge]
    next_cursor: str | None

"""Shapes of when somebody wants to see new results."""

from typing import Literal

from pydantic import Field

from chalicelib.domain.records.sight import Release
from chalicelib.schemas.base import Body, Instant, Shape

_Choice = Literal["now", "after_comment", "at_visit"]


class ReleaseChoices(Body):
    """When to show new results of each category; one that is left out shows at once."""

    lab: _Choice = "now"
    vital: _Choice = "now"
    report: _Choice = "now"
    imaging: _Choice = "now"


class ReleaseEdit(Body):
    """Everything that somebody chooses for one patient."""

    categories: ReleaseChoices


class Releases(Shape):
    """When new results of each category show: at once, after a clinician's comment, or at a visit."""

    lab: Release
    vital: Release
    report: Release
    imaging: Release


class HoldTimes(Shape):
    """Since when new results of each category wait; null where they show at once."""

    lab: Instant | None
    vital: Instant | None
    report: Instant | None
    imaging: Instant | None


class ReleasePreferences(Shape):
    """What one has chosen for a patient, for oneself alone. What came before that shows as ever.

    What is held back shows with its name and date, and with `reveal=true` on its own page. Copies of the record and the
    FHIR API, which are asked for as a whole, leave nothing out.
    """

    categories: Releases
    since: HoldTimes = Field(description="Results that came after this wait.")

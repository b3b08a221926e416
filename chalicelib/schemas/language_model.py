"""Shapes of the consent to a language model."""

from pydantic import Field

from chalicelib.schemas.base import Body, Instant, Shape


class ModelConsentEdit(Body):
    """Whether a language model may be asked."""

    consent: bool


class ModelConsent(Shape):
    """Whether a language model may say what the portal explains in other words, and whether there is one at all.

    It is shown no more than the sentences that would be shown anyway. What it says is held against them, sentence by
    sentence; where it says anything else, the portal's own words are shown.
    """

    consent: bool
    given_at: Instant | None
    is_offered: bool = Field(description="Whether the clinic has a language model; without one a consent does nothing.")

"""Shapes of the numbers of one code over time."""

from pydantic import Field

from chalicelib.domain.records.rows import Interpretation, Number, Quantity, ReferenceRange
from chalicelib.schemas.base import PageQuery, Shape
from chalicelib.schemas.records import FirstMoment, LastMoment, Preview


class TrendQuery(PageQuery):
    """From when to when."""

    as_: Preview = None

    from_: FirstMoment = None
    to: LastMoment = None


class TrendPoint(Shape):
    """One number. `original` is what was sent, where its unit was another."""

    record_id: str
    at: str
    value: Number
    unit: str | None
    comparator: str = Field(default="", description="<, <=, >= or > where the true number lies beyond it.")
    interpretation: Interpretation | None = None
    reference_range: ReferenceRange | None = None
    original: Quantity | None = None


class TrendGap(Shape):
    """A result of this code without a number for the chart, and why, in words."""

    record_id: str
    at: str | None
    status: str | None
    data_absent_reason: str | None
    text: str


class OtherUnit(Shape):
    """Numbers whose unit cannot be turned into the chart's."""

    unit: str | None
    text: str
    points: list[TrendPoint]


class TrendCode(Shape):
    """The code that was asked for."""

    system: str | None
    code: str


class Trend(Shape):
    """A page of a chart, the oldest first; empty where there is nothing of this code."""

    title: str | None
    code: TrendCode
    unit: str | None = Field(description="The unit of the latest number, and of every point.")
    reference_range: ReferenceRange | None = Field(description="What is normal, as the latest result that tells says.")
    points: list[TrendPoint]
    gaps: list[TrendGap]
    other_units: list[OtherUnit]
    next_cursor: str | None

"""Shapes of the record."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import BeforeValidator, ConfigDict, Field, RootModel, WithJsonSchema
from typing_extensions import TypedDict  # pydantic reads the one of Python 3.12 and newer, or this one.

from chalicelib.domain.amendments import AmendmentStatus
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.changes import ChangeKind
from chalicelib.domain.records.rows import Row, Scheduling
from chalicelib.schemas.base import FieldProblem, Flag, PageQuery, Query, Shape
from chalicelib.schemas.cited import TermLink

_DAY_LENGTH = 10


def moment(text: object) -> object:
    """A day, or a time with its zone. Raises FieldProblem."""
    if not isinstance(text, str):
        return text
    try:
        if len(text) == _DAY_LENGTH:
            return date.fromisoformat(text)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise FieldProblem("moment_expected") from None
    if at.tzinfo is None:
        raise FieldProblem("zone_missing")
    return at


Moment = Annotated[
    date | datetime,
    BeforeValidator(moment),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
]
"""A day in the clinic's zone, or a time with its zone."""

FirstMoment = Annotated[
    Moment | None,
    Field(alias="from", description="The first day, from its beginning in the clinic's zone, or a time, included."),
]
LastMoment = Annotated[
    Moment | None,
    Field(description="The last day, included to its end in the clinic's zone, or a time, included."),
]
"""A period that is asked for, from its field `from_` to its field `to`; each defaults to None: no bound."""

Preview = Annotated[
    str | None,
    Field(
        alias="as",
        min_length=1,
        max_length=100,
        description="The id of one of your caregivers: see what they see. For the patient alone.",
    ),
]


class SummaryQuery(Query):
    """How the summary is shown."""

    as_: Preview = None


class RecordsQuery(PageQuery):
    """Which records."""

    as_: Preview = None

    category: Category | None = Field(default=None, description="Only records of this category.")
    from_: FirstMoment = None
    to: LastMoment = None
    encounter: str | None = Field(
        default=None, min_length=1, max_length=100, description="Only what came about during the visit with this id."
    )
    code: str | None = Field(default=None, min_length=1, max_length=300, description="`system|code`.")
    scheduling: Scheduling | None = Field(
        default=None,
        description="Only orders that are still to be done: `to_be_scheduled` says no day yet. A page may be short.",
    )
    q: str | None = Field(
        default=None, min_length=1, max_length=100, description="Words of the title. A page may be short."
    )


class RecordQuery(Query):
    """How one record is shown."""

    as_: Preview = None

    format: Literal["json", "fhir"] = Field(
        default="json", description="`fhir` for the resource as the clinic sent it."
    )
    reveal: Flag = Field(
        default=False, description="`true` for a result that you hold back: show it now. That you did is written down."
    )


class RecordPage(Shape):
    """A page of the record."""

    items: list[Row]
    next_cursor: str | None


class AmendmentLink(TypedDict):
    """A request to correct the record."""

    amendment_id: str
    status: AmendmentStatus


class RecordDetailRow(Row):
    """One entry with what belongs to it.

    `during` is everything that came about during a visit, the newest first; `linked` are the records that the entry
    names, in its order, such as the results of a report and the members of a panel; `reported_in` are the reports that
    name an imaging; `attached_texts` are the texts that came with a document or a report. The files themselves, where
    they are no text, are in the resource as it was sent. `amendments` are the requests to correct the entry.
    `library` is what the library has on it.
    """

    during: NotRequired[list[Row]]
    linked: NotRequired[list[Row]]
    reported_in: NotRequired[list[Row]]
    attached_texts: NotRequired[list[str]]
    amendments: NotRequired[list[AmendmentLink]]
    library: NotRequired[list[TermLink]]


class RecordDetail(RootModel[Any]):
    """One entry of the record."""

    model_config = ConfigDict(defer_build=True)

    root: RecordDetailRow


class RecordDifference(Shape):
    """One field of a record, as lists show it, before and after; null where it was or is not there."""

    field: str
    before: Any
    after: Any


class RecordChange(Shape):
    """What became of one record between the moment and now: what went and came back is no change."""

    kind: ChangeKind
    record_id: str
    category: Category
    title: str
    changed_at: str = Field(description="When it became what it is now.")
    text: str = Field(description="What is different, in words, in the reader's language.")
    differences: list[RecordDifference] = Field(description="Of what was changed; empty for what came or went.")
    record: Row | None = Field(description="The record as it is now; null where it was removed.")

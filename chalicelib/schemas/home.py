"""Shapes of what waits for everybody in one's care."""

from typing import Literal

from pydantic import Field

from chalicelib.domain.caregivers import Relation, Scope
from chalicelib.schemas.base import Money, PageQuery, Shape
from chalicelib.schemas.calendar import CalendarItem


class HomeQuery(PageQuery):
    """How the people are paged."""

    limit: int = Field(default=10, ge=1, le=20, description="How many people a page holds at most.")


class Upcoming(Shape):
    """Visits that are planned."""

    count: int = Field(description="How many; 100 stands for a hundred or more.")
    next: CalendarItem | None


class HomePerson(Shape):
    """What waits for one person. What your scopes do not open is not counted."""

    patient_id: str
    name: str
    relation: Relation | Literal["self"]
    scopes: list[Scope]
    unread: int = Field(
        description="Notices about them that you have not read, of your thousand newest; for yourself also those about "
        "your account. Messages join when the portal has them."
    )
    due: int = Field(
        description="What is to be done: orders that wait to be scheduled; orders, activities of care plans and goals "
        "that are due within 30 days, or were in the last year. 100 stands for a hundred or more."
    )
    upcoming: Upcoming
    new_results: int | None = Field(
        description="How many `new_results` their summary has, 10 at most; null where your scopes open none."
    )
    medication_changes: int | None = Field(
        description="How many `medication_changes` their summary has, 10 at most; null where your scopes open none."
    )
    balance: Money | None = Field(description="Null until the portal has bills.")


class Home(Shape):
    """What waits for you, by the people in your care: yourself first."""

    items: list[HomePerson]
    unread: int = Field(description="All notices that you have not read, those about your account included.")
    next_cursor: str | None

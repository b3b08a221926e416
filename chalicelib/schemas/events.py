"""Shapes of the events that the clinic's systems read."""

from pydantic import Field

from chalicelib.domain.events import EventRow
from chalicelib.schemas.base import PageQuery, Shape

EVENT_ID = "^evt_[0-9A-HJKMNP-TV-Z]{26}$"


class EventsQuery(PageQuery):
    """Where to read on."""

    after: str | None = Field(
        default=None,
        # An empty one is what a poller sends that has read nothing yet.
        pattern=f"{EVENT_ID}|^$",
        description="The `event_id` that was read last: what follows are the events behind it, oldest first. A poller "
        "that remembers it misses none and reads none twice. Without it the list begins with the oldest event that is "
        "kept. Events are kept 30 days; where the one behind it is gone, the answer is 410 `events_expired`.",
    )


class EventPage(Shape):
    """Events in the order in which they were recorded; `next_cursor` is null where there are no more for now."""

    items: list[EventRow]
    next_cursor: str | None

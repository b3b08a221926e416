"""Everything of a patient's that has a date, in one list."""

from datetime import date, timedelta

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain import calendar
from chalicelib.domain.access import patient
from chalicelib.domain.calendar import MOST_DAYS
from chalicelib.domain.clinic_settings import Feature
from chalicelib.errors import FieldError, Invalid
from chalicelib.handlers import calendar_items
from chalicelib.handlers.records import sight_for
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import calendar as shapes
from chalicelib.services.calendar import pages
from chalicelib.services.calendar.pages import Window

routes = Routes(__name__)


@routes.get(
    "/v1/patients/{pid}/calendar",
    patient(None),
    feature=Feature.RECORDS,
    answer=shapes.CalendarPage,
    errors=(errors.NotFound,),
)
def read_calendar(call: Call, query: shapes.CalendarQuery) -> Answer:
    """Read what has a date, the earliest first: visits, and what is planned or due.

    What begins in the time that is asked for stands there, and what is planned to end in it.
    """
    binding = call.binding(since=query.from_, until=query.to)
    after, window = None, _window(query)
    if query.cursor is not None:
        # A walk goes on with the days that it began with, also past midnight.
        after, *days = cursors.unseal(query.cursor, binding)
        window = Window(*map(date.fromisoformat, days))
    sight = sight_for(call, query.as_)
    page = pages.find_page(call.reach.patient_ids, window, limit=query.limit, after=after, sight=sight)
    place = [page.end, window.first.isoformat(), window.last.isoformat()] if page.end else None
    next_cursor = cursors.seal(place, binding) if place else None
    return Answer(
        shapes.CalendarPage(items=[calendar_items.item(one) for one in page.entries], next_cursor=next_cursor)
    )


def _window(query: shapes.CalendarQuery) -> Window:
    """The days that are asked for. Raises Invalid."""
    first, last = calendar.window(query.from_, query.to, pages.today())
    if last < first:
        raise Invalid([FieldError("?to", "before_from")])
    if last - first >= timedelta(days=MOST_DAYS):
        raise Invalid([FieldError("?to", "too_many_days", {"maximum": MOST_DAYS})])
    return Window(first, last)

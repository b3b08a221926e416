"""Everything of a patient's that has a date, in one list."""

from datetime import date, datetime, timedelta

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain import calendar
from chalicelib.domain.access import patient
from chalicelib.domain.calendar import MOST_DAYS, Entry
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.records import dates
from chalicelib.errors import FieldError, Invalid
from chalicelib.handlers.records import sight_for
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import calendar as shapes
from chalicelib.services.calendar import pages
from chalicelib.services.calendar.pages import Window
from chalicelib.settings import settings

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
    return Answer(shapes.CalendarPage(items=[item(one) for one in page.entries], next_cursor=next_cursor))


def _window(query: shapes.CalendarQuery) -> Window:
    """The days that are asked for. Raises Invalid."""
    first, last = calendar.window(query.from_, query.to, pages.today())
    if last < first:
        raise Invalid([FieldError("?to", "before_from")])
    if last - first >= timedelta(days=MOST_DAYS):
        raise Invalid([FieldError("?to", "too_many_days", {"maximum": MOST_DAYS})])
    return Window(first, last)


def item(one: Entry) -> shapes.CalendarItem:
    """An entry of a calendar as the API shows it."""
    day, at = _parts(one.starts)
    end_day, end_at = _parts(one.ends)
    return shapes.CalendarItem(
        calendar_id=one.calendar_id,
        kind=one.kind,
        title=one.title,
        all_day=at is None,
        date=day,
        end_date=end_day if at is None else None,
        starts_at=at,
        ends_at=end_at if at is not None else None,
        time_zone=str(settings().clinic_zone),
        status=one.status,
        target=shapes.CalendarTarget(kind=one.target_kind, id=one.target_id),
    )


def _parts(text: str | None) -> tuple[str | None, datetime | None]:
    """A day, or a moment."""
    if text is None or not dates.is_instant(text):
        return text, None
    return None, datetime.fromisoformat(text)

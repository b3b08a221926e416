"""Entries of a calendar as the API shows them, wherever they stand."""

from datetime import datetime

from chalicelib.domain.calendar import Entry
from chalicelib.domain.records import dates
from chalicelib.schemas import calendar as shapes
from chalicelib.settings import settings


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

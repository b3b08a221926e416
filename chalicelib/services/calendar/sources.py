"""What a calendar is made of. Whatever else has dates joins by one line of `SOURCES`."""

import functools
from collections.abc import Callable
from typing import Final, TypeAlias

from chalicelib.domain.calendar import CalendarKind
from chalicelib.domain.records.categories import Category
from chalicelib.services.calendar import of_records
from chalicelib.services.calendar.asking import Asked, Found

Source: TypeAlias = Callable[[Asked], Found]

visits: Final = functools.partial(of_records.happenings, Category.ENCOUNTER, CalendarKind.VISIT)

SOURCES: Final[tuple[Source, ...]] = (
    visits,
    functools.partial(of_records.happenings, Category.PROCEDURE, CalendarKind.PROCEDURE),
    functools.partial(of_records.happenings, Category.IMAGING, CalendarKind.IMAGING),
    of_records.planned,
)
"""Each answers in a number of round trips that does not grow with the record, whatever the others do meanwhile."""

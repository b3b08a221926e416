"""Shapes of the forms behind links; fields are named as in the API."""

import re
from datetime import date
from typing import Annotated

from pydantic import Field

from chalicelib.schemas.base import Query

_PARTS = 3
_SHORT_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class LinkForm(Query):
    """The first form of every page: the birth date, in one text field."""

    date_of_birth: Annotated[str, Field(max_length=40)] = ""


def read_birth_date(text: str) -> date | None:
    """A birth date as people write it.

    1950-03-31, 03/31/1950 (month first, as on the clinic's forms), March 31, 1950.
    """
    parts = re.findall(r"[^\W\d_]+|\d+", text.lower())
    if len(parts) != _PARTS:
        return None
    if parts[0].isdecimal() and len(parts[0]) == 4:  # noqa: PLR2004  A year.
        return _date(parts[0], parts[1], parts[2])
    if parts[0].isdecimal() and not parts[1].isdecimal():
        return _date(parts[2], parts[1], parts[0])
    return _date(parts[2], parts[0], parts[1])


def _date(year: str, month: str, day: str) -> date | None:
    number = _SHORT_MONTHS.index(month[:3]) + 1 if month[:3] in _SHORT_MONTHS else month
    try:
        return date(int(year), int(number), int(day)) if len(year) == 4 else None  # noqa: PLR2004  A year.
    except ValueError:
        return None

"""Birth dates that are to be written down: of somebody who may be alive."""

from datetime import date

from chalicelib import clock
from chalicelib.domain import identity
from chalicelib.errors import FieldError, Invalid
from chalicelib.settings import settings


def check(pointer: str, birth_date: str | None) -> None:
    """Raises Invalid for a day (ISO 8601) that is yet to come at the clinic, or that is too long ago."""
    if birth_date is None:
        return
    today = clock.now().astimezone(settings().clinic_zone).date()
    if not identity.could_be_born_on(date.fromisoformat(birth_date), today):
        raise Invalid([FieldError(pointer, "birth_date_impossible")])

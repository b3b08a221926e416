"""Posted forms as models."""

from typing import TypeVar
from urllib.parse import parse_qs

from pydantic import ValidationError

from chalicelib import errors
from chalicelib.errors import FieldError
from chalicelib.handlers import requests
from chalicelib.schemas.pages import LinkForm

_Form = TypeVar("_Form", bound=LinkForm)

_MOST_FIELDS = 50
_LONGEST_KEPT = 64


def fields(raw: bytes) -> dict[str, str]:
    """The fields of a posted form, as typed. Raises Malformed."""
    try:
        text = raw.decode("utf-8")
        given = parse_qs(text, keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=_MOST_FIELDS)
    except ValueError as wrong:
        raise errors.Malformed(reason="a form was expected") from wrong
    return {name: values[0] for name, values in given.items()}


def read(given: dict[str, str], model: type[_Form], *, asks_birth_date: bool) -> _Form:
    """A form as a model. Raises Invalid, naming every field that is wrong or missing."""
    try:
        form = model.model_validate(given)
    except ValidationError as wrong:
        raise errors.Invalid(requests.field_errors(wrong, requests.json_pointer)) from wrong
    if missing := form.missing(asks_birth_date=asks_birth_date):
        raise errors.Invalid([FieldError(f"/{name}", f"{name}_missing") for name in missing])
    return form


def to_show_again(given: dict[str, str]) -> dict[str, str]:
    """What of a form is put into its fields again: a birth date or a name, and never a secret."""
    return {name: given.get(name, "")[:_LONGEST_KEPT] for name in ("date_of_birth", "username", "recipient")}

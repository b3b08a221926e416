"""Reading a request in one place: its body, its query, and what pydantic says of them in the portal's own codes."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar
from urllib.parse import unquote

from chalice.app import Request
from pydantic import BaseModel, RootModel, ValidationError

from chalicelib.domain.fhir import text as strict_json
from chalicelib.errors import FieldError, Invalid, Malformed, NotFound, TooLarge, UnsupportedMediaType
from chalicelib.schemas.base import FieldProblem

BODY_LIMIT = 256 * 1024
"""Bytes of an ordinary request's body."""

JSON_TYPES = ("application/json",)

_PATH_PART_LIMIT = 200
"""Characters of an id, a code or a token in a path; all of ours are far shorter."""

_ACCEPT_LIMIT = 500
_QUALITY = re.compile(r"\bq=([01](?:\.[0-9]{0,3})?)(?![0-9.])")
"""The weight of a media range (RFC 9110, section 12.4.2)."""

_BOM = b"\xef\xbb\xbf"
_NOT_UTF8 = "\ufffd".encode()
"""What API Gateway puts in the place of bytes that are not UTF-8."""

_Model = TypeVar("_Model", bound=BaseModel)

Location: TypeAlias = tuple[str | int, ...]

_COLLECTIONS = frozenset({"Dictionary", "Frozenset", "List", "Set", "Tuple"})
_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "string_type": "text_expected",
    "bool_type": "true_or_false_expected",
    "bool_parsing": "true_or_false_expected",
    "int_type": "whole_number_expected",
    "int_parsing": "whole_number_expected",
    "int_from_float": "whole_number_expected",
    "list_type": "list_expected",
    "dict_type": "object_expected",
    "model_type": "object_expected",
    "model_attributes_type": "object_expected",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_few",
    "too_long": "too_many",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "enum": "not_a_choice",
    "literal_error": "not_a_choice",
    "union_tag_invalid": "not_a_choice",
    "union_tag_not_found": "missing",
    "string_pattern_mismatch": "wrong_form",
    "date_type": "date_expected",
    "date_parsing": "date_expected",
    "date_from_datetime_parsing": "date_expected",
    "date_from_datetime_inexact": "date_expected",
}


def raw_body(request: Request, limit: int, media_types: tuple[str, ...], too_large: type[TooLarge] = TooLarge) -> bytes:
    """The body as sent. Raises TooLarge and UnsupportedMediaType before anything is parsed."""
    raw = request.raw_body
    body = raw.encode() if isinstance(raw, str) else bytes(raw)
    if len(body) > limit:
        raise too_large(limit_kib=limit // 1024)
    sent = request.headers.get("content-type")
    if body and sent is not None and not _is_one_of(sent, media_types):
        raise UnsupportedMediaType(expected=", ".join(media_types))
    return body


def json_body(body: bytes, model: type[_Model]) -> _Model:
    """The body as a model. Raises Malformed for what is no JSON object, Invalid naming every wrong field at once."""
    if _NOT_UTF8 in body:
        raise Malformed(reason="the text is not UTF-8")
    text = body.removeprefix(_BOM) or b"{}"
    try:
        read = strict_json.parse(text)
    except strict_json.MalformedJson as wrong:
        raise Malformed(reason=str(wrong)) from wrong
    if not isinstance(read, dict):
        raise Malformed(reason="a JSON object was expected")
    try:
        return model.model_validate_json(text)
    except ValidationError as wrong:
        raise Invalid(field_errors(wrong, _body_place(model))) from wrong


def query_model(query: Mapping[str, list[str]], model: type[_Model]) -> _Model:
    """The query as a model. A parameter may be given once. Raises Invalid."""
    if model.model_config.get("extra") == "ignore":
        query = {name: values for name, values in query.items() if name in model.model_fields}
    if repeated := [name for name, values in query.items() if len(values) > 1]:
        raise Invalid([FieldError(f"?{name}", "given_twice") for name in repeated])
    try:
        return model.model_validate({name: values[0] for name, values in query.items()}, strict=False)
    except ValidationError as wrong:
        raise Invalid(field_errors(wrong, _parameter)) from wrong


def read_all(readers: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """What each reader reads. Raises Invalid naming what any of them found wrong, all together."""
    read: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for name, reader in readers.items():
        try:
            read[name] = reader()
        except Invalid as invalid:
            wrong += invalid.errors
    if wrong:
        raise Invalid(wrong)
    return read


def query_of(request: Request) -> dict[str, list[str]]:
    """Every query parameter with all its values."""
    values = request.query_params
    return {name: values.getlist(name) for name in values} if values else {}


def path_of(request: Request) -> dict[str, str]:
    """The path parameters, decoded: API Gateway hands them over as they were in the URL.

    Raises NotFound for what can be no id of anything.
    """
    path = {name: unquote(value) for name, value in (request.uri_params or {}).items()}
    if not all(0 < len(value) <= _PATH_PART_LIMIT and value.isprintable() for value in path.values()):
        raise NotFound
    return path


def preferred_type(accept: str | None, offered: Sequence[str]) -> str:
    """The media type that an Accept header prefers of those that are offered; the first of them where it names none."""
    weighted = []
    for place, part in enumerate((accept or "").lower()[:_ACCEPT_LIMIT].split(",")):
        media_type, _, parameters = part.partition(";")
        quality = _QUALITY.search(parameters)
        if media_type.strip() in offered and (weight := float(quality[1]) if quality else 1.0) > 0:
            weighted.append((-weight, place, media_type.strip()))
    return min(weighted)[2] if weighted else offered[0]


def field_errors(wrong: ValidationError, place: Callable[[Location], str]) -> list[FieldError]:
    """Pydantic's findings in the portal's codes, none of them quoting the input."""
    return [_field_error(error, place) for error in wrong.errors(include_url=False, include_input=False)]


def _body_place(model: type[BaseModel]) -> Callable[[Location], str]:
    """Where in a body. In one that may be of several kinds, pydantic names the kind first, which is nowhere in it."""
    if not issubclass(model, RootModel):
        return json_pointer
    return lambda location: json_pointer(location[1:])


def json_pointer(location: Location) -> str:
    """Where in a body, as RFC 6901 writes it; the whole body is the empty text."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _parameter(location: Location) -> str:
    return "?" + ".".join(str(part) for part in location)


def _field_error(error: Any, place: Callable[[Location], str]) -> FieldError:
    context = error.get("ctx", {})
    if error["type"] == "value_error" and isinstance(context.get("error"), FieldProblem):
        code, values = context["error"].code, context["error"].values
    else:
        code = _length_code(error) or _CODES.get(error["type"], "wrong_value")
        values = {name: value for name, value in context.items() if isinstance(value, str | int)}
    # The field that tells kinds of bodies apart is named by its quoted name, and not by where it is.
    where = f"/{context['discriminator'].strip(chr(39))}" if "discriminator" in context else place(error["loc"])
    return FieldError(where, code, values)


def _length_code(error: Any) -> str | None:
    """Pydantic counts a secret text as it counts a list."""
    of_text = error.get("ctx", {}).get("field_type") not in _COLLECTIONS
    return error["type"] if of_text and error["type"] in {"too_short", "too_long"} else None


def _is_one_of(content_type: str, media_types: tuple[str, ...]) -> bool:
    return content_type.partition(";")[0].strip().lower() in media_types

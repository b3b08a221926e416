"""How a value stands: against the reference range that was sent with it, and by what the clinic marks it as.

Numbers are compared as they were sent. Where that cannot be done without a guess, nothing is claimed.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from chalicelib.domain.records import units
from chalicelib.domain.records.keys import folded
from chalicelib.domain.records.phrases import INTERPRETATIONS

Value = Mapping[str, Any]
"""A view with a value, or one of its components."""


class Standing(StrEnum):
    """How a value stands."""

    WITHIN = "within"
    ABOVE = "above"
    BELOW = "below"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    ABNORMAL = "abnormal"


_MARKS: Final[Mapping[str, Standing]] = {
    **dict.fromkeys(("H", "HH", "HU", "H>", "HX"), Standing.ABOVE),
    **dict.fromkeys(("L", "LL", "LU", "L<", "LX"), Standing.BELOW),
    "N": Standing.WITHIN,
    **dict.fromkeys(("A", "AA"), Standing.ABNORMAL),
    **dict.fromkeys(("POS", "DET", "RR", "WR"), Standing.POSITIVE),
    **dict.fromkeys(("NEG", "ND", "NR"), Standing.NEGATIVE),
}
CRITICAL: Final = frozenset({"HH", "LL", "AA"})
_SAID: Final = {text.lower(): code for code, text in INTERPRETATIONS.items()}
"""Codes by their words, for senders who give the words alone."""
_CRITICAL_WORDS: Final = re.compile(r"\b(?:critical|critically|panic)\b")

_FOUND: Final = {
    **dict.fromkeys(("10828004", "260373001", "11214006", "52101004"), Standing.POSITIVE),
    **dict.fromkeys(("260385009", "260415000", "131194007", "2667000"), Standing.NEGATIVE),
    **dict.fromkeys(("LA6576-8", "LA11882-0", "LA9633-4", "LA15255-5"), Standing.POSITIVE),
    **dict.fromkeys(("LA6577-6", "LA11883-8", "LA9634-2", "LA15256-3"), Standing.NEGATIVE),
}
"""Positive, detected, reactive, present and their opposites: by SNOMED CT, and by LOINC's answers."""
_NOTHING_FOUND: Final = re.compile(r"(?:^|[\s=])(?:negative|not detected|non-?reactive|absent|none (?:seen|detected))$")
_SOMETHING_FOUND: Final = re.compile(r"(?:^|[\s=])(?:positive|(?<!not )detected|(?<!non )(?<!non-)reactive)$")
_KIND: Final = re.compile(r"\s*\([^()]*\)$")


def number_of(value: Value) -> Decimal | None:
    """The number of a value, where it is one."""
    number = value.get("value")
    return Decimal(number) if isinstance(number, Decimal | int) and not isinstance(number, bool) else None


def mark_of(value: Value) -> str | None:
    """The code by which the clinic marks a value, also where it gives the words alone."""
    sent = value.get("interpretation")
    if not sent:
        return None
    code = str(sent["code"] or "")
    return code if code in INTERPRETATIONS else _SAID.get(str(sent["text"]).lower(), code)


def marked(value: Value) -> Standing | None:
    """How a value stands by the clinic's own mark."""
    return _MARKS.get(mark_of(value) or "")


def is_marked_critical(value: Value) -> bool:
    """Whether the clinic says that a value needs care at once."""
    sent = value.get("interpretation")
    return mark_of(value) in CRITICAL or bool(sent and _CRITICAL_WORDS.search(str(sent["text"]).lower()))


def found(value: Value) -> Standing | None:
    """Whether a test that looks for something found it, by its answer."""
    answer = value.get("value_code") or {}
    if answer.get("code") in _FOUND:
        return _FOUND[answer["code"]]
    if not isinstance(value.get("value"), str):
        return None
    said = _KIND.sub("", folded(value["value"]).strip())
    if _NOTHING_FOUND.search(said):
        return Standing.NEGATIVE
    return Standing.POSITIVE if _SOMETHING_FOUND.search(said) else None


def only_range(value: Value) -> Value | None:
    """The one range of a value; None where there is none, or where there are several of which any may be meant."""
    return None if value.get("reference_ranges") else value.get("reference_range")


def is_comparable(value: Value, expected: Value) -> bool:
    """Whether a value and its range have one unit. A range without a unit has that of its value."""
    unit = expected.get("unit")
    return unit in {None, value.get("unit")} or units.code_of(unit) == unit_of(value)


def unit_of(value: Value) -> str | None:
    """The unit of a value as UCUM writes it."""
    return units.code_of(value.get("unit"), value.get("unit_code"))


def ranged(value: Value) -> Standing | None:
    """How a number stands against its own range, whose limits belong to it; None where that cannot be said."""
    number, expected = number_of(value), only_range(value)
    if number is None or not expected or not is_comparable(value, expected):
        return None
    low, high = (None if expected.get(name) is None else Decimal(expected[name]) for name in ("low", "high"))
    if low is None and high is None:
        return None
    return _against(number, str(value.get("comparator") or ""), low, high)


def _against(number: Decimal, comparator: str, low: Decimal | None, high: Decimal | None) -> Standing | None:
    least, most = bounds(number, comparator)
    if low is not None and most is not None and (most < low or (most == low and comparator == "<")):
        return Standing.BELOW
    if high is not None and least is not None and (least > high or (least == high and comparator == ">")):
        return Standing.ABOVE
    is_above_low = low is None or (least is not None and least >= low)
    is_below_high = high is None or (most is not None and most <= high)
    return Standing.WITHIN if is_above_low and is_below_high else None


def bounds(number: Decimal, comparator: str) -> tuple[Decimal | None, Decimal | None]:
    """The least and the most that a number with a comparator may be; None where that is open."""
    if comparator in {"<", "<="}:
        return None, number
    return number, None if comparator in {">", ">="} else number


def standing(value: Value) -> Standing | None:
    """How a value stands in the end; None where mark and range do not agree, or neither says anything."""
    if disagree(value):
        return None
    by_mark, by_range = marked(value) or found(value), ranged(value)
    if by_mark is Standing.ABNORMAL:
        return by_range or by_mark
    return by_mark or by_range


def disagree(value: Value) -> bool:
    """Whether the clinic's mark says another thing than the range."""
    by_mark, by_range = marked(value), ranged(value)
    if by_mark is None or by_range is None:
        return False
    if by_mark is Standing.ABNORMAL:
        return by_range is Standing.WITHIN
    return by_mark in {Standing.WITHIN, Standing.ABOVE, Standing.BELOW} and by_mark is not by_range

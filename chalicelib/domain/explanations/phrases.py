"""Parts of sentences that the record fills: values with their units, ranges."""

import re
from decimal import Decimal
from typing import Final

from chalicelib.domain.explanations.standings import Value, number_of
from chalicelib.domain.explanations.teller import Teller

_LONGEST_NUMBER: Final = 20
_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")
_WRITTEN: Final = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "[degF]": "°F",
    "[lb_av]": "lb",
    "[oz_av]": "oz",
    "[in_i]": "in",
    "meq/L": "mEq/L",
    "ug": "mcg",
    "1": "",
}
_COMPARED: Final = {"<": "less", "<=": "at_most", ">=": "at_least", ">": "more"}


def value_words(value: Value, teller: Teller) -> str:
    """A value with its unit, its digits as sent: "less than 5 mg/dL"."""
    number, unit = number_of(value), unit_words(value.get("unit"))
    if number is None:
        return teller.quote(teller.reader.value("value", value["value"]))
    words = teller.reader.number(plain(number))
    if unit:
        words = f"{words} {unit}"
    compared = _COMPARED.get(str(value.get("comparator") or ""))
    return teller.reader.say(f"explain.value.{compared}", value=words) if compared else words


def range_words(expected: Value, teller: Teller) -> str:
    """The limits of a range: "4.0 to 5.6 %"."""
    shown = {name: plain(Decimal(expected[name])) for name in ("low", "high") if expected.get(name) is not None}
    unit = unit_words(expected.get("unit"))
    return teller.reader.value("", {**shown, **({"unit": unit} if unit else {})})


def unit_words(unit: str | None) -> str | None:
    """A unit as people write it; None for what only says what is counted, such as UCUM's "{score}"."""
    bare = _ANNOTATION.sub("", unit or "")
    return _WRITTEN.get(bare, bare) or None


def plain(number: Decimal) -> Decimal | str:
    """A number with its digits as sent; one that was sent as a power of ten is written out, unless it is endless."""
    return f"{number:f}" if abs(number.adjusted()) <= _LONGEST_NUMBER else number

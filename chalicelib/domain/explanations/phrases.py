"""Parts of sentences that the record fills: values with their units, ranges."""

from decimal import Decimal

from chalicelib.domain.explanations.standings import Value, number_of
from chalicelib.domain.explanations.teller import Teller

_LONGEST_NUMBER = 20
_COMPARED = {"<": "less", "<=": "at_most", ">=": "at_least", ">": "more"}


def value_words(value: Value, teller: Teller) -> str:
    """A value with its unit, its digits as sent: "less than 5 mg/dL"."""
    number, unit = number_of(value), value.get("unit")
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
    return teller.reader.value("", {**shown, **({"unit": expected["unit"]} if expected.get("unit") else {})})


def plain(number: Decimal) -> Decimal | str:
    """A number with its digits as sent; one that was sent as a power of ten is written out, unless it is endless."""
    return f"{number:f}" if abs(number.adjusted()) <= _LONGEST_NUMBER else number

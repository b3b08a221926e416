"""Parts of sentences that the record fills: values with their units, ranges."""

from chalicelib.domain.explanations.standings import Value, number_of
from chalicelib.domain.explanations.teller import Teller

_COMPARED = {"<": "less", "<=": "at_most", ">=": "at_least", ">": "more"}


def value_words(value: Value, teller: Teller) -> str:
    """A value with its unit, its digits as sent: "less than 5 mg/dL"."""
    number, unit = number_of(value), value.get("unit")
    if number is None:
        return teller.quote(teller.reader.value("value", value["value"]))
    words = teller.reader.number(value["value"])
    if unit:
        words = f"{words} {unit}"
    compared = _COMPARED.get(str(value.get("comparator") or ""))
    return teller.reader.say(f"explain.value.{compared}", value=words) if compared else words


def range_words(expected: Value, teller: Teller) -> str:
    """The limits of a range: "4.0 to 5.6 %"."""
    return teller.reader.value("", {name: expected[name] for name in ("low", "high", "unit") if name in expected})

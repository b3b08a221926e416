"""Which values need care at once: what the clinic marks so, and what lies beyond the limits of its term.

The limits are of adults, and general. What the clinic marks as normal, or what lies in the range that was sent with it,
is never beyond them; neither is what cannot be brought into their unit without a guess.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from chalicelib.domain.explanations import standings
from chalicelib.domain.explanations.standings import Standing, Value
from chalicelib.domain.records import units
from chalicelib.vocabulary import Term

_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")
_MARKS: Final = re.compile(r"[{}\[\]]")
_NO_UNITS: Final = frozenset({"", "1", "score", "ratio"})

_MOLAR_MASSES: Final[Mapping[str, Decimal]] = {
    "blood-glucose": Decimal("180.16"),
    "fasting-glucose": Decimal("180.16"),
    "calcium": Decimal("40.08"),
    "creatinine": Decimal("113.12"),
    "magnesium-level": Decimal("24.31"),
    "phosphate-level": Decimal("30.97"),
}
"""Grams a mole of what terms measure, so that a limit in mg/dL is one in mmol/L, too: as laboratories count it."""

_ALIKE: Final = frozenset({"10*3/uL", "10*9/L"})
"""Units of one size. What is usual is turned here, without what turns any unit, which takes two seconds to load."""

_MOLES: Final[Mapping[str, Decimal]] = {"mmol/L": Decimal(1), "umol/L": Decimal(1000)}
_DECILITERS: Final = Decimal(10)
_TWO_CHARGES: Final = frozenset({"ionized-calcium", "calcium", "magnesium-level", "phosphate-level"})
"""Of these an equivalent is no mole."""


def is_critical(value: Value, term: Term | None, *, is_adult: bool) -> bool:
    """Whether a value needs care at once."""
    if standings.is_marked_critical(value):
        return True
    number = standings.number_of(value)
    if term is None or term.critical is None or number is None or not is_adult:
        return False
    if Standing.WITHIN in {standings.marked(value), standings.ranged(value)}:
        return False
    least, most = standings.bounds(number, str(value.get("comparator") or ""))
    low, high = (limit_of(limit, term, standings.unit_of(value)) for limit in (term.critical.low, term.critical.high))
    return (low is not None and most is not None and most <= low) or (
        high is not None and least is not None and least >= high
    )


def limit_of(limit: Decimal | None, term: Term, wanted: str | None) -> Decimal | None:
    """A limit of a term in the unit of a value; None where there is none, or where the unit says another thing."""
    if limit is None or term.critical is None:
        return None
    unit = term.critical.unit
    if _is_same(unit, wanted):
        return limit
    if wanted is None:
        return None
    usual = _turned(limit, term.slug, unit, wanted)
    return units.converted(limit, unit, wanted) if usual is None and "eq" not in wanted else usual


def _turned(limit: Decimal, slug: str, unit: str, wanted: str) -> Decimal | None:
    """A limit in another unit, where laboratories and clinics use both of them."""
    if (unit, wanted) == ("Cel", "[degF]"):
        return limit * 9 / 5 + 32
    if (unit, wanted) == ("mmol/L", "meq/L") and slug not in _TWO_CHARGES:
        return limit
    if unit == "mg/dL" and wanted in _MOLES and slug in _MOLAR_MASSES:
        return limit * _DECILITERS * _MOLES[wanted] / _MOLAR_MASSES[slug]
    return None


def _is_same(unit: str, wanted: str | None) -> bool:
    """Whether two units say the same, but for notes in braces. What has no dimension needs no unit."""
    if wanted is not None and _MARKS.sub("", unit).casefold() == _MARKS.sub("", wanted).casefold():
        return True
    if wanted in _ALIKE and unit in _ALIKE:
        return True
    plain, other = (_ANNOTATION.sub("", one or "") for one in (unit, wanted))
    return plain == other if plain else other in _NO_UNITS

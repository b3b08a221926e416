"""Units as UCUM writes them (https://ucum.org), and numbers turned from one into another where that can be done.

What the conversion needs is loaded at the first one alone: it takes two seconds, and most series have one unit.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

UCUM: Final = "http://unitsofmeasure.org"

_LONGEST: Final = 60
_HUGE: Final = re.compile(r"\d{4,}")
"""A power of ten that no measurement has, and that would take a computer long."""

_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")
_FEWEST_DIGITS: Final = 3
# What senders write who give no UCUM code.
_ALIASES: Final = {
    "mmHg": "mm[Hg]",
    "mm Hg": "mm[Hg]",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "pounds": "[lb_av]",
    "oz": "[oz_av]",
    "in": "[in_i]",
    "inches": "[in_i]",
    "ft": "[ft_i]",
    "°C": "Cel",
    "degC": "Cel",
    "°F": "[degF]",
    "degF": "[degF]",
    "bpm": "/min",
    "beats/min": "/min",
    "breaths/min": "/min",
    "mg/dl": "mg/dL",
    "g/dl": "g/dL",
    "mmol/l": "mmol/L",
    "mEq/L": "meq/L",
    "mOsm/kg": "mosm/kg",
    "mcg/dL": "ug/dL",
    "mcg/mL": "ug/mL",
    "sec": "s",
    "10^3/uL": "10*3/uL",
    "x10^3/uL": "10*3/uL",
    "10^9/L": "10*9/L",
    "mcg": "ug",
    "µg": "ug",
    "K/uL": "10*3/uL",
    "x10E3/uL": "10*3/uL",
    "IU/L": "[iU]/L",
}


def code_of(unit: str | None, code: str | None = None) -> str | None:
    """The UCUM code of a unit: the one that was sent with it, else what people mean by its name."""
    if unit is None:
        return code
    return code or _ALIASES.get(unit, unit)


def converted(value: Decimal | int, unit: str, wanted: str) -> Decimal | None:
    """A number of one UCUM unit in another, as precise as it was; None where one cannot be turned into the other.

    Amounts of substance and masses are two things: between mmol/L and mg/dL stands what is measured.
    """
    number = value if isinstance(value, Decimal) else Decimal(value)
    found = _convert(number, unit, wanted)
    return None if found is None else _as_precise(number, found)


def _as_precise(number: Decimal, found: Decimal) -> Decimal:
    """The digits of the number where only the point moves, else as many as it has, and three at least."""
    if found == 0:
        return Decimal(0)
    plain, there = number.normalize(), found.normalize()
    if plain.as_tuple().digits == there.as_tuple().digits:
        return Decimal(f"{number.scaleb(there.adjusted() - plain.adjusted()):f}")
    digits = max(_FEWEST_DIGITS, len(number.as_tuple().digits))
    return Decimal(f"{found.quantize(Decimal(1).scaleb(found.adjusted() - digits + 1)):f}")


def _convert(number: Decimal, unit: str, wanted: str) -> Decimal | None:
    if not _is_sane(unit) or not _is_sane(wanted):
        return None
    from lark.exceptions import LarkError  # noqa: PLC0415  See above.
    from pint import PintError  # noqa: PLC0415
    from ucumvert.parser import InvalidUcumError  # noqa: PLC0415

    registry = _registry()
    try:
        found = registry.Quantity(number, registry.from_ucum(unit)).to(registry.from_ucum(wanted)).magnitude
    except (PintError, LarkError, InvalidUcumError, ArithmeticError, ValueError, TypeError, AttributeError):
        # Whatever is no unit, or of another dimension: clinics send all kinds of texts.
        return None
    return found if isinstance(found, Decimal) and found.is_finite() else None


def _is_sane(unit: str) -> bool:
    return 0 < len(unit) <= _LONGEST and not _HUGE.search(_ANNOTATION.sub("", unit))


@lru_cache(maxsize=1)
def _registry() -> Any:
    from ucumvert import PintUcumRegistry  # noqa: PLC0415  See above.

    return PintUcumRegistry(non_int_type=Decimal)

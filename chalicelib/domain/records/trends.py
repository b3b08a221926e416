"""The numbers of one code over time, out of the views of records: points of a chart, and the gaps between them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from chalicelib.domain.fhir.text import FhirDecimal
from chalicelib.domain.records import units
from chalicelib.domain.records.changes import View
from chalicelib.domain.records.keys import code_part
from chalicelib.domain.records.value_words import Reader
from chalicelib.domain.records.view import WITHDRAWN

HELD: Final = "held_back"
LOINC: Final = "http://loinc.org"
_FINAL: Final = frozenset({"final", "amended", "corrected"})

Shown = dict[str, Any]
"""A part of an answer."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one result says of a code: `value` is the whole view, or one of its components."""

    view: View
    value: View

    @property
    def number(self) -> Decimal | int | None:
        """The number, where it is one and stands."""
        number = self.value.get("value")
        is_number = isinstance(number, Decimal | int) and not isinstance(number, bool)
        return number if is_number and self.view["status"] in _FINAL and self.view["occurred_at"] else None

    @property
    def unit(self) -> str | None:
        """The unit as people write it."""
        unit: str | None = self.value.get("unit")
        return unit

    @property
    def unit_code(self) -> str | None:
        """The unit as UCUM writes it."""
        return units.code_of(self.unit, self.value.get("unit_code"))


@dataclass(slots=True)
class Series:
    """What a page of results is for a chart. `others` are points by a unit that cannot be turned into the chart's."""

    points: list[Shown] = field(default_factory=list)
    gaps: list[Shown] = field(default_factory=list)
    others: dict[str | None, list[Shown]] = field(default_factory=dict)


def without_number(one: Reading) -> Reading:
    """A reading that its reader holds back: that it is there, and when."""
    about = {name: one.view[name] for name in ("record_id", "occurred_at", "status")}
    return Reading({**about, HELD: True}, {})


def wanted_code(code: str) -> tuple[str, str]:
    """System and code of `system|code`; a code alone is one of LOINC."""
    system, bar, bare = code.rpartition("|")
    return (system, bare) if bar else (LOINC, bare)


def readings(view: View, wanted: str) -> Iterator[Reading]:
    """What a result says of a code, which is written as in keys. What was entered in error says nothing."""
    if view["resource_type"] != "Observation" or view["status"] == WITHDRAWN:
        return
    if _part(view) == wanted:
        yield Reading(view, view)
    for component in view.get("components", ()):
        if _part(component) == wanted:
            yield Reading(view, component)


def _part(coded: View) -> str | None:
    code = coded.get("code")
    return code_part(code["system"] or "", code["code"]) if code and code["code"] else None


def measure(found: Iterable[Reading]) -> tuple[str | None, str | None]:
    """The unit of the most recent number, of readings that are newest first: its UCUM code, and as people write it."""
    numbers = [one for one in found if one.number is not None]
    latest = next((one for one in numbers if one.unit is not None), None)
    return (latest.unit_code, latest.unit) if latest else (None, None)


def band(found: Iterable[Reading], unit: str | None, unit_name: str | None) -> Shown | None:
    """The latest reference range, in the chart's unit; of readings that are newest first."""
    ranges = (_range(one, unit, unit_name) for one in found if one.number is not None)
    return next((one for one in ranges if one and ("low" in one or "high" in one)), None)


def series(found: Iterable[Reading], unit: str | None, unit_name: str | None, reader: Reader) -> Series:
    """Points in one unit, which is given as UCUM writes it and as people do, and what is no point of it."""
    shown = Series()
    for one in found:
        if one.number is None:
            shown.gaps.append(_gap(one, reader))
        elif (point := _point(one, unit, unit_name)) is not None:
            shown.points.append(point)
        else:
            shown.others.setdefault(one.unit, []).append(_as_sent(one))
    return shown


def _point(one: Reading, unit: str | None, unit_name: str | None) -> Shown | None:
    if one.unit_code == unit:
        return _as_sent(one)
    if one.unit_code is None or unit is None or one.number is None:
        return None
    number = units.converted(one.number, one.unit_code, unit)
    if number is None:
        return None
    sent = {"original": {"value": one.value["value"], "unit": one.unit}}
    return _as_sent(one) | {"value": FhirDecimal(str(number)), "unit": unit_name} | _ranged(one, unit, unit_name) | sent


def _as_sent(one: Reading) -> Shown:
    value = one.value
    about = {"record_id": one.view["record_id"], "at": one.view["occurred_at"], "value": value["value"]}
    more = {name: value[name] for name in ("comparator", "interpretation", "reference_range") if name in value}
    return about | {"unit": one.unit} | more


def _ranged(one: Reading, unit: str | None, unit_name: str | None) -> Shown:
    expected = _range(one, unit, unit_name)
    return {"reference_range": expected} if expected else {}


def _range(one: Reading, unit: str | None, unit_name: str | None) -> Shown | None:
    """A reading's reference range in a unit; as it was sent where its limits cannot be turned into that."""
    expected: Mapping[str, Any] | None = one.value.get("reference_range")
    if not expected:
        return None
    named = expected.get("unit")
    code = one.unit_code if named in {None, one.unit} else units.code_of(named)
    if code == unit or code is None or unit is None:
        return dict(expected)
    limits = {
        name: units.converted(expected[name], code, unit) for name in ("low", "high") if expected.get(name) is not None
    }
    if any(limit is None for limit in limits.values()):
        return dict(expected)
    numbers = {name: FhirDecimal(str(limit)) for name, limit in limits.items()}
    return {**expected, **numbers, **({"unit": unit_name} if unit_name else {})}


def _gap(one: Reading, reader: Reader) -> Shown:
    return {
        "record_id": one.view["record_id"],
        "at": one.view["occurred_at"],
        "status": one.view["status"],
        "data_absent_reason": one.value.get("data_absent_reason"),
        "text": _why(one, reader),
    }


def _why(one: Reading, reader: Reader) -> str:
    value, status = one.value.get("value"), one.view["status"]
    if HELD in one.view:
        return reader.say("trends.held_back")
    if status not in _FINAL:
        return reader.say("trends.not_final", status=reader.value("status", status))
    if value is None:
        reason = one.value.get("data_absent_reason")
        return reader.say("trends.no_value_because", reason=reason) if reason else reader.say("trends.no_value")
    if not one.view["occurred_at"]:
        return reader.say("trends.no_date")
    return reader.say("trends.no_number", value=reader.value("value", value))

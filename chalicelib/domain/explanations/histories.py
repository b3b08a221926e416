"""How a value stands in its own history: the one before it and the newest, in the same unit, as the record has them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from chalicelib.domain.explanations import standings
from chalicelib.domain.explanations.phrases import value_words
from chalicelib.domain.explanations.shapes import Facts
from chalicelib.domain.explanations.standings import Standing, Value
from chalicelib.domain.explanations.teller import Teller
from chalicelib.domain.records import dates
from chalicelib.domain.records.changes import View
from chalicelib.domain.records.keys import code_part
from chalicelib.domain.records.trends import Reading

_DAY: Final = len("2027-05")


@dataclass(frozen=True, slots=True)
class History:
    """What else is known of a value: the reading before it and the newest one after it, None where there is none."""

    before: Reading | None
    newest: Reading | None


def part_of(value: Value) -> str | None:
    """A value's code as keys have it; None where it has none."""
    code = value.get("code")
    return code_part(code["system"] or "", code["code"]) if code and code["code"] else None


def history(value: Value, view: View, facts: Facts) -> History:
    """The readings of the code of a value of a record, in its unit, before and after that."""
    at, part = place_of(view, facts), part_of(value)
    others = list(_others(view, facts, facts.readings.get(part, ()))) if part and at else []
    alike = [(place, one) for place, one in others if _is_alike(one, value)]
    before = next((one for place, one in alike if place < (at or "")), None)
    newest = next((one for place, one in alike if place > (at or "")), None)
    return History(before, newest)


def place_of(view: View, facts: Facts) -> str | None:
    """Where a record stands in time; None where its sender did not say when."""
    at = view["occurred_at"]
    return dates.order_key(at, str(facts.reader.zone)) if at else None


def moment_of(view: View, facts: Facts) -> datetime | None:
    """When a record is from; a day counts from its beginning."""
    place = place_of(view, facts)
    return datetime.fromisoformat(place) if place else None


def _others(view: View, facts: Facts, found: Sequence[Reading]) -> Iterator[tuple[str, Reading]]:
    """Readings of other records that have a value and a date."""
    for one in found:
        place = place_of(one.view, facts)
        if place and one.view["record_id"] != view["record_id"] and _has_value(one):
            yield place, one


def _has_value(one: Reading) -> bool:
    return one.number is not None or isinstance(one.value.get("value"), str)


def _is_alike(one: Reading, value: Value) -> bool:
    """Whether a reading is of a value's kind: numbers in one unit, or texts."""
    number = standings.number_of(value)
    if number is None:
        return isinstance(value.get("value"), str) and one.number is None
    return one.number is not None and one.unit_code == standings.unit_of(value)


def tell(teller: Teller, value: Value) -> None:
    """The value before, how this one compares to it, and the newest."""
    found = history(value, teller.facts.view, teller.facts)
    if standings.number_of(value) is None:
        _tell_texts(teller, value, found)
        return
    if found.before:
        _told(teller, "explain.before", found.before)
        _compare(teller, value, found.before, is_newest=found.newest is None)
    if found.newest:
        tell_newest(teller, found.newest)


def tell_newest(teller: Teller, newest: Reading, name: str = "") -> None:
    """What the newest reading is, and that it lies in its range where it does; once, also where it was said first."""
    place = f"{newest.view['record_id']} {part_of(newest.value)}"
    if place in teller.newest_told:
        return
    teller.newest_told.add(place)
    _told(teller, "explain.later", newest, name)
    if standings.standing(newest.value) is Standing.WITHIN:
        teller.record("explain.later_within", "reference_range", of=newest.view["record_id"])


def _told(teller: Teller, key: str, one: Reading, name: str = "") -> None:
    """A reading with its date: on a day, or in a month or a year."""
    said = value_words(one.value, teller)
    day = teller.reader.time(one.view["occurred_at"]) or ""
    is_day = len(one.view["occurred_at"]) > _DAY
    if name:
        teller.record("explain.later_of", "value", of=one.view["record_id"], value=said, day=day, name=name)
    else:
        teller.record(key if is_day else f"{key}_in", "value", of=one.view["record_id"], value=said, day=day)


def _compare(teller: Teller, value: Value, before: Reading, *, is_newest: bool) -> None:
    now, was = standings.number_of(value), before.number
    if now is None or was is None or value.get("comparator") or before.value.get("comparator"):
        return
    than = Decimal(was)
    way = "higher" if now > than else "lower" if now < than else "same"
    key = f"explain.{way}_now" if is_newest else f"explain.{way}_then"
    teller.record(key, "value", before.view["record_id"])


def _tell_texts(teller: Teller, value: Value, found: History) -> None:
    """What was said before and later, where it was something else."""
    for key, one in (("explain.said_before", found.before), ("explain.said_later", found.newest)):
        if one is not None and teller.fits(one.value["value"]) and one.value["value"] != value["value"]:
            _told(teller, key, one)

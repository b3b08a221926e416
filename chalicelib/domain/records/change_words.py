"""What became of a record, in one sentence for people: "Metformin: 500 mg became 1,000 mg on May 3, 2027"."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from chalicelib.domain.fhir.text import dump
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.changes import Difference, View
from chalicelib.domain.records.value_words import DATED, Reader

_READING: Final = frozenset({"value", "unit", "comparator", "data_absent_reason", "value_code"})
_WHO: Final[Mapping[str, tuple[str, frozenset[Category]]]] = {
    "prescriber": ("ordered", frozenset({Category.MEDICATION, Category.ORDER})),
    "recorder": ("noted", frozenset({Category.CONDITION, Category.ALLERGY})),
    "authors": (
        "written",
        frozenset({Category.CARE_PLAN, Category.GOAL, Category.DOCUMENT, Category.QUESTIONNAIRE_RESPONSE}),
    ),
    "performers": (
        "done",
        frozenset(
            {
                *{Category.PROCEDURE, Category.IMMUNIZATION, Category.LAB, Category.VITAL, Category.REPORT},
                *{Category.IMAGING, Category.SOCIAL_HISTORY},
            }
        ),
    ),
}
_MOST_NAMES: Final = 2
_UNIT: Final = (
    r"(?:[mkuµn]?c?g|[mµu]?l|%|units?|\[?i?u\]?|m?eq|m?mol|tab(?:let)?s?|cap(?:sule)?s?|puffs?|drops?|sprays?"
    r"|hours?|hrs?|days?|weeks?|times)(?:/[\w.\[\]%]+)?"
)
_AMOUNT: Final = re.compile(rf"(?P<number>\d[\d,]*(?:\.\d+)?)\s?(?P<unit>{_UNIT})(?=[\s,.;)]|$)", re.IGNORECASE)


def added(view: View, at: datetime, reader: Reader) -> str:
    """Of a record that came: when, by whom, and what it says first."""
    detail = reader.reading(view) or view.get("dosage")
    key = "changes.added_with" if detail else "changes.added"
    who = _who(view, (), reader)
    return reader.say(key, title=view["title"], day=reader.day(at), who=who, detail=_stopped(detail or ""))


def removed(view: View, at: datetime, reader: Reader) -> str:
    """Of a record that the clinic says should never have been there."""
    return reader.say("changes.removed_by_mistake", title=view["title"], day=reader.day(at))


def taken_out(category: Category, at: datetime, reader: Reader) -> str:
    """Of a record of which nothing may be said."""
    return reader.say("changes.removed", title=category_words(category, reader), day=reader.day(at))


def category_words(category: Category, reader: Reader) -> str:
    """What a record of a category is called where it has no other name."""
    return reader.say(f"changes.category.{category}")


def changed(before: View, after: View, found: Sequence[Difference], at: datetime, reader: Reader) -> str:
    """Of a record that says something else now: each difference once."""
    subject, phrases = _subject(before, after), list(_phrases(before, after, found, reader))
    phrases = list(dict.fromkeys(phrases))
    key = "changes.changed" if len(phrases) == 1 and ": " not in phrases[0] else "changes.changed_more"
    who = _who(after, [one.field for one in found], reader)
    return reader.say(key, title=subject, what=_stopped("; ".join(phrases)), day=reader.day(at), who=who)


def _stopped(text: str) -> str:
    """What comes before the full stop of a sentence."""
    return text.rstrip(". ")


def _subject(before: View, after: View) -> str:
    """What the sentence is about: of a name in which but an amount differs what comes before the amount."""
    was, is_now = str(before["title"]), str(after["title"])
    amounts = _amounts(was, is_now)
    start = was[: amounts[0].start()].strip(" ,:-(") if amounts else ""
    return start or (was if was != is_now else is_now)


def _who(view: View, differing: Sequence[str], reader: Reader) -> str:
    for field, (verb, categories) in _WHO.items():
        people = view.get(field)
        if view["category"] in categories and people and field not in differing:
            names = [people] if isinstance(people, str) else people[:_MOST_NAMES]
            return reader.say(f"changes.who.{verb}", name=", ".join(names))
    return ""


def _phrases(before: View, after: View, found: Sequence[Difference], reader: Reader) -> Iterator[str]:
    said = {one.field for one in found}
    if said & _READING:
        yield _became(reader.reading(before), reader.reading(after), reader)
    for one in found:
        if one.field in _READING:
            continue
        if one.field == "title":
            yield _narrowed(one, reader) or reader.say("changes.renamed", name=one.after)
        elif one.field == "encounter_id":
            yield reader.say("changes.visit.none" if one.after is None else "changes.visit.other")
        else:
            yield _phrase(one, reader)


def _phrase(one: Difference, reader: Reader) -> str:
    """What differs in one field, with the field's name where the values alone do not say it."""
    if one.field == "dosage" and (amounts := _narrowed(one, reader)):
        return amounts
    name = reader.say(f"changes.field.{one.field}")
    if isinstance(one.before or one.after, list) and isinstance(one.after or [], list):
        members = "; ".join(_of_lists(one.field, one.before or [], one.after or [], reader))
        # The values of a panel have names of their own.
        return members if one.field == "components" else f"{name}: {members}"
    return f"{name}: {_of_values(one, reader)}"


def _of_values(one: Difference, reader: Reader) -> str:
    shown = [None if value is None else reader.value(one.field, value) for value in (one.before, one.after)]
    if shown[0] == shown[1] and (one.field in DATED or one.field == "period"):
        exact = replace(reader, exact=True)
        shown = [None if value is None else exact.value(one.field, value) for value in (one.before, one.after)]
    return _became(shown[0], shown[1], reader)


def _became(before: str | None, after: str | None, reader: Reader) -> str:
    if before is None:
        return reader.say("changes.now", after=after)
    if after is None:
        return reader.say("changes.no_longer", before=before)
    return reader.say("changes.became", before=before, after=after)


def _narrowed(one: Difference, reader: Reader) -> str | None:
    """The amounts alone, where two texts differ in nothing else: `500 mg became 1,000 mg`."""
    if not isinstance(one.before, str) or not isinstance(one.after, str):
        return None
    amounts = _amounts(one.before, one.after)
    if amounts is None:
        return None
    was, is_now = (f"{reader.number(one['number'].replace(',', ''))} {one['unit']}" for one in amounts)
    return reader.say("changes.became", before=was, after=is_now)


def _amounts(before: str, after: str) -> tuple[re.Match[str], re.Match[str]] | None:
    """The one amount in which two texts differ, in each of them; None where they differ otherwise."""
    was, is_now = list(_AMOUNT.finditer(before)), list(_AMOUNT.finditer(after))
    if len(was) != len(is_now) or _AMOUNT.sub("#", before) != _AMOUNT.sub("#", after):
        return None
    differing = [pair for pair in zip(was, is_now, strict=True) if pair[0][0] != pair[1][0]]
    return differing[0] if len(differing) == 1 else None


# --- lists -----------------------------------------------------------------------------------------------------------

_KEYS: Final = ("record_id", "title", "measure", "question", "name", "substance")


def _of_lists(field: str, before: Sequence[Any], after: Sequence[Any], reader: Reader) -> Iterator[str]:
    was, is_now = _by_key(before), _by_key(after)
    for key in was:
        if key in is_now and dump(was[key]) != dump(is_now[key]):
            yield _of_members(was[key], is_now[key], reader)
    if fresh := [is_now[key] for key in is_now if key not in was]:
        yield reader.say("changes.new_ones", these=reader.value(field, fresh))
    if gone := [was[key] for key in was if key not in is_now]:
        yield reader.say("changes.no_longer", before=reader.value(field, gone))


def _by_key(members: Sequence[Any]) -> dict[tuple[str, int], Any]:
    """The members of a list by what they are called, and the how manieth of that name they are."""
    counted = Counter[str]()
    found: dict[tuple[str, int], Any] = {}
    for member in members:
        name = _key_of(member)
        counted[name] += 1
        found[name, counted[name]] = member
    return found


def _key_of(member: Any) -> str:
    if isinstance(member, Mapping):
        return next((str(member[name]) for name in _KEYS if member.get(name)), str(member))
    return str(member)


def _of_members(before: Mapping[str, Any], after: Mapping[str, Any], reader: Reader) -> str:
    """What differs in one member of a list."""
    names = [name for name in dict.fromkeys((*before, *after)) if dump(before.get(name)) != dump(after.get(name))]
    parts = []
    if _READING.intersection(names) and "value" in after:
        parts.append(_became(reader.reading(before), reader.reading(after), reader))
        names = [name for name in names if name not in _READING]
    parts += [_phrase(Difference(name, before.get(name), after.get(name)), reader) for name in names]
    return f"{reader.name_of(after)}: {', '.join(parts)}"

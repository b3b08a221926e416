"""Sentences of answers: the record's, with the records that they speak of, the vocabulary's, or the portal's own."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from chalicelib.domain import cited
from chalicelib.domain.cited import Sentence
from chalicelib.domain.library import coded
from chalicelib.domain.questions.answers import NextStep, StepKind
from chalicelib.domain.records.trends import HELD
from chalicelib.services.questions.finding import Asking, View
from chalicelib.vocabulary import Kind, Section, Term

_DATES: Final = ("occurred_at", "onset", "recorded_at")
_MOST_PARTS: Final = 12
_RANGE_FIELDS: Final = frozenset({"low", "high", "unit"})


def portal(asking: Asking, key: str, **values: object) -> Sentence:
    """A sentence of the portal's own words."""
    return cited.of_portal(asking.reader.say(key, **values), key)


def record(asking: Asking, key: str, *views: View, field: str | None = None, **values: object) -> Sentence:
    """A sentence that says what records say."""
    ids = dict.fromkeys(view["record_id"] for view in views)
    return cited.of_record(asking.reader.say(key, **values), *ids, field=field)


def library(asking: Asking, term: Term, *sections: Section) -> list[Sentence]:
    """What the vocabulary says of a term."""
    return [one for section in sections for one in cited.of_library(term, section, asking.language)]


def name_of(asking: Asking, view: View) -> str:
    """What a record is called: by its term where that is one, else as the clinic calls it."""
    known = coded.find_of(view)
    if known.is_whole and len(known.terms) == 1 and known.terms[0].kind is not Kind.MEDICATION:
        return known.terms[0].texts[asking.language].name
    return str(view["title"])


def day_of(asking: Asking, view: View) -> str | None:
    """The day of a record in words, as exact as the clinic gave it."""
    dates = (view.get(name) for name in _DATES)
    return next((said for one in dates if isinstance(one, str) and (said := asking.reader.time(one))), None)


def values(asking: Asking, view: View) -> Iterator[Sentence]:
    """What a result says: its value, or those of its parts; that it is held back, or that there is none."""
    name, day = name_of(asking, view), day_of(asking, view) or asking.reader.say("ask.no_day")
    if HELD in view:
        yield record(asking, "ask.held", view, field=HELD, name=name, day=day)
        return
    said = asking.reader.reading(view) if "value" in view else None
    if said is not None:
        yield record(asking, "ask.value", view, field="value", name=name, value=said, day=day)
    for part in view.get("components", ())[:_MOST_PARTS]:
        if (reading := asking.reader.reading(part)) is not None:
            about = {"name": name_of(asking, {**part, "category": view["category"]}), "value": reading, "day": day}
            yield record(asking, "ask.value", view, field="components", **about)
    if said is None and not view.get("components"):
        yield record(asking, "ask.no_value", view, name=name, day=day)


def expected(asking: Asking, view: View) -> Iterator[Sentence]:
    """The range that the record has beside a value, or beside each of its parts."""
    parts = [(name_of(asking, view), view)]
    parts += [(name_of(asking, {**one, "category": view["category"]}), one) for one in view.get("components", ())]
    for name, one in parts[:_MOST_PARTS]:
        if (said := range_words(asking, one)) is not None:
            yield record(asking, "ask.range", view, field="reference_range", name=name, range=said)


def range_words(asking: Asking, element: View) -> str | None:
    """The reference range of a value in words."""
    known = element.get("reference_range")
    if not known:
        return None
    if "low" in known or "high" in known:
        return asking.reader.value("reference_range", {name: known[name] for name in _RANGE_FIELDS if name in known})
    said: str | None = known.get("text")
    return said


def library_step(asking: Asking, term: Term) -> NextStep:
    """To read more of a term."""
    said = asking.reader.say("ask.step.library", name=term.texts[asking.language].name)
    return NextStep(StepKind.LIBRARY, said, href=f"/v1/library/{term.slug}")


def search_step(asking: Asking) -> NextStep:
    """To look something up."""
    return NextStep(StepKind.LIBRARY, asking.reader.say("ask.step.search"), href="/v1/library")


def call_step(asking: Asking) -> NextStep:
    """To call the clinic."""
    return NextStep(StepKind.CALL, asking.reader.say("ask.step.call", phone=asking.phone), phone=asking.phone)


def unique(sentences: Iterable[Sentence]) -> tuple[Sentence, ...]:
    """The sentences, each once."""
    return tuple(dict.fromkeys(sentences))


def field_words(value: Any) -> str | None:
    """One text of a field that is a text or a list of them."""
    if isinstance(value, list):
        found = [one if isinstance(one, str) else one.get("name") for one in value]
        return ", ".join(one for one in found if one) or None
    return value if isinstance(value, str) and value else None

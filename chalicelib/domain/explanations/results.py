"""Results: what was measured or found, against its own range and history, and what such a value can mean."""

from typing import Final

from chalicelib.domain.explanations import histories, phrases, standings, urgency
from chalicelib.domain.explanations.standings import Standing, Value
from chalicelib.domain.explanations.teller import Teller
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.view import WITHDRAWN
from chalicelib.vocabulary import Kind, Section, Term

_MEANINGS: Final = {
    Standing.ABOVE: Section.HIGH,
    Standing.BELOW: Section.LOW,
    Standing.POSITIVE: Section.POSITIVE,
    Standing.NEGATIVE: Section.NEGATIVE,
}
"""Which section of a term speaks of a value that stands so."""

_NO_RESULTS: Final = frozenset({WITHDRAWN, "cancelled", "registered"})


def tell(teller: Teller, term: Term | None) -> None:
    """A result's values, one after the other, unless it is none."""
    view = teller.facts.view
    teller.day(view["occurred_at"], "occurred_at")
    if view["status"] in _NO_RESULTS:
        return
    components = view.get("components", ())
    has_value = view.get("value") is not None
    if has_value or not (components or view.get("members")):
        _tell_value(teller, view, term, "")
    for component in components:
        of = urgency.term_of(component)
        _tell_value(teller, component, of, teller.name(of, component["title"]))


def _tell_value(teller: Teller, value: Value, term: Term | None, name: str) -> None:
    said = say_value(teller, value, name)
    if _is_measured(teller, value) and not value.get("unit"):
        teller.record("explain.no_unit", "unit")
    _say_ranges(teller, value)
    _say_mark(teller, value)
    if said:
        mean(teller, value, term)
        histories.tell(teller, value)


def say_value(teller: Teller, value: Value, name: str, of: str | None = None) -> bool:
    """Says a value, of the record or of another one; False where there is none."""
    content, reason = value.get("value"), value.get("data_absent_reason")
    values: dict[str, str] = {}
    if content is None:
        key = "explain.no_value_because" if teller.fits(reason) else "explain.no_value"
        values = {"reason": teller.quote(reason)} if teller.fits(reason) else {}
    elif isinstance(content, bool):
        key = f"explain.answer.{'yes' if content else 'no'}"
    elif isinstance(content, str) and not teller.fits(content):
        key = "explain.long_text"
    else:
        key = "explain.said" if isinstance(content, str) else "explain.value"
        values = {"value": phrases.value_words(value, teller)}
    named = {"name": name} if name else {}
    teller.record(f"{key}_of" if name else key, "value", of=of, **named, **values)
    return content is not None


def _say_ranges(teller: Teller, value: Value) -> None:
    several = value.get("reference_ranges")
    if several:
        for one in several:
            _say_range(teller, one)
        teller.record("explain.range_several", "reference_ranges")
    elif value.get("reference_range"):
        _say_range(teller, value["reference_range"])
        _compare(teller, value)
    elif _is_measured(teller, value):
        teller.record("explain.range_none", "reference_range")


def _is_measured(teller: Teller, value: Value) -> bool:
    """Whether a value is a number of which one expects a unit and a range: an answer to a question is none."""
    is_answer = teller.facts.view["category"] == Category.SOCIAL_HISTORY
    return standings.number_of(value) is not None and not is_answer


def _say_range(teller: Teller, expected: Value) -> None:
    if "low" in expected or "high" in expected:
        group = ", ".join((*expected.get("applies_to", ()), *([expected["kind"]] if expected.get("kind") else [])))
        key, of = ("explain.range_for", {"group": teller.quote(group)}) if group else ("explain.range", {})
        teller.record(key, "reference_range", range=phrases.range_words(expected, teller), **of)
    if teller.fits(expected.get("text")):
        teller.record("explain.range_said", "reference_range", text=teller.quote(expected["text"]))


def _compare(teller: Teller, value: Value) -> None:
    stands = standings.ranged(value)
    if stands is not None:
        teller.record(f"explain.{stands}", "reference_range")
    elif standings.number_of(value) is not None and not standings.is_comparable(value, value["reference_range"]):
        teller.record("explain.range_unit", "reference_range")


def _say_mark(teller: Teller, value: Value) -> None:
    sent = value.get("interpretation")
    if not sent:
        return
    stands = standings.marked(value)
    if standings.is_marked_critical(value):
        teller.record("explain.marked.critical", "interpretation")
    elif stands is not None:
        teller.record(f"explain.marked.{stands}", "interpretation")
    elif teller.fits(sent["text"]):
        teller.record("explain.marked.other", "interpretation", text=teller.quote(sent["text"]))
    if standings.disagree(value):
        teller.portal("explain.disagree")


def mean(teller: Teller, value: Value, term: Term | None) -> None:
    """What such a value can mean, as the vocabulary has it."""
    section = _MEANINGS.get(standings.standing(value) or Standing.WITHIN)
    if term is not None and term.kind is Kind.TEST and section is not None:
        teller.library(term, section)

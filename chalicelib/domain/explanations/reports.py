"""Reports and panels: how many of their results lie in their range, and which do not, by name.

What a report concludes is not retold: it stands in the record as somebody wrote it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from chalicelib.domain.explanations import phrases, results, standings, urgency
from chalicelib.domain.explanations.standings import Standing, Value
from chalicelib.domain.explanations.teller import Teller
from chalicelib.domain.library import coded
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.changes import View
from chalicelib.domain.records.trends import HELD
from chalicelib.domain.records.view import WITHDRAWN
from chalicelib.vocabulary import Kind, Term, terms

_MOST_NAMED: Final = 20
_MOST_LINKED: Final = 10
_LONGEST_NAME: Final = 6
_FEWEST_LETTERS: Final = 4
_RARE: Final = 10
"""Letters of a name that is no everyday word: "bands" and "race" are."""
_NO_RESULTS: Final = frozenset({WITHDRAWN, "cancelled"})
_OUTSIDE: Final = frozenset({Standing.ABOVE, Standing.BELOW, Standing.ABNORMAL, Standing.POSITIVE})
_LOOKED_UP: Final = frozenset({Kind.CONDITION, Kind.PROCEDURE, Kind.TEST})
"""What the words of a conclusion are looked up among."""


def results_of(teller: Teller) -> list[View]:
    """The results that a report or a panel names, and that its reader sees."""
    return [
        one for one in teller.facts.linked if one["resource_type"] == "Observation" and one["status"] not in _NO_RESULTS
    ]


def tell(teller: Teller) -> None:
    """The results of a report or a panel."""
    found = results_of(teller)
    held = [one for one in found if HELD in one]
    shown = [one for one in found if HELD not in one]
    if shown:
        _count(teller, "explain.report.results", shown)
        _tell_standings(teller, shown)
    if held:
        _count(teller, "explain.report.held", held)
    if any(link.get("record_id") is None for link in _links(teller.facts.view)):
        teller.record("explain.report.to_come", "results")


def _links(view: View) -> Sequence[Value]:
    return (*view.get("results", ()), *view.get("members", ()))


def _tell_standings(teller: Teller, shown: list[View]) -> None:
    """How many results stand well, those that do not by name, and of how many nothing can be said."""
    stands = {one["record_id"]: [(value, standings.standing(value)) for value in _values(one)] for one in shown}
    worst = {record_id: _worst(standing for _, standing in values) for record_id, values in stands.items()}
    for fine in (Standing.WITHIN, Standing.NEGATIVE):
        _count(teller, f"explain.report.{fine}", [one for one in shown if worst[one["record_id"]] is fine])
    each = [(one, value, standing) for one in shown for value, standing in stands[one["record_id"]]]
    _name_all(teller, [(one, value) for one, value, standing in each if standing in _OUTSIDE])
    if teller.facts.view["category"] != Category.SOCIAL_HISTORY:
        # Of answers nobody expects a range.
        _count(teller, "explain.report.no_range", [one for one in shown if worst[one["record_id"]] is None])
    _name_all(teller, [(one, value) for one, value, standing in each if standing is None and "members" not in one])


def _worst(found: Iterable[Standing | None]) -> Standing | None:
    """How a result stands whose values stand so."""
    all_found = list(found)
    outside = next((standing for standing in all_found if standing in _OUTSIDE), None)
    return outside or (None if None in all_found else all_found[0])


def _values(view: View) -> Iterator[Value]:
    """A result's own value, or those of its components."""
    if view.get("value") is not None or not view.get("components"):
        yield view
    yield from view.get("components", ())


def _count(teller: Teller, key: str, counted: Sequence[View]) -> None:
    ids = list(dict.fromkeys(one["record_id"] for one in counted))
    if ids:
        teller.record(key, "results", *ids, count=len(ids))


def _name_all(teller: Teller, found: Sequence[tuple[View, Value]]) -> None:
    """Values by their plain names; by those of the record where several have one plain name."""
    terms_of = [urgency.term_of(value) for _, value in found[:_MOST_NAMED]]
    for (one, value), term in zip(found, terms_of, strict=False):
        _name(teller, one, value, teller.name(term if terms_of.count(term) == 1 else None, value["title"]))


def _name(teller: Teller, one: View, value: Value, name: str) -> None:
    """A value of a result by name, and how it stands where that can be said."""
    standing = standings.standing(value)
    if standing is None or not _is_short(value.get("value")):
        results.say_value(teller, value, name, of=one["record_id"])
    else:
        said = phrases.value_words(value, teller)
        teller.record(_key(value), "value", of=one["record_id"], name=name, value=said)


def _is_short(content: object) -> bool:
    """Whether a value says in a few words what was measured, so that more can be said in its sentence."""
    return content is not None and not isinstance(content, str | bool)


def _key(value: Value) -> str:
    """The words for a value that stands outside: of its range, or by the clinic's mark."""
    by_range = standings.ranged(value)
    return f"explain.report.{by_range}" if by_range else f"explain.report.marked.{standings.standing(value)}"


def tell_conclusion(teller: Teller) -> None:
    """That a report has a conclusion, and who can tell more of it; terms whose names stand in it are linked on."""
    view = teller.facts.view
    if not view.get("conclusion"):
        return
    teller.record("explain.report.conclusion", "conclusion")
    teller.portal("explain.report.ask")
    for term in named_in(str(view["conclusion"])):
        teller.terms.setdefault(term.slug, term)


def named_in(text: str) -> list[Term]:
    """The terms whose names stand in a text, word by word. That a name stands there says nothing of the patient."""
    spoken, names = coded.key_of(text).split(), _names()
    runs = (
        " ".join(spoken[start : start + length])
        for start in range(len(spoken))
        for length in range(1, min(_LONGEST_NAME, len(spoken) - start) + 1)
    )
    return list({term.slug: term for run in runs if (term := names.get(run))}.values())[:_MOST_LINKED]


@lru_cache(maxsize=1)
def _names() -> Mapping[str, Term]:
    """Terms by what they are called; by their other names where those are no everyday words."""
    found = {}
    for term in terms().values():
        for text in term.texts.values():
            others = (coded.key_of(name) for name in text.also)
            for name in (coded.key_of(text.name), *(name for name in others if len(name) >= _RARE)):
                if term.kind in _LOOKED_UP and len(name) >= _FEWEST_LETTERS:
                    found[name] = term
    return found

"""Every record of the shared data and of the sample clinic, explained in every language, against what was sent.

`-s` prints how many of the coded records of each category the vocabulary covers.
"""

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from chalicelib import vocabulary, words
from chalicelib.domain import advice
from chalicelib.domain.cited import Sentence, SourceKind
from chalicelib.domain.explanations.shapes import Explanation
from chalicelib.vocabulary import Section
from infra.sample import BUNDLES
from tests.support import reading
from tests.support.explaining import PHONE, Chart, charts_of, numbers_in

COVERAGE_GOAL = 0.95
"""Of the coded records of each category that has twenty or more, and of all of them."""

DATA = Path(__file__).parents[2].parent / "shared" / "data"
_ENOUGH = 20
_NOT_COVERED = {"explain.no_text", "explain.no_text_for_all", "explain.allergy.no_text"}
_QUOTED = re.compile("“[^”]*”")


def _charts() -> Iterator[Chart]:
    yield from charts_of(sorted(BUNDLES.glob("*.json")))
    yield from charts_of(sorted(DATA.glob("synthea/*_*.json")))
    yield from charts_of(sorted(DATA.glob("us-core/*.json")), together=True)


@pytest.fixture(scope="module")
def charts() -> list[Chart]:
    return list(_charts())


@pytest.fixture(scope="module", params=words.languages())
def explained(charts: list[Chart], request: pytest.FixtureRequest) -> list[tuple[Chart, str, Explanation]]:
    found = [(chart, one, chart.explain(one, request.param)) for chart in charts for one in chart.views]
    assert len(found) > 500
    return found


def test_every_sentence_says_where_it_comes_from(explained: list[tuple[Chart, str, Explanation]]) -> None:
    wrong = [
        (one.title, sentence.text)
        for chart, record_id, one in explained
        for sentence in (*one.sentences, *one.questions)
        if not _is_cited(sentence, chart, record_id, one.language)
    ]
    assert wrong == []


def _is_cited(sentence: Sentence, chart: Chart, record_id: str, language: str) -> bool:
    source = sentence.source
    if source.kind is SourceKind.LIBRARY:
        term = vocabulary.terms()[source.id]
        said = term.texts[language].sections[Section(source.section or "")]
        return sentence.text in said and source.version == term.version
    if source.kind is SourceKind.PORTAL:
        return source.id in words.catalogue(language) and sentence.record_ids == ()
    near = {record_id, *chart.near(record_id)}
    return source.id == sentence.record_ids[0] and set(sentence.record_ids) <= near and bool(source.section)


def test_every_number_is_one_of_the_records_that_the_sentence_names(
    explained: list[tuple[Chart, str, Explanation]],
) -> None:
    names = {
        text.name: ""
        for term in vocabulary.terms().values()
        for text in term.texts.values()
        if re.search(r"\d", text.name)
    }
    wrong, counted = [], 0
    for chart, _, one in explained:
        for sentence in one.sentences:
            if sentence.source.kind is SourceKind.RECORD:
                told = numbers_in(sentence.text, names)
                counted += len(told)
                known = chart.numbers(sentence.record_ids) | {str(len(sentence.record_ids) - 1)}
                wrong += [(sentence.text, number) for number in told if number not in known]
    print(f"\n{counted} numbers, {len(wrong)} that differ")
    assert counted > 1000
    assert wrong == []


def test_the_value_is_told_with_the_digits_that_were_sent(explained: list[tuple[Chart, str, Explanation]]) -> None:
    seen = 0
    for chart, record_id, one in explained:
        value = chart.sent[record_id].get("valueQuantity", {}).get("value")
        if value is not None and chart.views[record_id]["status"] == "final":
            seen += 1
            told = [numbers_in(sentence.text, {}) for sentence in one.sentences if sentence.source.section == "value"]
            assert any(f"{Decimal(value):f}" in numbers for numbers in told), (record_id, value)
    assert seen > 200


def test_nothing_but_the_record_and_the_phone_has_numbers(explained: list[tuple[Chart, str, Explanation]]) -> None:
    for _, _, one in explained:
        for sentence in one.sentences:
            if sentence.source.kind is SourceKind.PORTAL:
                said = sentence.text.replace(PHONE, "").replace("911", "")
                names = [term.texts[one.language].name for term in one.terms]
                assert not re.search(r"\d", _without(said, names)), sentence.text


def _without(said: str, names: list[str]) -> str:
    for name in names:
        said = said.replace(name, "")
    return said


def test_every_explanation_reads_at_grade_six_by_two_measures(explained: list[tuple[Chart, str, Explanation]]) -> None:
    hard = Counter[str]()
    for _, _, one in explained:
        if one.reading_grade > reading.HIGHEST_GRADE:
            hard[f"{one.title}: {one.reading_grade}"] += 1
        names = {one.title: "it"} | {term.texts[one.language].name: "it" for term in one.terms}
        said = reading.cleaned(_QUOTED.sub("it", " ".join(_plain(one))), names)
        if (grade := reading.grade(said, one.language)) > reading.HIGHEST_GRADE:
            hard[f"{one.title}: {grade:.1f} by textstat"] += 1
    assert dict(hard) == {}


def _plain(one: Explanation) -> Iterator[str]:
    """What an explanation says in words of the portal's own choice: names of results stand before a colon."""
    for sentence in (*one.sentences, *one.questions):
        yield re.sub(r"^[^:]+: (?=the |el |en |este |this )", "It: ", sentence.text)


def test_no_explanation_diagnoses_or_says_anything_on_a_dose(
    explained: list[tuple[Chart, str, Explanation]],
) -> None:
    for _, _, one in explained:
        for sentence in (*one.sentences, *one.questions):
            said = _QUOTED.sub("", sentence.text)
            if sentence.source.kind is SourceKind.RECORD:
                continue
            assert advice.found_in(said, one.language) == [], said


def test_only_critical_values_are_urgent(explained: list[tuple[Chart, str, Explanation]]) -> None:
    urgent = Counter[str]()
    for _, _, one in explained:
        warned = [s for s in one.sentences if s.source.id.startswith("explain.urgent.")]
        told = [s for s in one.sentences if s.source.section == Section.URGENT and _is_of_a_test(s, one.language)]
        assert bool(warned) >= one.is_urgent
        assert bool(warned) >= bool(told)
        if warned:
            assert one.sentences[0].source.section in {"value", "interpretation"}
            urgent[one.title] += 1
    print(f"\nurgent: {dict(urgent)}")


def _is_of_a_test(sentence: Sentence, language: str) -> bool:
    """Whether a warning is a test's; those of questions about harming oneself are told to whoever is asked."""
    term = vocabulary.terms()[sentence.source.id]
    return term.kind is vocabulary.Kind.TEST and "988" not in str(term.texts[language].sections[Section.URGENT])


def test_what_is_not_covered_says_so_and_whom_to_ask(explained: list[tuple[Chart, str, Explanation]]) -> None:
    for _, _, one in explained:
        keys = {sentence.source.id for sentence in one.sentences}
        assert ("explain.ask" in keys) == (not one.covered)
        assert bool(keys & _NOT_COVERED) == (not one.covered)
        assert one.questions
        assert one.sentences


def test_the_vocabulary_covers_what_occurs(charts: list[Chart]) -> None:
    found, missing = Counter[tuple[str, bool]](), Counter[tuple[str, str]]()
    for chart in charts:
        for record_id, shown in chart.views.items():
            if shown["code"]:
                covered = chart.explain(record_id, words.DEFAULT).covered
                found[shown["category"], covered] += 1
                if not covered:
                    missing[shown["category"], f"{shown['title']} ({shown['code']['code']})"] += 1
    categories = sorted({category for category, _ in found})
    shares = {one: found[one, True] / (found[one, True] + found[one, False]) for one in categories}
    print()
    for one in categories:
        print(f"{one:<24}{found[one, True]:>6} of {found[one, True] + found[one, False]:>6}  {shares[one]:>7.1%}")
    print("\n".join(f"  missing: {count} {category}: {what}" for (category, what), count in missing.most_common(60)))
    of_all = sum(found[one, True] for one in categories) / found.total()
    print(f"{'all':<24}{of_all:>24.1%}")
    frequent = {one: shares[one] for one in categories if found[one, True] + found[one, False] >= _ENOUGH}
    assert of_all >= COVERAGE_GOAL
    assert {one: share for one, share in frequent.items() if share < COVERAGE_GOAL} == {}

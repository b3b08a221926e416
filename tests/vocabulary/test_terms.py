"""The vocabulary's files: each is right by itself, all are right together, and the checker finds what is wrong."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib import vocabulary, words
from chalicelib.vocabulary import SYSTEMS, Kind, sources
from infra.build import vocabulary as checker
from tests.support import reading

FILES = sorted(checker.FOLDER.glob("*/*.json"))
AT_LEAST = {Kind.CONDITION: 150, Kind.MEDICATION: 150, Kind.PROCEDURE: 60}
LAB_AND_VITAL_CODES = 150


def test_no_file_has_anything_wrong() -> None:
    wrong = {path.name: found for path in FILES if (found := checker.problems(path))}
    assert wrong == {}
    assert len(FILES) == len(vocabulary.terms())


def test_no_two_terms_claim_a_code_or_a_name() -> None:
    assert checker.claimed_twice(vocabulary.terms()) == []


@pytest.mark.parametrize("language", words.languages())
def test_every_term_reads_at_grade_six_by_an_independent_measure(language: str) -> None:
    hard = {}
    for term in vocabulary.terms().values():
        said = " ".join(sentence for part in term.texts[language].sections.values() for sentence in part)
        if (grade := reading.grade(said, language)) > reading.HIGHEST_GRADE:
            hard[term.slug] = round(grade, 1)
    assert hard == {}


def test_there_are_as_many_terms_as_were_asked_for() -> None:
    kinds = Counter(term.kind for term in vocabulary.terms().values())
    codes = Counter(one.system for term in vocabulary.terms().values() if term.kind is Kind.TEST for one in term.codes)
    assert {kind: kinds[kind] for kind in AT_LEAST if kinds[kind] < AT_LEAST[kind]} == {}
    assert codes[SYSTEMS["loinc"]] >= LAB_AND_VITAL_CODES


def test_every_term_leads_to_a_source_in_every_language() -> None:
    for term in vocabulary.terms().values():
        for language in words.languages():
            assert all(link.url.startswith("https://") for link in sources.links(term, language))
            assert sources.links(term, language), term.slug


def _changed(file: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(file))
    change(copied)
    return copied


def _say(file: dict[str, Any], section: str, *sentences: str, language: str = "en") -> None:
    file[language][section] = list(sentences)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda file: file.pop("sources"), '"sources" is missing'),
        (lambda file: file.update(sources=[]), '"sources" has to name'),
        (lambda file: file.update(dose="1"), '"dose" is no field'),
        (lambda file: file.update(reviewed_on="yesterday"), '"reviewed_on" has to be a date'),
        (lambda file: file.update(reviewed_by="robot"), '"reviewed_by" has to be'),
        (lambda file: file["codes"].append({"code": "1"}), "is no code"),
        (lambda file: file.update(codes=[]), "medlineplus is a source of terms that have"),
        (lambda file: file.update(critical={"unit": "mg/dL", "high": "1"}), '"critical" belongs to tests'),
        (lambda file: file["es"].pop("next"), 'es: "next" is missing'),
        (lambda file: file["es"].pop("why"), "the same sections"),
        (lambda file: file["en"].update(dose=["x."]), '"dose" is no section'),
        (lambda file: _say(file, "what", "It is a thing"), "full stop"),
        (lambda file: _say(file, "what", "One. Two."), "not one sentence"),
        (lambda file: _say(file, "what", "What is it?"), "questions stand in ask"),
        (lambda file: _say(file, "what", "Most people have 3 of them."), "a number of its own"),
        (lambda file: _say(file, "what", "It is <b>bold</b>."), "has a mark"),
        (lambda file: _say(file, "what", "You have asthma."), "sounds like a diagnosis"),
        (lambda file: _say(file, "next", "Take two puffs."), "advice on a dose"),
        (lambda file: _say(file, "next", "Stop taking it."), "advice on a dose"),
        (lambda file: _say(file, "next", "Tome más pastillas.", language="es"), "advice on a dose"),
        (lambda file: _say(file, "what", *["It is so."] * 5), "more than 4 sentences"),
        (lambda file: _say(file, "what", f"It is {'so ' * 20}."), "more than 20 words"),
        (
            lambda file: _say(
                file, "what", *["Considerable bronchial hyperresponsiveness necessitates medication."] * 4
            ),
            "reads at grade",
        ),
    ],
)
def test_the_checker_says_what_is_wrong(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    path = tmp_path / "conditions" / "asthma.json"
    path.parent.mkdir()
    right = json.loads((checker.FOLDER / "conditions" / "asthma.json").read_text("utf-8"))
    path.write_text(json.dumps(right), "utf-8")
    assert checker.problems(path) == []
    path.write_text(json.dumps(_changed(right, change)), "utf-8")
    assert any(problem in found for found in checker.problems(path)), checker.problems(path)


def test_a_file_that_is_no_json_or_lies_elsewhere_is_told(tmp_path: Path) -> None:
    for place, text, problem in (
        ("conditions/asthma.json", "{", "this is no JSON"),
        ("poems/asthma.json", "{}", "folder of its kind"),
        ("conditions/Asthma 2.json", "{}", "folder of its kind"),
    ):
        path = tmp_path / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        assert any(problem in found for found in checker.problems(path))


def test_to_say_that_something_must_not_be_stopped_is_no_advice_on_a_dose(tmp_path: Path) -> None:
    path = tmp_path / "conditions" / "asthma.json"
    path.parent.mkdir()
    file = json.loads((checker.FOLDER / "conditions" / "asthma.json").read_text("utf-8"))
    _say(file, "next", "Do not stop taking it on your own.", "Call us if you have questions.")
    path.write_text(json.dumps(file), "utf-8")
    assert checker.problems(path) == []

"""The library over HTTP: whoever may read it, what is found, and what an answer carries."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib import vocabulary
from chalicelib.domain.library import coded
from chalicelib.vocabulary import Kind
from tests.support.portal import Answer, Portal

LOINC = "http://loinc.org"


def library(portal: Portal, tongue: str = "en", /, **query: str | int) -> Answer:
    return portal.call("GET", f"/v1/library?{urlencode(query)}", headers={"Accept-Language": tongue})


def read(portal: Portal, slug: str, language: str = "en") -> Answer:
    return portal.call("GET", f"/v1/library/{slug}", headers={"Accept-Language": language})


def slugs(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.text
    return [item["slug"] for item in answer.json["items"]]


def pages(portal: Portal, **query: str | int) -> Iterator[dict[str, Any]]:
    answer = library(portal, **query)
    yield from answer.json["items"]
    while cursor := answer.json["next_cursor"]:
        answer = library(portal, **query, cursor=cursor)
        assert answer.status == 200, answer.text
        yield from answer.json["items"]


def test_anybody_may_read_it_and_a_cache_may_keep_it(portal: Portal) -> None:
    for answer in (library(portal), read(portal, "asthma")):
        assert answer.status == 200
        assert answer.header("cache-control") == "public, max-age=3600"
        assert "Accept-Language" in (answer.header("vary") or "")


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_walk_through_all_pages_meets_every_term_once_in_the_order_of_names(portal: Portal, language: str) -> None:
    answer = library(portal, language, limit=100)
    names = [item["name"] for item in answer.json["items"]]
    assert names == sorted(names, key=coded.key_of)
    assert answer.header("content-language") == language
    walked = [item["slug"] for item in pages(portal, limit=37)]
    assert sorted(walked) == sorted(vocabulary.terms())


def test_every_letter_leads_to_the_terms_that_begin_with_it(portal: Portal) -> None:
    letters = library(portal).json["letters"]
    found = {letter: [item["name"] for item in pages(portal, letter=letter, limit=100)] for letter in letters}
    assert sum(len(names) for names in found.values()) == len(vocabulary.terms())
    assert all(coded.key_of(name)[0].upper() == letter for letter in letters for name in found[letter] if letter != "#")
    assert slugs(library(portal, letter="a")) == slugs(library(portal, letter="A"))


def test_accents_stand_under_their_letter(portal: Portal) -> None:
    assert all(letter.isascii() for letter in library(portal, "es").json["letters"])


@pytest.mark.parametrize(
    ("typed", "language", "slug"),
    [
        ("asthma", "en", "asthma"),
        ("asthm", "en", "asthma"),
        ("ashtma", "en", "asthma"),
        ("azma bronquial", "es", "asthma"),
        ("LISINOPRIL 10 MG", "en", "lisinopril"),
        ("lisinoprl", "es", "lisinopril"),
        ("zestril", "en", "lisinopril"),
        ("colonscopy", "en", "colonoscopy"),
        ("colonoscopía", "es", "colonoscopy"),
        ("hba1c", "en", "hemoglobin-a1c"),
        ("average blood sugar", "en", "hemoglobin-a1c"),
        ("hemoglobina a1c", "en", "hemoglobin-a1c"),
        ("asthma xyzzyq", "en", "asthma"),
    ],
)
def test_what_people_type_is_found_first(portal: Portal, typed: str, language: str, slug: str) -> None:
    assert slugs(library(portal, language, q=typed))[:1] == [slug]


@pytest.mark.parametrize("typed", ["xyzzyq", "???", "1", "the of and"])
def test_what_is_no_name_finds_nothing(portal: Portal, typed: str) -> None:
    assert slugs(library(portal, q=typed)) == []


def test_only_terms_of_a_kind_and_only_its_letters(portal: Portal) -> None:
    answer = library(portal, kind="medication", limit=100)
    assert {item["kind"] for item in answer.json["items"]} == {"medication"}
    assert set(answer.json["letters"]) <= set(library(portal).json["letters"])


def test_a_code_of_a_record_leads_to_its_term(portal: Portal) -> None:
    assert slugs(library(portal, code=f"{LOINC}|4548-4")) == ["hemoglobin-a1c"]
    assert slugs(library(portal, code="http://hl7.org/fhir/sid/icd-10-cm|J45.909")) == ["asthma"]
    assert slugs(library(portal, code=f"{LOINC}|0000-0")) == []
    assert slugs(library(portal, code="4548-4")) == []


@pytest.mark.parametrize("query", [{"letter": "ab"}, {"kind": "poem"}, {"q": ""}, {"limit": "0"}, {"cursor": "x"}])
def test_a_query_that_makes_no_sense_is_refused(portal: Portal, query: dict[str, str]) -> None:
    assert library(portal, **query).status in {400, 422}


def test_a_cursor_is_good_for_its_own_query_alone(portal: Portal) -> None:
    cursor = library(portal, limit=1).json["next_cursor"]
    assert library(portal, limit=1, kind="test", cursor=cursor).status == 400


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_term_is_read_whole_with_its_review_and_its_sources(portal: Portal, language: str) -> None:
    term, answer = vocabulary.terms()["asthma"], read(portal, "asthma", language)
    text = term.texts[language]
    assert answer.json["name"] == text.name
    assert [(part["section"], part["sentences"]) for part in answer.json["sections"]] == [
        (section, list(said)) for section, said in text.sections.items()
    ]
    assert all(part["title"] for part in answer.json["sections"])
    assert answer.json["reading_grade"] <= 6
    assert (answer.json["version"], answer.json["reviewed_by"]) == (term.version, term.reviewed_by)
    assert answer.json["links"] == [
        {
            "title": {"en": "MedlinePlus", "es": "MedlinePlus en español"}[language],
            "url": "https://connect.medlineplus.gov/application?mainSearchCriteria.v.cs=2.16.840.1.113883.6.96"
            f"&mainSearchCriteria.v.c=195967001&informationRecipient.languageCode.c={language}",
        }
    ]


@pytest.mark.parametrize("slug", ["asthmatic", "Asthma", "..%2Fasthma", "asthma.json"])
def test_a_term_that_is_not_there_is_not_found(portal: Portal, slug: str) -> None:
    assert read(portal, slug).status == 404


def test_every_term_can_be_read_in_every_language(portal: Portal) -> None:
    for slug, term in vocabulary.terms().items():
        for language, text in term.texts.items():
            answer = read(portal, slug, language)
            assert (answer.status, answer.json["name"]) == (200, text.name)


def test_the_library_has_what_the_issue_of_it_asks_for() -> None:
    kinds = [term.kind for term in vocabulary.terms().values()]
    assert set(kinds) == set(Kind)

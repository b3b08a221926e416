"""The library: tests, conditions and treatments in plain words, for everybody."""

from typing import Any

from chalicelib import errors, words
from chalicelib.auth import cursors
from chalicelib.domain import reading
from chalicelib.domain.access import PUBLIC
from chalicelib.domain.clinic_settings import Feature
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import library as shapes
from chalicelib.services import library
from chalicelib.services.library import Wanted
from chalicelib.vocabulary import Section, Term, sources

routes = Routes(__name__)

_CACHED = {"Cache-Control": "public, max-age=3600"}


@routes.get("/v1/library", PUBLIC, feature=Feature.EXPLANATIONS, answer=shapes.LibraryPage)
def list_library(call: Call, query: shapes.LibraryQuery) -> Answer:
    """Browse the library by letter, or search it; words may be misspelt."""
    wanted = Wanted(query.letter, query.q, query.kind, query.code)
    found = library.find(wanted, call.language)
    binding = call.binding(filters=repr(wanted), language=call.language)
    begin = int(cursors.unseal(query.cursor, binding)[0]) if query.cursor is not None else 0
    end = begin + query.limit
    body = shapes.LibraryPage(
        items=[shapes.LibraryItem(**_item(term, call.language)) for term in found[begin:end]],
        letters=library.find_letters(query.kind, call.language),
        next_cursor=cursors.seal([str(end)], binding) if len(found) > end else None,
    )
    return Answer(body, headers=_CACHED)


@routes.get(
    "/v1/library/{slug}",
    PUBLIC,
    feature=Feature.EXPLANATIONS,
    answer=shapes.LibraryTerm,
    errors=(errors.NotFound,),
)
def read_library(call: Call) -> Answer:
    """Read what the library says about one test, condition or treatment."""
    term = library.read(path_id(call, "slug"))
    text = term.texts[call.language]
    said = " ".join(sentence for sentences in text.sections.values() for sentence in sentences)
    body = shapes.LibraryTerm(
        **_item(term, call.language),
        language=call.language,
        sections=[
            shapes.LibrarySection(section=section, title=title_of(section, call.language), sentences=list(sentences))
            for section, sentences in text.sections.items()
        ],
        reading_grade=reading.grade(said, call.language),
        codes=[shapes.LibraryCode(system=one.system, code=one.code, display=one.display) for one in term.codes],
        links=[shapes.LibraryLink(title=link.title, url=link.url) for link in sources.links(term, call.language)],
        version=term.version,
        reviewed_on=term.reviewed_on,
        reviewed_by=term.reviewed_by,
    )
    return Answer(body, headers=_CACHED)


def title_of(section: Section, language: str) -> str:
    """The heading over a section of a term's text."""
    return words.say(f"library.section.{section}", language)


def _item(term: Term, language: str) -> dict[str, Any]:
    text = term.texts[language]
    return {
        "slug": term.slug,
        "kind": term.kind,
        "name": text.name,
        "also": list(text.also),
        "summary": text.sections[Section.WHAT][0],
        "url": f"/v1/library/{term.slug}",
    }

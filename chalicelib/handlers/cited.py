"""Sentences with their sources, and links to the library, as the API shows them wherever they stand."""

from collections.abc import Iterable
from typing import Final, cast
from urllib.parse import quote

from chalicelib.domain.cited import Sentence, Source, SourceKind
from chalicelib.schemas import cited as shapes
from chalicelib.vocabulary import Term

_IDS: Final = {SourceKind.RECORD: "record_id", SourceKind.LIBRARY: "slug", SourceKind.PORTAL: "key"}


def sentence(one: Sentence) -> shapes.CitedSentence:
    """A sentence as the API shows it."""
    return shapes.CitedSentence(text=one.text, source=_source(one.source), record_ids=list(one.record_ids))


def _source(one: Source) -> shapes.SentenceSource:
    url = library_url(one.id) if one.kind is SourceKind.LIBRARY else None
    named = {"kind": str(one.kind), _IDS[one.kind]: one.id, "section": one.section, "version": one.version, "url": url}
    return cast("shapes.SentenceSource", {name: value for name, value in named.items() if value is not None})


def term_links(terms: Iterable[Term], language: str) -> list[shapes.TermLink]:
    """Links to terms of the library."""
    return [
        {"slug": term.slug, "name": term.texts[language].name, "kind": term.kind, "url": library_url(term.slug)}
        for term in terms
    ]


def library_url(slug: str) -> str:
    """Where the library has a term."""
    return f"/v1/library/{quote(slug)}"

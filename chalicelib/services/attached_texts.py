"""The texts that came with documents and reports, out of the resources as they were sent."""

import base64
import binascii
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, Final

from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.records.categories import Category

_KINDS: Final = frozenset({"text/plain", "text/html", "application/xhtml+xml"})
_UNSEEN: Final = frozenset({"script", "style", "title", "template"})
_CELLS: Final = frozenset({"td", "th"})
_LINES: Final = frozenset(
    {"p", "div", "br", "li", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "hr"}
)

CARRIED_BY: Final = frozenset({Category.DOCUMENT, Category.REPORT})


def of(resource: Resource) -> list[str]:
    """The texts of a document or a report, in its order, web pages without markup; what is no text is left out."""
    parts = [*(resource.get("presentedForm") or ()), *(one.get("attachment") for one in resource.get("content") or ())]
    found = (_text(part) for part in parts if isinstance(part, Mapping))
    return [one for one in found if one]


def _text(attachment: Mapping[str, Any]) -> str | None:
    kind, data = str(attachment.get("contentType") or "").partition(";")[0].strip().lower(), attachment.get("data")
    if kind not in _KINDS or not isinstance(data, str):
        return None
    try:
        body = base64.b64decode(data, validate=False)
    except binascii.Error:
        return None
    words = body.decode("utf-8", errors="replace")
    return (_without_markup(words) if kind != "text/plain" else words.strip()) or None


def _without_markup(page: str) -> str:
    """The words of a web page, each paragraph on a line of its own."""
    reader = _Words()
    reader.feed(page)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)


class _Words(HTMLParser):
    """Collects what a reader of a page would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  HTMLParser's.
        self.unseen += tag in _UNSEEN
        self.parts.append("\n" if tag in _LINES else " " if tag in _CELLS else "")

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in _UNSEEN and self.unseen > 0
        self.parts.append("\n" if tag in _LINES else "")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            # A line break between two words of a paragraph is a space.
            self.parts.append(data.replace("\n", " "))

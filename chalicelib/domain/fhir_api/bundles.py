"""Bundles that searches answer (https://hl7.org/fhir/R4/bundle.html#searchset): JSON text of parts that are ready."""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.fhir.text import dump


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a Bundle as JSON text: `mode` is why it is there (match, include, outcome)."""

    body: str
    mode: str
    full_url: str | None = None


def searchset(entries: Iterable[Entry], links: Iterable[tuple[str, str]], total: int | None) -> str:
    """A searchset; `links` are (relation, URL)."""
    head: dict[str, object] = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        head["total"] = total
    head["link"] = [{"relation": relation, "url": url} for relation, url in links]
    listed = ",".join(map(_entry, entries))
    text = dump(head).decode()
    # An empty list is no FHIR.
    return f'{text[:-1]},"entry":[{listed}]}}' if listed else text


def _entry(entry: Entry) -> str:
    url = f'"fullUrl":{dump(entry.full_url).decode()},' if entry.full_url else ""
    return f'{{{url}"resource":{entry.body},"search":{{"mode":"{entry.mode}"}}}}'

"""Values inside of results, such as the two of a blood pressure: noted by code, so that a trend finds them."""

from collections.abc import Iterable, Iterator

from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.records import elements
from chalicelib.domain.records.keys import code_part
from chalicelib.models import panels
from chalicelib.models.records import Record
from chalicelib.services.imports.plan import Planned
from chalicelib.services.imports.resolve import Resolver


def note_values(planned: Iterable[Planned], resolver: Resolver) -> None:
    """Note the codes of values inside of results, each once in an import: few, however many results there are.

    It comes before the results themselves, so that no trend misses one that is stored.
    """
    for one in planned:
        if one.kind is Record and one.entry.type == "Observation":
            for member, panel in _codes(one.entry.resource):
                if (one.owner, member, panel) not in resolver.noted:
                    panels.put(one.owner, member, panel)
                    resolver.noted.add((one.owner, member, panel))


def _codes(observation: Resource) -> Iterator[tuple[str, str]]:
    panel = _code(observation)
    for component in observation.get("component") or ():
        member = _code(component)
        if panel and member and member != panel:
            yield member, panel


def _code(element: Resource) -> str | None:
    """A code as the keys of rows have it."""
    code = elements.first_code(element.get("code"))
    return code_part(code["system"] or "", code["code"]) if code and code["code"] else None

"""FHIR R4, to read (https://hl7.org/fhir/R4/http.html): within the same rights as everything else.

Every answer is FHIR, a refusal an OperationOutcome; what API Gateway itself would answer under this path is served to
be refused, where a path can name it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from chalice.app import Request, Response

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import PUBLIC, resource
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.fhir.text import dump
from chalicelib.domain.fhir_api import bundles, capability, outcomes
from chalicelib.domain.fhir_api.bundles import Entry
from chalicelib.domain.fhir_api.names import BASE_PATH, MEDIA_TYPE, local
from chalicelib.domain.fhir_api.search import Search, WrongSearch, read_search
from chalicelib.domain.fhir_api.served import EVERYTHING, SERVED, Served
from chalicelib.handlers import fhir_refusals, requests
from chalicelib.handlers.fhir_refusals import METHODS
from chalicelib.handlers.operations import Operation
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import fhir_api as shapes
from chalicelib.services.fhir_api import everything, reading, searching
from chalicelib.services.fhir_api.results import Results, base_url
from chalicelib.services.fhir_api.sights import Asker
from chalicelib.services.fhir_api.versions import Version
from chalicelib.settings import settings

_TYPE = f"{BASE_PATH}/{{resource_type}}"
_ONE = f"{_TYPE}/{{resource_id}}"
_POLICY = resource()
_SHAPE: dict[str, Any] = {
    "answer_type": MEDIA_TYPE,
    "answer_schema": {"type": "object", "required": ["resourceType"]},
    "errors": (errors.NotFound, errors.NotAcceptable),
}
_OF_PATIENTS: dict[str, Any] = {
    **_SHAPE,
    "feature": Feature.RECORDS,
    "errors": (errors.NotFound, errors.NotAcceptable, errors.NotInCareTeam, errors.PatientMerged),
}
_SEARCHES: dict[str, Any] = {
    **_OF_PATIENTS,
    "errors": (*_OF_PATIENTS["errors"], errors.SearchNotUnderstood, errors.InvalidCursor),
}
_CACHED = {"Cache-Control": "public, max-age=300"}
_STRICT = "handling=strict"


class Fhir(Routes):
    """Routes whose refusals are OperationOutcomes, and whose queries are FHIR's."""

    def render_error(self, error: errors.PortalError, request_id: str, language: str) -> Response:
        """A refusal as an OperationOutcome."""
        return fhir_refusals.render(error, request_id, language)

    def _arguments(self, operation: Operation, request: Request, raw: bytes) -> dict[str, Any]:  # noqa: ARG002
        """What the view takes. Raises NotAcceptable where anything but JSON is asked for."""
        query = requests.query_of(request)
        fhir_refusals.require_json(query.get("_format"), request.headers.get("accept"))
        return {"query": operation.query.model_validate(query)}

    def refuse(self, refused: Mapping[str, tuple[Iterable[str], errors.PortalError]]) -> frozenset[str]:
        """Serve methods of paths only to refuse them; returns them as `METHOD path`."""
        return frozenset(
            f"{method} {path}"
            for path, (methods, error) in refused.items()
            for method in self._refuse(path, list(methods), error)
        )

    def _refuse(self, path: str, methods: list[str], error: errors.PortalError) -> list[str]:
        def serve(**_path: str) -> Response:
            return fhir_refusals.refuse(error, self.current_request)

        serve.__name__ = f"refuse_{path}"
        self.route(path, methods=methods, name=serve.__name__, cors=False, content_types=[])(serve)
        return methods


routes = Fhir(__name__)


@routes.get(f"{BASE_PATH}/metadata", PUBLIC, **_SHAPE)
def read_capabilities(call: Call, query: shapes.OneQuery) -> Answer:
    """Read what this API can do: its CapabilityStatement."""
    statement = capability.statement(base_url(), settings().clinic_name)
    return Answer(dump(statement).decode(), headers=_CACHED)


@routes.get(_TYPE, _POLICY, **_SEARCHES)
def search_type(call: Call, query: shapes.SearchQuery) -> Answer:
    """Search resources of one type, page by page."""
    type = path_id(call, "resource_type")
    if type not in SERVED:
        raise errors.NotFound
    search = _search(call, SERVED[type], query.root)
    asker = Asker(call.actor, _POLICY, "fhir_api_search_type")
    return _bundle(call, type, search, searching.find(asker, search, _after(call, type, search)))


@routes.get(_ONE, _POLICY, **_OF_PATIENTS)
def read_resource(call: Call, query: shapes.OneQuery) -> Answer:
    """Read one resource as it is now."""
    asker = Asker(call.actor, _POLICY, "fhir_api_read_resource")
    return _one(reading.read(asker, path_id(call, "resource_type"), path_id(call, "resource_id")))


@routes.get(f"{_ONE}/_history/{{version_id}}", _POLICY, **_OF_PATIENTS)
def read_version(call: Call, query: shapes.OneQuery) -> Answer:
    """Read one version of a resource."""
    written = path_id(call, "version_id")
    if not written.isascii() or not written.isdigit() or written.startswith("0") or len(written) > _LONGEST_VERSION:
        raise errors.NotFound
    asker = Asker(call.actor, _POLICY, "fhir_api_read_version")
    return _one(reading.read(asker, path_id(call, "resource_type"), path_id(call, "resource_id"), int(written)))


_LONGEST_VERSION = 6


# API Gateway takes no $ in a path of its own.
@routes.get(f"{_ONE}/{{operation}}", _POLICY, **_SEARCHES)
def read_everything(call: Call, query: shapes.EverythingQuery) -> Answer:
    """Read all that there is of a patient, page by page: `Patient/[id]/$everything`."""
    type, id = path_id(call, "resource_type"), path_id(call, "resource_id")
    if (type, path_id(call, "operation")) != ("Patient", "$everything"):
        raise errors.NotFound
    search = _search(call, EVERYTHING, query.root)
    path = f"Patient/{id}/$everything"
    asker = Asker(call.actor, _POLICY, "fhir_api_read_everything")
    return _bundle(call, path, search, everything.find(asker, id, search, _after(call, path, search)))


def _one(version: Version) -> Answer:
    headers = {"ETag": f'W/"{version.number}"'}
    if version.changed_at is not None:
        headers["Last-Modified"] = format_datetime(datetime.fromisoformat(version.changed_at), usegmt=True)
    return Answer(dump(version.resource).decode(), headers=headers)


def _search(call: Call, served: Served, query: Mapping[str, list[str]]) -> Search:
    """The search that is asked for. What it does not know is refused only where the caller wants it so."""
    try:
        search = read_search(served, query, str(settings().clinic_zone))
    except WrongSearch as wrong:
        raise errors.SearchNotUnderstood(reason=str(wrong)) from wrong
    if search.ignored and _STRICT in (call.header("prefer") or "").replace(" ", "").lower():
        raise errors.SearchNotUnderstood(reason=f"not supported: {', '.join(search.ignored)}")
    return search


def _binding(call: Call, path: str, search: Search) -> str:
    return call.binding(path=path, used=search.used, count=search.count)


def _after(call: Call, path: str, search: Search) -> tuple[str, ...] | None:
    return tuple(cursors.unseal(search.page, _binding(call, path, search))) if search.page is not None else None


def _bundle(call: Call, path: str, search: Search, results: Results) -> Answer:
    entries = [Entry(one.body, "match", _url(one.version)) for one in results.found]
    entries += [Entry(one.body, "include", _url(one.version)) for one in results.included]
    if search.ignored:
        entries.append(Entry(dump(outcomes.ignored(search.ignored)).decode(), "outcome"))
    links = [("self", _link(path, search, search.page))]
    if results.after is not None:
        links.append(("next", _link(path, search, cursors.seal(list(results.after), _binding(call, path, search)))))
    return Answer(bundles.searchset(entries, links, results.total))


def _url(version: Version) -> str:
    return f"{base_url()}/{local(version.type, version.id)}"


def _link(path: str, search: Search, page: str | None) -> str:
    asked = [*search.used, ("_count", str(search.count)), *([("_page", page)] if page is not None else [])]
    return f"{base_url()}/{path}?{urlencode(asked)}"


_OTHERS = tuple(method for method in METHODS if method != "GET")
_NOTHING, _NO_METHOD = errors.NotFound(), errors.MethodNotAllowed()

REFUSED = routes.refuse(
    {
        "/fhir": ((*METHODS, "OPTIONS"), _NOTHING),
        BASE_PATH: ((*METHODS, "OPTIONS"), _NOTHING),
        f"{BASE_PATH}/metadata": (_OTHERS, _NO_METHOD),
        _TYPE: (_OTHERS, _NO_METHOD),
        _ONE: (_OTHERS, _NO_METHOD),
        f"{_ONE}/{{operation}}": (_OTHERS, _NO_METHOD),
        f"{_ONE}/{{operation}}/{{rest}}": ((*METHODS, "OPTIONS"), _NOTHING),
        f"{_ONE}/_history": ((*METHODS, "OPTIONS"), _NOTHING),
        f"{_ONE}/_history/{{version_id}}": (_OTHERS, _NO_METHOD),
        f"{_ONE}/_history/{{version_id}}/{{rest}}": ((*METHODS, "OPTIONS"), _NOTHING),
    }
)
"""What is served only to be refused, as `METHOD path`: API Gateway itself would answer these with a problem."""

"""Who looked at a patient's data, and what was changed."""

from collections.abc import Mapping

from chalicelib.auth import cursors
from chalicelib.domain.access import OWN_PATIENT
from chalicelib.domain.access_log import LogEntry
from chalicelib.handlers import requests
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import access_log as shapes
from chalicelib.services import access_log
from chalicelib.settings import settings

routes = Routes(__name__)

_TYPES: Mapping[str, str] = {"json": "application/json", "csv": "text/csv", "fhir": "application/fhir+json"}


@routes.get(
    "/v1/patients/{pid}/access-log",
    OWN_PATIENT,
    answer=shapes.AccessLogPage,
    other_answers={_TYPES["csv"]: {"type": "string"}, _TYPES["fhir"]: {"type": "object"}},
)
def read_access_log(call: Call, query: shapes.AccessLogQuery) -> Answer:
    """Read who looked at your data and what was changed, the newest first: as JSON, a table, or FHIR AuditEvents."""
    binding = call.binding()
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    page = access_log.find_page(call.actor, call.patient_id, call.language, limit=query.limit, before=before)
    next_cursor = cursors.seal([page.after], binding) if page.after is not None else None
    kind = query.format or _accepted(call)
    if kind == "json":
        return Answer(shapes.AccessLogPage(items=[_shape(entry) for entry in page.items], next_cursor=next_cursor))
    links = {"self": _url(call, query, kind, query.cursor)}
    if next_cursor is not None:
        links["next"] = _url(call, query, kind, next_cursor)
    headers = {"Content-Type": _TYPES[kind], "Link": ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items())}
    if kind == "fhir":
        return Answer(access_log.as_fhir(page.items, call.patient_id, links), headers=headers)
    headers |= {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": 'attachment; filename="history.csv"'}
    return Answer(access_log.as_csv(page.items, call.language), headers=headers)


def _accepted(call: Call) -> str:
    wanted = requests.preferred_type(call.header("accept"), tuple(_TYPES.values()))
    return next(kind for kind, media_type in _TYPES.items() if media_type == wanted)


def _url(call: Call, query: shapes.AccessLogQuery, kind: str, cursor: str | None) -> str:
    path = f"{settings().api_url}/v1/patients/{call.path['pid']}/access-log?format={kind}&limit={query.limit}"
    return f"{path}&cursor={cursor}" if cursor else path


def _shape(entry: LogEntry) -> shapes.AccessLogEntry:
    return shapes.AccessLogEntry(
        entry_id=entry.entry_id, at=entry.at, who=entry.who, name=entry.name, by=entry.by, text=entry.text
    )

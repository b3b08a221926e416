"""Who looked at a patient's data, and what was changed."""

from chalicelib.auth import cursors
from chalicelib.domain.access import OWN_PATIENT
from chalicelib.domain.access_log import LogEntry
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import access_log as shapes
from chalicelib.services import access_log

routes = Routes(__name__)


@routes.get("/v1/patients/{pid}/access-log", OWN_PATIENT, answer=shapes.AccessLogPage)
def read_access_log(call: Call, query: shapes.AccessLogQuery) -> Answer:
    """Read who looked at your data and what was changed, the newest first."""
    binding = call.binding()
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    page = access_log.find_page(call.actor, call.patient_id, call.language, limit=query.limit, before=before)
    next_cursor = cursors.seal([page.after], binding) if page.after is not None else None
    return Answer(shapes.AccessLogPage(items=[_shape(entry) for entry in page.items], next_cursor=next_cursor))


def _shape(entry: LogEntry) -> shapes.AccessLogEntry:
    return shapes.AccessLogEntry(
        entry_id=entry.entry_id, at=entry.at, who=entry.who, name=entry.name, by=entry.by, text=entry.text
    )

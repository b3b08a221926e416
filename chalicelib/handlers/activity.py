"""What happened to one's own account."""

from chalicelib.auth import cursors
from chalicelib.domain.access import ACCOUNT
from chalicelib.domain.activity import ActivityEntry
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import activity as shapes
from chalicelib.services import activity

routes = Routes(__name__)


@routes.get("/v1/me/activity", ACCOUNT, answer=shapes.ActivityPage)
def list_activity(call: Call, query: shapes.ActivityQuery) -> Answer:
    """List what happened to your account, the newest first: sign-ins, changes, and tries that were refused."""
    binding = call.binding()
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    page = activity.find_page(call.actor, call.language, limit=query.limit, before=before)
    next_cursor = cursors.seal([page.after], binding) if page.after is not None else None
    return Answer(shapes.ActivityPage(items=[_shape(entry) for entry in page.items], next_cursor=next_cursor))


def _shape(entry: ActivityEntry) -> shapes.Activity:
    return shapes.Activity(
        activity_id=entry.activity_id,
        at=entry.at,
        kind=entry.kind,
        by=entry.by,
        text=entry.text,
        device_name=entry.device_name,
    )

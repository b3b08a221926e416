"""The way back to the clinic's own systems: what happened in the portal."""

import orjson

from chalicelib import errors, ids
from chalicelib.auth import cursors
from chalicelib.domain.access import ClientScope, client
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import events as shapes
from chalicelib.services import events

routes = Routes(__name__)


@routes.get(
    "/v1/clinic/events",
    client(ClientScope.EVENTS_READ),
    answer=shapes.EventPage,
    errors=(errors.EventsExpired,),
)
def list_events(call: Call, query: shapes.EventsQuery) -> Answer:
    """Read what happened, in order: visits, contacts, accounts, as ids alone."""
    binding = call.binding(after=(query.after or None))
    after = ids.number_of(query.after) if query.after is not None else None
    if query.cursor is not None:
        after = int(cursors.unseal(query.cursor, binding)[0])
    page = events.find_page(call.actor, limit=query.limit, after=after)
    next_cursor = cursors.seal([str(page.after)], binding) if page.after is not None else None
    return Answer(f'{{"items":[{",".join(page.views)}],"next_cursor":{orjson.dumps(next_cursor).decode()}}}')

"""What has changed in the record since a moment."""

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import patient
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.fhir import text
from chalicelib.domain.records.paging import PageKey
from chalicelib.handlers.records import sight_for
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import changes as shapes
from chalicelib.services import changes
from chalicelib.services.changes import Asked, Place

routes = Routes(__name__)


@routes.get(
    "/v1/patients/{pid}/changes",
    patient(None),
    feature=Feature.RECORDS,
    answer=shapes.ChangePage,
    errors=(errors.NotFound,),
)
def list_changes(call: Call, query: shapes.ChangesQuery) -> Answer:
    """Read what was added, changed and removed since a moment, the latest first."""
    asked = Asked(query.since, query.category)
    binding = call.binding(filters=repr(asked))
    page = changes.find_page(
        call.reach.patient_ids,
        asked,
        limit=query.limit,
        place=_place(cursors.unseal(query.cursor, binding)) if query.cursor is not None else None,
        sight=sight_for(call, query.as_),
        language=call.language,
    )
    answer = {
        "items": page.items,
        "next_cursor": cursors.seal(_position(page.next), binding) if page.next else None,
        "since": page.walk.since or None,
        "as_of": page.walk.as_of,
    }
    return Answer(text.dump(answer).decode())


def _position(place: Place) -> list[str]:
    after = [place.after.sk, place.after.order_key] if place.after else []
    return [place.since, place.as_of, *after]


def _place(position: list[str]) -> Place:
    since, as_of, *after = position
    return Place(PageKey(*after), since, as_of)

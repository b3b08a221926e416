"""The numbers of one code over time, for a chart."""

import orjson

from chalicelib.auth import cursors
from chalicelib.domain.access import patient
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.fhir import text
from chalicelib.domain.records.paging import PageKey
from chalicelib.handlers.records import sight_for
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import trends as shapes
from chalicelib.services import trends
from chalicelib.services.trends import Place, Wanted

routes = Routes(__name__)


@routes.get(
    "/v1/patients/{pid}/trends/{code}",
    patient(None),
    feature=Feature.RECORDS,
    answer=shapes.Trend,
)
def read_trend(call: Call, query: shapes.TrendQuery) -> Answer:
    """Read the numbers of one code over time, the oldest first."""
    wanted = Wanted(path_id(call, "code"), query.from_, query.to)
    binding = call.binding(filters=repr(wanted))
    page = trends.find_page(
        call.reach.patient_ids,
        wanted,
        limit=query.limit,
        place=_place(cursors.unseal(query.cursor, binding)) if query.cursor is not None else None,
        sight=sight_for(call, query.as_),
        language=call.language,
    )
    next_cursor = cursors.seal(_position(page.next), binding) if page.next else None
    return Answer(text.dump({**page.shown, "next_cursor": next_cursor}).decode())


def _position(place: Place) -> list[str]:
    return [place.after.sk, place.after.order_key, orjson.dumps([place.unit, place.unit_name]).decode()]


def _place(position: list[str]) -> Place:
    sk, order_key, units = position
    return Place(PageKey(sk, order_key), *orjson.loads(units))

"""What waits for everybody in one's care."""

from chalicelib.domain.access import ACCOUNT
from chalicelib.handlers import paging
from chalicelib.handlers.calendar_items import item
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import home as shapes
from chalicelib.services import caregivers, home
from chalicelib.services.caregivers import InCare
from chalicelib.services.home import Waiting

routes = Routes(__name__)


@routes.get("/v1/me/home", ACCOUNT, answer=shapes.Home)
def read_home(call: Call, query: shapes.HomeQuery) -> Answer:
    """Read what waits for each person in your care: yourself first, then the others."""
    people = caregivers.find_in_care(call.actor)
    page, next_cursor = paging.page(call, people, caregivers.place_of, query)
    caregivers.note_listed(call.actor, page, home.OPERATION)
    found = home.read(call.actor, page, call.language)
    items = [_person(one, waiting) for one, waiting in found.people]
    return Answer(shapes.Home(items=items, unread=found.unread, next_cursor=next_cursor))


def _person(one: InCare, waiting: Waiting) -> shapes.HomePerson:
    return shapes.HomePerson(
        patient_id=one.patient_id,
        name=one.name,
        relation=one.relation or "self",
        scopes=sorted(one.scopes),
        unread=waiting.unread,
        due=waiting.due,
        upcoming=shapes.Upcoming(
            count=waiting.upcoming, next=item(waiting.next_visit) if waiting.next_visit is not None else None
        ),
        new_results=waiting.new_results,
        medication_changes=waiting.medication_changes,
        balance=None,
    )

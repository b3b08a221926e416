"""Caregivers: whom one may act for, and who may act for a patient."""

from chalicelib import errors
from chalicelib.domain.access import ACCOUNT, OWN_PATIENT, patient
from chalicelib.domain.caregivers import Relation
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes, etag, path_id
from chalicelib.schemas import caregivers as shapes
from chalicelib.services import caregivers, invitations
from chalicelib.services.caregivers import CaregiverView, InCare
from chalicelib.services.invitations import NewCaregiver

routes = Routes(__name__)

_ALL = "/v1/patients/{pid}/caregivers"
_ONE = "/v1/patients/{pid}/caregivers/{caregiver_id}"


@routes.get("/v1/patients", ACCOUNT, answer=shapes.PersonInCarePage)
def list_patients(call: Call, query: shapes.PatientsQuery) -> Answer:
    """List the people for whom you may act: yourself first, then those in your care."""
    page, next_cursor = paging.page(call, caregivers.find_in_care(call.actor), caregivers.place_of, query)
    caregivers.note_listed(call.actor, page)
    return Answer(shapes.PersonInCarePage(items=[_person(one) for one in page], next_cursor=next_cursor))


@routes.get(_ALL, OWN_PATIENT, answer=shapes.CaregiverPage)
def list_caregivers(call: Call, query: shapes.CaregiversQuery) -> Answer:
    """List who may see and do what for you, and whom you have invited, the newest first."""
    found = caregivers.find_all(call.patient_id)
    page, next_cursor = paging.page(call, found, lambda one: one.caregiver_id, query)
    return Answer(shapes.CaregiverPage(items=[_shape(one) for one in page], next_cursor=next_cursor))


@routes.post(
    _ALL,
    OWN_PATIENT,
    status=201,
    answer=shapes.Caregiver,
    creates=True,
    tells_version=True,
    step_up=True,
    errors=(errors.CaregiverLimitReached, errors.Conflict, errors.TooManyRequests),
)
def invite_caregiver(call: Call, body: shapes.NewCaregiver) -> Answer:
    """Invite somebody by email to see and do some things for you; they need no account yet."""
    new = NewCaregiver(
        email=body.email,
        scopes=body.scopes,
        relation=Relation(body.relation),
        expires_at=body.expires_at,
        sees_sensitive=body.sensitive,
        language=call.language,
    )
    return _answer(invitations.invite(call.actor, call.patient_id, new, call.once))


@routes.get(_ONE, OWN_PATIENT, answer=shapes.Caregiver, tells_version=True, errors=(errors.NotFound,))
def read_caregiver(call: Call) -> Answer:
    """Read what one caregiver may see and do."""
    return _answer(caregivers.find(call.patient_id, path_id(call, "caregiver_id")))


@routes.patch(
    _ONE,
    OWN_PATIENT,
    answer=shapes.Caregiver,
    edits=True,
    tells_version=True,
    step_up=True,
    errors=(errors.NotFound, errors.Conflict),
)
def edit_caregiver(call: Call, body: shapes.CaregiverEdit) -> Answer:
    """Change what a caregiver may see and do, and until when."""
    given = body.model_dump(exclude_unset=True)
    changes = {"sees_sensitive" if name == "sensitive" else name: value for name, value in given.items()}
    if "scopes" in changes:
        changes["scopes"] = frozenset(body.scopes)
    caregiver_id = path_id(call, "caregiver_id")
    return _answer(caregivers.edit(call.actor, call.patient_id, caregiver_id, call.expected_version, changes))


@routes.delete(_ONE, patient(None, permission=None), status=204, errors=(errors.NotFound,))
def end_caregiver(call: Call) -> Answer:
    """End a caregiver's rights at once. The caregiver may do so too, to leave."""
    caregivers.end(call.actor, call.reach, path_id(call, "caregiver_id"))
    return Answer()


@routes.post(
    "/v1/caregiver-invitations/{invitation_token}/accept",
    ACCOUNT,
    answer=shapes.PersonInCare,
    errors=(errors.NotFound, errors.LinkEnded, errors.OwnInvitation, errors.BelowMinimumAge),
)
def accept_invitation(call: Call) -> Answer:
    """Accept an invitation with the account that you are signed in to."""
    return Answer(_person(invitations.accept(call.actor, path_id(call, "invitation_token"))))


def _person(one: InCare) -> shapes.PersonInCare:
    return shapes.PersonInCare(
        patient_id=one.patient_id,
        name=one.name,
        relation=one.relation or "self",
        scopes=sorted(one.scopes),
        sensitive=one.sees_sensitive,
        expires_at=one.expires_at,
        closed=sorted(one.closed),
    )


def _answer(one: CaregiverView) -> Answer:
    return Answer(_shape(one), headers=etag(one.version))


def _shape(one: CaregiverView) -> shapes.Caregiver:
    return shapes.Caregiver(
        caregiver_id=one.caregiver_id,
        status=one.status,
        name=one.name,
        email=one.email,
        relation=one.relation,
        scopes=sorted(one.scopes),
        sensitive=one.sees_sensitive,
        closed=sorted(one.closed),
        expires_at=one.expires_at,
    )

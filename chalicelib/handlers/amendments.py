"""Requests for corrections of the record, and what staff decide of them."""

from typing import Any

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import patient, staff
from chalicelib.domain.amendments import AmendmentStatus, AmendmentView, Correction
from chalicelib.domain.amendments import Answer as ClinicAnswer
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.staff import Permission
from chalicelib.handlers.clinic import patient_row
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import amendments as shapes
from chalicelib.services import amendments

routes = Routes(__name__)

_ALL = "/v1/patients/{pid}/amendments"
_ONE = f"{_ALL}/{{amendment_id}}"
_CLINIC = "/v1/clinic/amendments"
_OF_CLINIC = f"{_CLINIC}/{{amendment_id}}"
_MAY = patient(permission=None)
_DECIDES = staff(Permission.AMENDMENTS_DECIDE)


@routes.post(
    _ALL,
    _MAY,
    status=201,
    feature=Feature.RECORDS,
    answer=shapes.Amendment,
    creates=True,
    errors=(errors.Conflict, errors.TooManyRequests),
)
def ask_for_amendment(call: Call, body: shapes.NewAmendment) -> Answer:
    """Ask the clinic to correct the record."""
    wanted = Correction(body.record_id, body.reason, body.correction)
    return Answer(shapes.Amendment(**_fields(amendments.ask(call.actor, call.reach, wanted, call.once))))


@routes.get(_ALL, _MAY, feature=Feature.RECORDS, answer=shapes.AmendmentPage)
def list_amendments(call: Call, query: shapes.AmendmentsQuery) -> Answer:
    """List the requests for corrections, the newest first."""
    binding = call.binding()
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    page = amendments.find_page(call.actor, call.reach, limit=query.limit, before=before)
    next_cursor = cursors.seal([page.after], binding) if page.after is not None else None
    items = [shapes.Amendment(**_fields(one)) for one in page.items]
    return Answer(shapes.AmendmentPage(items=items, next_cursor=next_cursor))


@routes.get(_ONE, _MAY, feature=Feature.RECORDS, answer=shapes.Amendment, errors=(errors.NotFound,))
def read_amendment(call: Call) -> Answer:
    """Read one request, and what became of it."""
    found = amendments.find(call.actor, call.reach, path_id(call, "amendment_id"))
    return Answer(shapes.Amendment(**_fields(found)))


@routes.delete(_ONE, _MAY, status=204, feature=Feature.RECORDS, errors=(errors.NotFound, errors.Conflict))
def withdraw_amendment(call: Call) -> Answer:
    """Take a request back while it waits."""
    amendments.withdraw(call.actor, call.reach, path_id(call, "amendment_id"))
    return Answer()


@routes.get(_CLINIC, _DECIDES, answer=shapes.ListedAmendmentPage)
def list_for_clinic(call: Call, query: shapes.AmendmentsQuery) -> Answer:
    """List requests for corrections: what waits, the oldest first, then the others, the latest first."""
    binding = call.binding()
    after = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    found = amendments.find_all(query.limit + 1, after)
    page = found[: query.limit]
    amendments.note_looks(call.actor, [one for _, one, _ in page])
    next_cursor = cursors.seal([page[-1][0]], binding) if len(found) > query.limit else None
    items = [
        shapes.ListedAmendment(**_for_staff(one).model_dump(), patient=patient_row(desk.known)) for _, one, desk in page
    ]
    return Answer(shapes.ListedAmendmentPage(items=items, next_cursor=next_cursor))


@routes.post(
    f"{_OF_CLINIC}/approve",
    _DECIDES,
    answer=shapes.ClinicAmendment,
    errors=(errors.NotFound, errors.Conflict, errors.OwnRequest),
)
def approve_amendment(call: Call, body: shapes.AmendmentApproval) -> Answer:
    """Say that the record will be corrected; the patient and whoever asked are told."""
    return _decide(call, AmendmentStatus.APPROVED, ClinicAnswer(note=body.note))


@routes.post(
    f"{_OF_CLINIC}/deny",
    _DECIDES,
    answer=shapes.ClinicAmendment,
    errors=(errors.NotFound, errors.Conflict, errors.OwnRequest),
)
def deny_amendment(call: Call, body: shapes.AmendmentDenial) -> Answer:
    """Say why the record stays as it is; the patient and whoever asked are told."""
    return _decide(call, AmendmentStatus.DENIED, ClinicAnswer(body.reason, body.note))


def _decide(call: Call, status: AmendmentStatus, answer: ClinicAnswer) -> Answer:
    return Answer(_for_staff(amendments.decide(call.actor, path_id(call, "amendment_id"), status, answer)))


def _for_staff(one: AmendmentView) -> shapes.ClinicAmendment:
    return shapes.ClinicAmendment(**_fields(one), account_id=one.account_id, note=one.answer.note)


def _fields(one: AmendmentView) -> dict[str, Any]:
    return {
        "amendment_id": one.amendment_id,
        "record_id": one.correction.record_id,
        "reason": one.correction.reason,
        "correction": one.correction.text,
        "status": one.status,
        "created_at": one.created_at,
        "expected_by": one.expected_by,
        "decided_at": one.decided_at,
        "answer": one.answer.reason,
        "events": [shapes.AmendmentStep(at=step.at, status=step.status, by=step.by) for step in one.events],
    }

"""What the clinic has on file, patients' changes to it, and what staff decide of them."""

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import OWN_PATIENT, staff
from chalicelib.domain.staff import Permission
from chalicelib.handlers.clinic_patients import desk_patient, given
from chalicelib.handlers.routing import Answer, Call, Routes, etag, path_id
from chalicelib.schemas import patient_changes as shapes
from chalicelib.services import patient_changes
from chalicelib.services.patient_changes import OnFile, Pending

routes = Routes(__name__)

_ONE = "/v1/clinic/contact-changes/{change_id}"
_DECIDES = staff(Permission.CONTACT_CHANGES_DECIDE)


@routes.get("/v1/patients/{pid}", OWN_PATIENT, answer=shapes.OnFile, tells_version=True)
def read_on_file(call: Call) -> Answer:
    """Read what the clinic has on file for you."""
    return _answer(patient_changes.read(call.patient_id))


@routes.patch(
    "/v1/patients/{pid}", OWN_PATIENT, status=202, answer=shapes.OnFile, edits=True, tells_version=True, step_up=True
)
def ask_for_change(call: Call, body: shapes.AskedChange) -> Answer:
    """Ask the clinic to change what it has on file; staff decide."""
    return _answer(patient_changes.ask(call.actor, call.patient_id, call.expected_version, given(body)))


@routes.get("/v1/clinic/contact-changes", _DECIDES, answer=shapes.WaitingPage)
def list_changes(call: Call, query: shapes.WaitingQuery) -> Answer:
    """List what patients asked to have changed, the oldest first."""
    binding = call.binding()
    after = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    found = patient_changes.find_all(query.limit + 1, after)
    page = found[: query.limit]
    patient_changes.note_looks(call.actor, [pending for pending, _ in page])
    next_cursor = cursors.seal([page[-1][0].change_id], binding) if len(found) > query.limit else None
    items = [
        shapes.WaitingChange(**_pending(pending).model_dump(), patient=desk_patient(patient))
        for pending, patient in page
    ]
    return Answer(shapes.WaitingPage(items=items, next_cursor=next_cursor))


@routes.post(
    f"{_ONE}/approve",
    _DECIDES,
    status=204,
    step_up=True,
    errors=(errors.Conflict, errors.OwnRequest, errors.PatientMerged, errors.StaleVersion),
)
def approve_change(call: Call, body: shapes.Approval) -> Answer:
    """Put on file what a patient asked for; every old address is told."""
    patient_changes.approve(call.actor, path_id(call, "change_id"), is_in_person=body.in_person)
    return Answer()


@routes.post(f"{_ONE}/deny", _DECIDES, status=204, step_up=True, errors=(errors.Conflict,))
def deny_change(call: Call) -> Answer:
    """Leave what is on file as it is; the patient is told."""
    patient_changes.deny(call.actor, path_id(call, "change_id"))
    return Answer()


def _answer(on_file: OnFile) -> Answer:
    pending = _pending(on_file.pending) if on_file.pending else None
    shape = shapes.OnFile(**desk_patient(on_file.patient).model_dump(), pending=pending)
    return Answer(shape, headers=etag(on_file.version))


def _pending(pending: Pending) -> shapes.PendingChange:
    return shapes.PendingChange(change_id=pending.change_id, fields=pending.fields, asked_at=pending.asked_at)

"""The clinic's patients: written down, corrected, and looked for."""

from typing import Any

from pydantic import BaseModel

from chalicelib import errors
from chalicelib.domain.access import ClientScope, clinic, staff
from chalicelib.domain.staff import Permission
from chalicelib.handlers import paging
from chalicelib.handlers.clinic import patient_row
from chalicelib.handlers.routing import Answer, Call, Routes, etag
from chalicelib.schemas import clinic as clinic_shapes
from chalicelib.schemas import clinic_patients as shapes
from chalicelib.services import clinic_patients
from chalicelib.services.clinic_patients import Amendment, DeskPatient

routes = Routes(__name__)

_FIND = clinic(ClientScope.PATIENTS_READ, Permission.PATIENTS_FIND)
_ONE = "/v1/clinic/patients/{pid}"
_CAN_BE_NONE = frozenset({"gender", "email", "mobile_phone"})


@routes.post(
    "/v1/clinic/patients",
    clinic(ClientScope.RECORDS_WRITE, Permission.PATIENTS_WRITE),
    status=201,
    answer=shapes.DeskPatient,
    creates=True,
    tells_version=True,
    errors=(errors.ClinicNumberTaken, errors.Conflict),
)
def create_patient(call: Call, body: shapes.NewPatient) -> Answer:
    """Write a new patient down."""
    return _answer(clinic_patients.create(call.actor, given(body), call.once))


@routes.post("/v1/clinic/patients/search", _FIND, answer=clinic_shapes.PatientPage)
def search_patients(call: Call, body: shapes.PatientSearch, query: shapes.SearchPage) -> Answer:
    """Look for patients by the beginnings of names, a birth date, or a clinic number."""
    found = clinic_patients.search(body.q)
    page, next_cursor = paging.page(call, found, lambda patient: patient.patient_id, query, q=body.q)
    clinic_patients.note_looks(call.actor, page)
    items = [patient_row(patient) for patient in page]
    return Answer(clinic_shapes.PatientPage(items=items, next_cursor=next_cursor))


@routes.get(_ONE, _FIND, answer=shapes.DeskPatient, tells_version=True, errors=(errors.PatientMerged,))
def read_patient(call: Call) -> Answer:
    """Read who a patient is, with the contacts on file."""
    return _answer(clinic_patients.read(call.actor, call.patient_id))


@routes.patch(
    _ONE,
    staff(Permission.PATIENTS_WRITE),
    answer=shapes.DeskPatient,
    edits=True,
    tells_version=True,
    step_up=True,
    errors=(errors.Conflict, errors.PatientMerged),
)
def edit_patient(call: Call, body: shapes.PatientEdit) -> Answer:
    """Correct a patient; what was written before is kept as an older version."""
    changes = {name: value for name, value in given(body).items() if name != "in_person"}
    amendment = Amendment(changes, is_in_person=body.in_person)
    return _answer(clinic_patients.edit(call.actor, call.patient_id, call.expected_version, amendment))


def given(body: BaseModel) -> dict[str, Any]:
    """What a body says; only what can be taken away may be null."""
    said = body.model_dump(mode="json", exclude_unset=True)
    return {name: value for name, value in said.items() if value is not None or name in _CAN_BE_NONE}


def desk_patient(patient: DeskPatient) -> shapes.DeskPatient:
    """A patient with the contacts on file."""
    return shapes.DeskPatient(
        **patient_row(patient.known).model_dump(),
        gender=patient.gender,
        emails=list(patient.emails),
        phones=list(patient.phones),
    )


def _answer(patient: DeskPatient) -> Answer:
    return Answer(desk_patient(patient), headers=etag(patient.version))

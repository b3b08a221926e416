"""The record: its summary, its pages, and each of its entries."""

import orjson

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import PATIENT
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.paging import PageKey
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import records as shapes
from chalicelib.services import records, summaries
from chalicelib.services.records import Filter

routes = Routes(__name__)

FHIR = "application/fhir+json"


@routes.get("/v1/patients/{pid}/summary", PATIENT, answer=shapes.Summary, errors=(errors.NotFound,))
def read_summary(call: Call) -> Answer:
    """Read what matters now: new results, medications, conditions, allergies."""
    summary = summaries.read(call.patient_id)
    patient = shapes.PatientSummary(
        patient_id=summary.patient.pk,
        clinic_number=summary.patient.clinic_number,
        name=summary.patient.display_name,
        birth_date=summary.patient.birth_date,
        gender=summary.patient.gender,
    )
    lists = {
        "new_results": summary.new_results,
        "medication_changes": summary.medication_changes,
        "conditions": summary.conditions,
        "medications": summary.medications,
        "allergies": summary.allergies,
    }
    empty: dict[str, list[str]] = {
        name: [] for name in ("next_appointments", "questionnaires_due", "refills_due", "requests_open", "alerts")
    }
    rest = orjson.dumps({"patient": patient.model_dump(), "unread_messages": 0, "balance": None, **empty}).decode()
    parts = [f'"{name}":[{",".join(views)}]' for name, views in lists.items()]
    return Answer(f"{rest[:-1]},{','.join(parts)}}}")


@routes.get("/v1/patients/{pid}/records", PATIENT, answer=shapes.RecordPage)
def list_records(call: Call, query: shapes.RecordsQuery) -> Answer:
    """Read the record page by page, the newest first."""
    wanted = Filter(query.category, query.from_, query.to, query.encounter, query.code, query.q)
    binding = call.binding(filters=repr(wanted))
    after = PageKey(*cursors.unseal(query.cursor, binding)) if query.cursor is not None else None
    page = records.find_page(call.patient_id, wanted, limit=query.limit, after=after)
    next_cursor = (
        orjson.dumps(cursors.seal([page.after.sk, page.after.order_key], binding)).decode() if page.after else "null"
    )
    return Answer(f'{{"items":[{",".join(page.views)}],"next_cursor":{next_cursor}}}')


@routes.get(
    "/v1/patients/{pid}/records/{record_id}",
    PATIENT,
    answer=shapes.RecordDetail,
    other_answers={FHIR: {"type": "object"}},
    errors=(errors.NotFound,),
)
def read_record(call: Call, query: shapes.RecordQuery) -> Answer:
    """Read one entry; with `format=fhir` the resource as the clinic sent it."""
    record_id = path_id(call, "record_id")
    if query.format == "fhir":
        return Answer(records.find_fhir(call.patient_id, record_id), headers={"Content-Type": FHIR})
    view = records.find(call.patient_id, record_id)
    if orjson.loads(view)["category"] == Category.ENCOUNTER:
        during = ",".join(records.find_of_encounter(call.patient_id, record_id))
        return Answer(f'{view[:-1]},"during":[{during}]}}')
    return Answer(view)

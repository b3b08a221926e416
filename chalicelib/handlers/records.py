"""The record: its summary, its pages, and each of its entries."""

import orjson

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import ReachKind, patient
from chalicelib.domain.attention import Alert, OpenRequest
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.fhir import text
from chalicelib.domain.records.paging import PageKey
from chalicelib.domain.records.sight import Sight, sight_of
from chalicelib.handlers import cited
from chalicelib.handlers.calendar_items import item
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import records as shapes
from chalicelib.schemas import summaries as summary_shapes
from chalicelib.services import caregivers, clinic_settings, record_details, records, releases, summaries
from chalicelib.services.record_pages import Filter

routes = Routes(__name__)

FHIR = "application/fhir+json"


@routes.get(
    "/v1/patients/{pid}/summary",
    patient(None),
    feature=Feature.RECORDS,
    answer=summary_shapes.Summary,
    errors=(errors.NotFound,),
)
def read_summary(call: Call, query: shapes.SummaryQuery) -> Answer:
    """Read what matters now: the next visits, new results, medications, conditions, allergies, and what is amiss."""
    # What a patient previews for a caregiver is what the caregiver will see.
    holder = call.actor if call.reach.by is ReachKind.SELF and query.as_ is None else None
    summary = summaries.read(call.reach.patient_ids, sight_for(call, query.as_), call.language, holder)
    about = summary_shapes.PatientSummary(
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
    others = summary_shapes.SummaryRest(
        patient=about,
        next_appointments=[item(one) for one in summary.next_visits],
        requests_open=[_request(one) for one in summary.requests],
        alerts=[_alert(one) for one in summary.alerts],
    )
    rest = others.model_dump_json()
    parts = [f'"{name}":[{",".join(views)}]' for name, views in lists.items()]
    return Answer(f"{rest[:-1]},{','.join(parts)}}}")


@routes.get(
    "/v1/patients/{pid}/records",
    patient(None),
    feature=Feature.RECORDS,
    answer=shapes.RecordPage,
    errors=(errors.NotFound,),
)
def list_records(call: Call, query: shapes.RecordsQuery) -> Answer:
    """Read the record page by page, the newest first."""
    wanted = Filter(
        query.category,
        query.from_,
        query.to,
        query.encounter,
        query.code,
        query.q,
        scheduling=query.scheduling,
    )
    binding = call.binding(filters=repr(wanted))
    after = PageKey(*cursors.unseal(query.cursor, binding)) if query.cursor is not None else None
    sight = sight_for(call, query.as_)
    page = records.find_page(call.reach.patient_ids, wanted, limit=query.limit, after=after, sight=sight)
    next_cursor = (
        orjson.dumps(cursors.seal([page.after.sk, page.after.order_key], binding)).decode() if page.after else "null"
    )
    return Answer(f'{{"items":[{",".join(page.views)}],"next_cursor":{next_cursor}}}')


@routes.get(
    "/v1/patients/{pid}/records/{record_id}",
    patient(None),
    feature=Feature.RECORDS,
    answer=shapes.RecordDetail,
    other_answers={FHIR: {"type": "object"}},
    errors=(errors.NotFound, errors.HeldBack),
)
def read_record(call: Call, query: shapes.RecordQuery) -> Answer:
    """Read one entry; with `format=fhir` the resource as the clinic sent it."""
    record_id, sight = path_id(call, "record_id"), sight_for(call, query.as_)
    wanted = records.reveal(call.actor, call.reach.patient_ids, record_id, sight) if query.reveal else sight
    if query.format == "fhir":
        return Answer(records.find_fhir(call.reach.patient_ids, record_id, wanted), headers={"Content-Type": FHIR})
    detail = record_details.find(call.reach.patient_ids, record_id, sight, revealed=wanted)
    lists = [f',"{name}":[{",".join(members)}]' for name, members in detail.lists.items()]
    return Answer(f"{detail.view[:-1]}{''.join(lists)}{_library(call, detail.view)}}}")


def _library(call: Call, view: str) -> str:
    """What the library has on an entry, as a member of its JSON; of what is held back nothing."""
    shown = text.parse(view)
    if "held_back" in shown or not clinic_settings.is_on(Feature.EXPLANATIONS, call.actor):
        return ""
    from chalicelib.domain.explanations import explain  # noqa: PLC0415  Only who reads one entry pays for it.

    links = cited.term_links(explain.known_of(shown).terms, call.language)
    return f',"library":{orjson.dumps(links).decode()}' if links else ""


def _request(one: OpenRequest) -> summary_shapes.OpenRequest:
    return summary_shapes.OpenRequest(
        kind=one.kind, request_id=one.request_id, status=one.status, created_at=one.created_at
    )


def _alert(one: Alert) -> summary_shapes.Alert:
    target = summary_shapes.AlertTarget(kind=one.target_kind, id=one.target_id)
    return summary_shapes.Alert(code=one.code, text=one.text, target=target)


def sight_for(call: Call, caregiver_id: str | None) -> Sight:
    """What shows to the caller; or, to a patient who asks for it, what shows to one of their caregivers."""
    if caregiver_id is None:
        return releases.with_holds(call.actor, call.reach, sight_of(call.reach))
    if call.reach.by is not ReachKind.SELF:
        raise errors.NotFound
    # It is still the patient who reads.
    seen = sight_of(caregivers.preview(call.patient_id, caregiver_id))
    return releases.with_holds(call.actor, call.reach, seen)

"""What a record means, in plain words."""

from chalicelib import errors
from chalicelib.domain.access import patient
from chalicelib.domain.clinic_settings import Feature
from chalicelib.handlers import cited
from chalicelib.handlers.records import sight_for
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import explanations as shapes
from chalicelib.schemas.library import LibraryLink
from chalicelib.services import clinic_settings, explanations, records

routes = Routes(__name__)


@routes.get(
    "/v1/patients/{pid}/records/{record_id}/explanation",
    patient(None),
    feature=Feature.EXPLANATIONS,
    answer=shapes.Explanation,
    errors=(errors.NotFound,),
)
def explain_record(call: Call, query: shapes.ExplanationQuery) -> Answer:
    """Read what one entry means in plain words, each sentence with where it comes from."""
    clinic_settings.require(Feature.RECORDS, call.actor)
    record_id, sight = path_id(call, "record_id"), sight_for(call, query.as_)
    whose = call.reach.patient_ids
    revealed = records.reveal(call.actor, whose, record_id, sight) if query.reveal else sight
    found = explanations.read(whose, record_id, sight, call.language, revealed=revealed)
    return Answer(
        shapes.Explanation(
            record_id=record_id,
            title=found.title,
            language=found.language,
            covered=found.covered,
            is_urgent=found.is_urgent,
            text=found.text,
            sentences=[cited.sentence(one) for one in found.sentences],
            reading_grade=found.reading_grade,
            questions_to_ask=[one.text for one in found.questions],
            library=cited.term_links(found.terms, found.language),
            links=[LibraryLink(title=link.title, url=link.url) for link in found.links],
            reviewed_by=found.reviewed_by,
            reviewed_on=found.reviewed_on,
        )
    )

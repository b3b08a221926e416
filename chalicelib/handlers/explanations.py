"""What a record means, in plain words."""

from dataclasses import replace

from chalicelib import errors
from chalicelib.domain import reading
from chalicelib.domain.access import patient
from chalicelib.domain.cited import Sentence
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.explanations.shapes import Explanation
from chalicelib.handlers import cited
from chalicelib.handlers.records import sight_for
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import explanations as shapes
from chalicelib.schemas.library import LibraryLink
from chalicelib.services import clinic_settings, explanations, language_model, records

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
    others = _other_words(call, found, record_id) if query.rephrase else None
    found = replace(found, sentences=tuple(others)) if others else found
    return Answer(
        shapes.Explanation(
            record_id=record_id,
            title=found.title,
            language=found.language,
            covered=found.covered,
            is_urgent=found.is_urgent,
            is_rephrased=others is not None,
            text=found.text,
            sentences=[cited.sentence(one) for one in found.sentences],
            reading_grade=reading.grade(found.text, found.language) if others else found.reading_grade,
            questions_to_ask=[one.text for one in found.questions],
            library=cited.term_links(found.terms, found.language),
            links=[LibraryLink(title=link.title, url=link.url) for link in found.links],
            reviewed_by=found.reviewed_by,
            reviewed_on=found.reviewed_on,
        )
    )


def _other_words(call: Call, found: Explanation, record_id: str) -> list[Sentence] | None:
    """The sentences as a language model says them, if it may; what is urgent is said in the portal's words alone."""
    if found.is_urgent:
        return None
    return language_model.rephrased(call.actor, call.reach, found.sentences, found.language, record_id=record_id)

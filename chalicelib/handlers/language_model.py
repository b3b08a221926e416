"""Whether a language model may say what the portal explains in other words."""

from chalicelib import clock, errors
from chalicelib.domain.access import patient
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.clinic_settings import Feature
from chalicelib.handlers.routing import Answer, Call, Routes, etag
from chalicelib.schemas import language_model as shapes
from chalicelib.services import language_model
from chalicelib.services.language_model import Consent

routes = Routes(__name__)

_PATH = "/v1/patients/{pid}/language-model-consent"
_MAY = patient(Scope.EVERYTHING, permission=None)


@routes.get(_PATH, _MAY, feature=Feature.EXPLANATIONS, answer=shapes.ModelConsent, tells_version=True)
def read_model_consent(call: Call) -> Answer:
    """Read whether a language model may be asked to say explanations in other words."""
    return _answer(language_model.read_consent(call.reach))


@routes.put(
    _PATH,
    _MAY,
    feature=Feature.EXPLANATIONS,
    answer=shapes.ModelConsent,
    edits=True,
    tells_version=True,
    errors=(errors.StaleVersion,),
)
def replace_model_consent(call: Call, body: shapes.ModelConsentEdit) -> Answer:
    """Let a language model say explanations in other words, or let it no more."""
    return _answer(language_model.choose(call.actor, call.reach, call.expected_version, is_given=body.consent))


def _answer(consent: Consent) -> Answer:
    body = shapes.ModelConsent(
        consent=consent.given_at is not None,
        given_at=clock.read_stamp(consent.given_at) if consent.given_at else None,
        is_offered=language_model.is_offered(),
    )
    return Answer(body, headers=etag(consent.version))

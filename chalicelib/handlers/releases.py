"""When one wants to see new results."""

from chalicelib import clock, errors
from chalicelib.domain.access import patient
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.release import HOLDABLE, Chosen
from chalicelib.domain.records.sight import Release
from chalicelib.handlers.routing import Answer, Call, Routes, etag
from chalicelib.schemas import releases as shapes
from chalicelib.services import releases

routes = Routes(__name__)

_PATH = "/v1/patients/{pid}/release-preferences"
_MAY = patient(Scope.RESULTS, permission=None)


@routes.get(_PATH, _MAY, feature=Feature.RECORDS, answer=shapes.ReleasePreferences, tells_version=True)
def read_release_preferences(call: Call) -> Answer:
    """Read when you want to see new results of a patient."""
    return _answer(releases.read(call.actor, call.reach))


@routes.put(
    _PATH,
    _MAY,
    feature=Feature.RECORDS,
    answer=shapes.ReleasePreferences,
    edits=True,
    tells_version=True,
    errors=(errors.StaleVersion,),
)
def replace_release_preferences(call: Call, body: shapes.ReleaseEdit) -> Answer:
    """Choose when you want to see new results: now, after a clinician has commented on them, or at a visit."""
    wanted = {Category(name): Release(choice) for name, choice in body.categories.model_dump().items()}
    return _answer(releases.replace_all(call.actor, call.reach, call.expected_version, wanted))


def _answer(chosen: Chosen) -> Answer:
    holds = {category: chosen.of(category) for category in HOLDABLE}
    categories = {str(name): hold.release if hold else Release.NOW for name, hold in holds.items()}
    since = {str(name): clock.read_stamp(hold.since) if hold else None for name, hold in holds.items()}
    body = shapes.ReleasePreferences(categories=shapes.Releases(**categories), since=shapes.HoldTimes(**since))
    return Answer(body, headers=etag(chosen.version))

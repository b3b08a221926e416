"""What the clinic decides for itself."""

import json
from dataclasses import asdict

from chalicelib.domain.access import staff
from chalicelib.domain.clinic_settings import Chosen, ClinicRules, Line, OpenHours
from chalicelib.domain.staff import Permission
from chalicelib.handlers.routing import Answer, Call, Routes, etag
from chalicelib.schemas import clinic_settings as shapes
from chalicelib.services import clinic_settings

routes = Routes(__name__)

_PATH = "/v1/clinic/settings"
_ADMIN = staff(Permission.SETTINGS_WRITE)


@routes.get(_PATH, _ADMIN, answer=shapes.ClinicSettings, tells_version=True)
def read_settings(call: Call) -> Answer:
    """Read what the clinic has decided, and what holds where it has not."""
    return _answer(clinic_settings.read())


@routes.put(_PATH, _ADMIN, answer=shapes.ClinicSettings, edits=True, tells_version=True, step_up=True)
def replace_settings(call: Call, body: shapes.ClinicChoice) -> Answer:
    """Decide anew; it holds everywhere within half a minute."""
    chosen = Chosen(
        minimum_age=body.minimum_age,
        security_questions=body.security_questions,
        features=body.features,
        opening_hours=_hours(body.opening_hours),
        lines=tuple(Line(one.purpose, one.phone, one.email, _hours(one.hours)) for one in body.lines),
    )
    return _answer(clinic_settings.choose(call.actor, chosen, call.expected_version))


def _hours(given: list[shapes.OpenHours]) -> tuple[OpenHours, ...]:
    return tuple(OpenHours(one.day, one.opens, one.closes) for one in given)


def _answer(rules: ClinicRules) -> Answer:
    shown = {name: value for name, value in asdict(rules).items() if name != "version"}
    return Answer(shapes.ClinicSettings.model_validate_json(json.dumps(shown)), headers=etag(rules.version))

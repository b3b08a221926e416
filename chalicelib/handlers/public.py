"""What anybody may read: configuration, health, the agreed texts, the error catalogue, the OpenAPI document."""

from urllib.parse import urlsplit

from chalicelib import errors, words
from chalicelib.domain import legal, security_questions
from chalicelib.domain.access import PUBLIC
from chalicelib.handlers import problems
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import problems as problem_shapes
from chalicelib.schemas import public as shapes
from chalicelib.services import clinic_settings
from chalicelib.settings import settings

routes = Routes(__name__)

_CACHED = {"Cache-Control": "public, max-age=300"}


@routes.get("/v1/health", PUBLIC, answer=shapes.Health)
def health(call: Call) -> Answer:
    """Say that the portal serves; touches nothing else."""
    return Answer(shapes.Health(status="ok"))


@routes.get("/v1/config", PUBLIC, answer=shapes.Config)
def config(call: Call) -> Answer:
    """Read what a client needs to know before anybody signs in."""
    rules, decided = settings(), clinic_settings.rules()
    body = shapes.Config(
        clinic_name=rules.clinic_name,
        logo_url=None,
        portal_url=rules.portal_url,
        official_hosts=sorted({urlsplit(url).netloc for url in (rules.portal_url, rules.api_url)}),
        senders=[rules.email_sender],
        languages=list(words.languages()),
        features={str(name): shown for name, shown in decided.features.items()},
        registration=shapes.RegistrationRules(
            methods=list(rules.registration_methods),
            minimum_age=decided.minimum_age,
            security_questions=decided.security_questions,
        ),
        apps={"ios": None, "android": None, "fire": None},
        supported_browsers=["chrome >= 109", "edge >= 109", "firefox >= 115", "safari >= 15.6"],
        time_zone=str(rules.clinic_zone),
        maintenance=None,
    )
    return Answer(body, headers=_CACHED)


@routes.get("/v1/legal/{kind}", PUBLIC, answer=shapes.Legal, errors=(errors.NotFound,))
def read_legal(call: Call) -> Answer:
    """Read a text that people agree to: `terms` or `privacy`."""
    try:
        kind = legal.LegalKind(path_id(call, "kind"))
    except ValueError:
        raise errors.NotFound from None
    clinic = settings().clinic_name
    body = shapes.Legal(
        kind=kind,
        version=legal.VERSIONS[kind],
        title=words.say(f"legal.{kind}.title", call.language, clinic=clinic),
        text=words.say(f"legal.{kind}.text", call.language, clinic=clinic),
    )
    return Answer(body, headers=_CACHED)


@routes.get("/v1/security-questions", PUBLIC, answer=shapes.SecurityQuestionList)
def list_security_questions(call: Call) -> Answer:
    """List the questions that may be chosen."""
    items = [
        shapes.SecurityQuestion(question_id=question_id, text=words.say(f"question.{question_id}", call.language))
        for question_id in security_questions.QUESTIONS
    ]
    return Answer(shapes.SecurityQuestionList(items=items), headers=_CACHED)


@routes.get("/v1/errors", PUBLIC, answer=problem_shapes.ErrorList)
def list_errors(call: Call) -> Answer:
    """List every code of a refusal, with its status and its cure."""
    items = [
        problem_shapes.ErrorEntry(
            code=kind.code,
            status=problems.status_of(kind),
            title=words.say(f"error.{kind.code}.title", call.language),
            detail=words.catalogue(call.language)[f"error.{kind.code}.detail"],
            cure=words.say(f"error.{kind.code}.cure", call.language),
            type=problems.type_url(kind.code),
        )
        for kind in errors.all_errors()
    ]
    return Answer(problem_shapes.ErrorList(items=items), headers=_CACHED)


@routes.get("/v1/openapi.json", PUBLIC, answer_schema={"type": "object"})
def read_openapi(call: Call) -> Answer:
    """Read this API as an OpenAPI 3.1 document."""
    from chalicelib.handlers import openapi  # noqa: PLC0415  What writes JSON Schemas is large, and seldom asked for.

    return Answer(openapi.document_json(), headers=_CACHED)

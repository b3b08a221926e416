"""Asking about a record in one's own words."""

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import patient
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.questions.answers import NextStep
from chalicelib.domain.records.sight import Sight
from chalicelib.handlers import cited
from chalicelib.handlers.records import sight_for
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import questions as shapes
from chalicelib.services import clinic_settings, questions
from chalicelib.services.questions import NewQuestion, QuestionView

routes = Routes(__name__)

_ALL = "/v1/patients/{pid}/questions"
_ONE = f"{_ALL}/{{question_id}}"
_MAY = patient(None, permission=None)


@routes.post(
    _ALL,
    _MAY,
    status=201,
    feature=Feature.ASK,
    answer=shapes.AskedQuestion,
    creates=True,
    errors=(errors.Conflict, errors.TooManyRequests),
)
def ask_question(call: Call, body: shapes.NewQuestion) -> Answer:
    """Ask about the record: every sentence of the answer names where it comes from."""
    sight = _sight(call)
    wanted = NewQuestion(body.question, body.record_id, body.thread_id, body.rephrase)
    return Answer(_shape(questions.ask(call.actor, call.reach, sight, wanted, call.language, call.once)))


@routes.get(_ALL, _MAY, feature=Feature.ASK, answer=shapes.AskedQuestionPage, errors=(errors.NotFound,))
def list_questions(call: Call, query: shapes.QuestionsQuery) -> Answer:
    """List one's own questions about a patient's record, the newest first."""
    binding = call.binding(filters=repr(query.thread))
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    items, after = questions.find_page(
        call.actor, call.reach, _sight(call), limit=query.limit, before=before, thread_id=query.thread
    )
    next_cursor = cursors.seal([after], binding) if after is not None else None
    return Answer(shapes.AskedQuestionPage(items=[_shape(one) for one in items], next_cursor=next_cursor))


@routes.get(_ONE, _MAY, feature=Feature.ASK, answer=shapes.AskedQuestion, errors=(errors.NotFound,))
def read_question(call: Call) -> Answer:
    """Read one question of one's own with its answer."""
    return Answer(_shape(questions.find(call.actor, call.reach, _sight(call), path_id(call, "question_id"))))


@routes.delete(_ONE, _MAY, status=204, feature=Feature.ASK, errors=(errors.NotFound, errors.Conflict))
def remove_question(call: Call, query: shapes.RemovalQuery) -> Answer:
    """Remove one question of one's own with its answer, or all of its thread."""
    questions.remove(call.actor, call.reach, path_id(call, "question_id"), with_thread=query.whole_thread)
    return Answer()


def _sight(call: Call) -> Sight:
    """What shows to the caller, where the clinic offers the record, and words on it, at all."""
    for feature in (Feature.RECORDS, Feature.EXPLANATIONS):
        clinic_settings.require(feature, call.actor)
    return sight_for(call, None)


def _shape(one: QuestionView) -> shapes.AskedQuestion:
    answer = one.answer
    return shapes.AskedQuestion(
        question_id=one.question_id,
        thread_id=one.thread_id,
        question=one.question,
        record_id=one.record_id,
        asked_at=one.asked_at,
        language=answer.language if answer else None,
        intent=answer.intent if answer else None,
        covered=answer is not None and answer.covered,
        withheld=answer is None,
        is_rephrased=answer is not None and answer.is_rephrased,
        sentences=[cited.sentence(one) for one in answer.sentences] if answer else [],
        choices=list(answer.choices) if answer else [],
        next_steps=[_step(step) for step in answer.next_steps] if answer else [],
    )


def _step(one: NextStep) -> shapes.AnswerStep:
    return shapes.AnswerStep(
        kind=one.kind,
        text=one.text,
        href=one.href,
        phone=one.phone,
        prepared=dict(one.prepared) if one.prepared is not None else None,
    )

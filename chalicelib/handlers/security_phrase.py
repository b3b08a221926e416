"""The phrase of one's own that every true email and text message repeats."""

from chalicelib.domain.access import ACCOUNT
from chalicelib.handlers.routing import Answer, Call, Routes, etag
from chalicelib.schemas import security_phrase as shapes
from chalicelib.services import security_phrase
from chalicelib.services.security_phrase import PhraseView

routes = Routes(__name__)


@routes.get("/v1/me/security-phrase", ACCOUNT, answer=shapes.SecurityPhrase, tells_version=True)
def read_phrase(call: Call) -> Answer:
    """Read the phrase that our messages to you repeat."""
    return _answer(security_phrase.read(call.actor))


@routes.put("/v1/me/security-phrase", ACCOUNT, answer=shapes.SecurityPhrase, edits=True, tells_version=True)
def replace_phrase(call: Call, body: shapes.SecurityPhraseEdit) -> Answer:
    """Choose a phrase that our messages to you repeat, so that you know them from false ones."""
    return _answer(security_phrase.replace(call.actor, call.expected_version, body.security_phrase))


def _answer(view: PhraseView) -> Answer:
    return Answer(shapes.SecurityPhrase(security_phrase=view.phrase), headers=etag(view.version))

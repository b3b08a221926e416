"""Bedrock's Converse API as the portal calls it, and whatever it answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.clients import language_model
from chalicelib.clients.aws import Permanent, Retryable
from tests.support.aws_answers import answering_for, refusal
from tests.support.aws_calls import failing
from tests.support.portal import Portal
from tests.support.setting import setting

MODEL = "example.model-v1:0"


@pytest.fixture(autouse=True)
def _with_a_model(portal: Portal) -> Iterator[None]:
    with setting("LANGUAGE_MODEL", MODEL):
        yield


def said(*texts: str, why: str = "end_turn") -> dict[str, Any]:
    content = [{"text": text} for text in texts]
    return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": why}


def test_a_text_is_asked_about_and_the_reply_is_read() -> None:
    with answering_for("bedrock-runtime", said("Hello", " there")) as asked:
        assert language_model.converse("Be kind.", "Say hello.") == "Hello there"
    assert asked == [
        {
            "system": [{"text": "Be kind."}],
            "messages": [{"role": "user", "content": [{"text": "Say hello."}]}],
            "inferenceConfig": {"maxTokens": 2000, "temperature": 0},
        }
    ]


@pytest.mark.parametrize("why", ["max_tokens", "guardrail_intervened", "content_filtered", "tool_use"])
def test_a_reply_that_is_not_whole_is_none(why: str) -> None:
    with answering_for("bedrock-runtime", said("Half a", why=why)), pytest.raises(Permanent) as refused:
        language_model.converse("s", "x")
    assert refused.value.code == why


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "ValidationException", Permanent),
        (403, "AccessDeniedException", Permanent),
        (404, "ResourceNotFoundException", Permanent),
        (429, "ThrottlingException", Retryable),
        (408, "ModelTimeoutException", Retryable),
        (503, "ServiceUnavailableException", Retryable),
    ],
)
def test_what_it_refuses_may_come_right_later_or_never(status: int, code: str, kind: type[Exception]) -> None:
    with answering_for("bedrock-runtime", refusal(code), status), pytest.raises(kind):
        language_model.converse("s", "x")


def test_it_is_asked_once_and_not_for_long() -> None:
    slow = ReadTimeoutError(endpoint_url="https://bedrock")
    with failing(lambda call: call.service == "bedrock-runtime", slow) as tried, pytest.raises(Retryable):
        language_model.converse("s", "x")
    assert len(tried) == 1

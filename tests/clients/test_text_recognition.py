"""What reads pictures: Amazon Textract, the engine of this machine, or nothing."""

import json
import subprocess
from typing import Any

import pytest

from chalicelib.clients import text_recognition
from chalicelib.clients.aws import Permanent, Retryable
from chalicelib.clients.text_recognition import NotAvailable, alone
from chalicelib.clients.text_recognition.local import LocalEngine
from chalicelib.clients.text_recognition.textract import Textract
from tests.support import textract
from tests.support.aws_calls import failing, refused, unreachable
from tests.support.portal import Portal
from tests.support.setting import setting

pytestmark = pytest.mark.usefixtures("portal")

SIZE = (800, 400)


@pytest.mark.parametrize(("value", "kind"), [("textract", Textract), ("local", LocalEngine), ("off", type(None))])
def test_one_setting_says_what_reads(value: str, kind: type) -> None:
    with setting("TEXT_RECOGNITION", value):
        assert isinstance(text_recognition.find(), kind)


def test_a_setting_that_cannot_be_meant_is_named() -> None:
    with setting("TEXT_RECOGNITION", "magic"), pytest.raises(ValueError, match="TEXT_RECOGNITION"):
        text_recognition.find()


def test_lines_have_their_words_with_the_confidence_of_each_in_pixels() -> None:
    found = textract.blocks([(40, 20, 30, "Member ID: XQP9")], SIZE)
    found[-1]["Confidence"] = 61.5
    with textract.answering(found) as asked:
        (line,) = Textract().read(b"\xff\xd8", SIZE)
    assert line.text == "Member ID: XQP9"
    assert len(line.confidences) == len(line.text)
    assert line.confidences[0] == pytest.approx(0.992)
    assert line.confidences[-4:] == pytest.approx((0.615,) * 4)
    assert line.corners[0] == pytest.approx((40, 20))
    assert line.corners[2] == pytest.approx((40 + 0.6 * 30 * 15, 50))
    # Nothing but the picture goes along.
    assert json.loads(asked[0]["body"]) == {"Document": {"Bytes": "/9g="}}


def test_a_page_without_words_has_no_lines() -> None:
    with textract.answering(textract.blocks([], SIZE)):
        assert Textract().read(b"\xff\xd8", SIZE) == ()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, Permanent) for code in ("BadDocumentException", "UnsupportedDocumentException")),
        ("DocumentTooLargeException", Permanent),
        *((code, Retryable) for code in ("ThrottlingException", "ProvisionedThroughputExceededException")),
        *((code, Retryable) for code in ("InternalServerError", "LimitExceededException", "AccessDeniedException")),
    ],
)
def test_what_lies_in_the_picture_is_final_and_anything_else_may_pass(code: str, kind: type[Exception]) -> None:
    failed = failing(lambda call: call.service == "textract", refused(code))
    with textract.answering([]), failed, pytest.raises(kind):
        Textract().read(b"\xff\xd8", SIZE)


def test_textract_that_does_not_answer_may_answer_later() -> None:
    failed = failing(lambda call: call.service == "textract", unreachable())
    with textract.answering([]), failed, pytest.raises(Retryable):
        Textract().read(b"\xff\xd8", SIZE)


def test_without_its_packages_the_engine_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "find_spec", lambda _name: None)
    with pytest.raises(NotAvailable):
        LocalEngine().read(b"\xff\xd8", SIZE)


def test_the_engine_gets_no_key_of_the_functions_and_what_it_does_not_survive_is_unreadable(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    started = subprocess.run

    def run(*arguments: Any, **named: Any) -> Any:
        seen.update(named)
        return started(*arguments, **named)

    monkeypatch.setattr("chalicelib.clients.text_recognition.local.subprocess.run", run)
    monkeypatch.setattr(alone, "is_installed", lambda: True)
    with pytest.raises(Permanent, match="unreadable"):
        LocalEngine().read(b"no picture", SIZE)
    assert set(seen["env"]) <= {"PYTHONPATH", "LD_LIBRARY_PATH"}
    assert seen["timeout"] < 60

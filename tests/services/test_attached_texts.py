"""The texts that came with documents and reports."""

import base64
from typing import Any

import pytest

from chalicelib.services import attached_texts


def attachment(content: str | bytes, kind: str = "text/plain") -> dict[str, Any]:
    body = content.encode() if isinstance(content, str) else content
    return {"contentType": kind, "data": base64.b64encode(body).decode()}


def test_texts_come_in_their_order_and_what_is_no_text_is_left_out() -> None:
    report = {"presentedForm": [attachment("One"), attachment(b"%PDF", "application/pdf"), attachment(" Two \n")]}
    assert attached_texts.of(report) == ["One", "Two"]
    document = {"content": [{"attachment": attachment("Three")}, {"attachment": {"url": "https://x"}}, {}]}
    assert attached_texts.of(document) == ["Three"]


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "application/xhtml+xml", "TEXT/HTML"])
def test_a_web_page_is_its_words(kind: str) -> None:
    page = (
        "<html><head><title>No</title><style>p {color: red}</style></head><body><h1>Visit</h1><p>All is\n"
        " <b>well</b> &amp; good.</p><script>alert('x')</script><table><tr><td>A1c</td><td>6.5 %</td></tr></table>"
    )
    assert attached_texts.of({"presentedForm": [attachment(page, kind)]}) == ["Visit\nAll is well & good.\nA1c 6.5 %"]


@pytest.mark.parametrize("data", ["!", "====", 7, None, ""])
def test_what_cannot_be_read_is_no_text(data: object) -> None:
    assert attached_texts.of({"presentedForm": [{"contentType": "text/plain", "data": data}]}) == []

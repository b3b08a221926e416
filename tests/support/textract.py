"""Amazon Textract as the tests have it answer: the words of a sample, where they stand; or whatever they say."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from tests.support.pictures import Sample
from tests.support.setting import setting

Words = Sequence[tuple[float, float, float, str]]
"""Left, top and height in pixels, and a text."""


def blocks(words: Words, size: tuple[int, int], confidence: float = 99.2) -> list[dict[str, Any]]:
    """What DetectDocumentText answers: a page, its lines and their words."""
    found: list[dict[str, Any]] = [{"BlockType": "PAGE", "Id": "page"}]
    for left, top, height, text in words:
        box = _polygon(left, top, abs(height), text, size)
        parts = [
            {"BlockType": "WORD", "Id": uuid4().hex, "Text": one, "Confidence": confidence} for one in text.split()
        ]
        ids = [one["Id"] for one in parts]
        line = {"BlockType": "LINE", "Id": uuid4().hex, "Text": text, "Confidence": confidence, "Geometry": box}
        found += [
            {**line, "Relationships": [{"Type": "CHILD", "Ids": ids}]},
            *({**one, "Geometry": box} for one in parts),
        ]
    return found


def _polygon(left: float, top: float, height: float, text: str, size: tuple[int, int]) -> dict[str, Any]:
    width, (across, down) = 0.6 * height * len(text), size
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    return {"Polygon": [{"X": x / across, "Y": y / down} for x, y in corners]}


class _Answered:
    """The part of an HTTP answer that botocore looks at."""

    status_code = 200


@contextmanager
def answering(found: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The portal reads by Textract, which answers these blocks; collects what it was sent.

    What makes a call fail (tests/support/aws_calls) comes before it.
    """
    from chalicelib.clients.aws import client

    asked: list[dict[str, Any]] = []

    def answer(params: dict[str, Any], **_rest: Any) -> tuple[_Answered, dict[str, Any]]:
        asked.append(params)
        return _Answered(), {"Blocks": list(found)}

    events, name = client("textract").meta.events, uuid4().hex
    events.register("before-call.textract.DetectDocumentText", answer, name)
    try:
        with setting("TEXT_RECOGNITION", "textract"):
            yield asked
    finally:
        events.unregister("before-call.textract.DetectDocumentText", answer, name)


@contextmanager
def reading(sample: Sample) -> Iterator[list[dict[str, Any]]]:
    """The portal reads by Textract, which sees a sample."""
    with answering(blocks(sample.words, sample.size)) as asked:
        yield asked

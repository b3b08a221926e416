"""Amazon Textract: https://docs.aws.amazon.com/textract/latest/dg/API_DetectDocumentText.html."""

from collections.abc import Mapping
from typing import Any

from chalicelib.clients.aws import Refusal, client, translated
from chalicelib.domain.picture_readings.lines import Line, Point

# What lies in the picture; a limit of calls, a missing permission or a fault of the service do not.
_NEVER = frozenset({"BadDocumentException", "DocumentTooLargeException", "UnsupportedDocumentException"})


class Textract:
    """Reads by DetectDocumentText. The picture goes along with the call, and is kept nowhere."""

    def read(self, picture: bytes, size: tuple[int, int]) -> tuple[Line, ...]:
        """See TextRecognition. Raises Retryable or Permanent."""
        with translated(_never):
            answer = client("textract").detect_document_text(Document={"Bytes": picture})
        blocks = {block["Id"]: block for block in answer["Blocks"]}
        lines = (_line(block, blocks, size) for block in blocks.values() if block["BlockType"] == "LINE")
        return tuple(lines)


def _line(block: dict[str, Any], blocks: Mapping[str, dict[str, Any]], size: tuple[int, int]) -> Line:
    """A line with the confidence of each of its words, in each letter of the word."""
    children = [one for relation in block.get("Relationships", ()) for one in relation["Ids"]]
    words = [blocks[one] for one in children if one in blocks and blocks[one]["BlockType"] == "WORD"] or [block]
    text = " ".join(word["Text"] for word in words)
    confidences = [share for word in words for share in (*[word["Confidence"] / 100] * len(word["Text"]), 1.0)]
    first, second, third, fourth = (_point(point, size) for point in block["Geometry"]["Polygon"])
    return Line(text, tuple(confidences[: len(text)]), (first, second, third, fourth))


def _point(point: Mapping[str, float], size: tuple[int, int]) -> Point:
    """A place in pixels; Textract gives shares of width and height."""
    return point["X"] * size[0], point["Y"] * size[1]


def _never(refusal: Refusal) -> str | None:
    return refusal.code if refusal.code in _NEVER else None

"""What reads the text of a picture: Amazon Textract, an engine on this machine, or nothing, by one setting."""

from typing import Protocol

from chalicelib.domain.picture_readings.lines import Line
from chalicelib.settings import settings

LONGEST_SIDE = 3000
"""Pixels of a picture that is to be read: the letters of a page are large enough then."""


class NotAvailable(Exception):
    """What should read is not installed."""


class TextRecognition(Protocol):
    """Reads pictures."""

    def read(self, picture: bytes, size: tuple[int, int]) -> tuple[Line, ...]:
        """The lines of a picture (JPEG), whose width and height are given, in its pixels; in no certain order.

        Raises NotAvailable, Retryable, and Permanent for a picture that cannot be read.
        """


def find() -> TextRecognition | None:
    """What this deployment reads by, if by anything."""
    match settings().text_recognition:
        case "textract":
            from chalicelib.clients.text_recognition.textract import Textract  # noqa: PLC0415  One of them is used.

            return Textract()
        case "local":
            from chalicelib.clients.text_recognition.local import LocalEngine  # noqa: PLC0415  As above.

            return LocalEngine()
        case _:
            return None

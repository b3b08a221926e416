"""Files that people send: how far one is, and what it is by its content, whatever its name or its sender says."""

import re
import struct
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MAX_SIZE: Final = 10 * 1024**2
"""Bytes of a file (AC 8)."""

MAX_FILES: Final = 500
"""How many files one holder may have."""

MAX_BYTES: Final = 1024**3
"""Bytes of all files that one holder may have."""

UPLOAD_LASTS: Final = timedelta(minutes=10)
"""How long a file may be sent to the address that was given for it."""

DOWNLOAD_LASTS: Final = timedelta(minutes=5)
"""How long the address of a download works (AC 8)."""

WAITED_FOR: Final = timedelta(hours=1)
"""After so long a file that has not come, or was not scanned, is given up; a scan takes a minute or two."""

TRIES: Final = 8
"""After so many tries that failed, a file is given up."""

TRIED_FOR: Final = timedelta(days=1)
"""After so long a file is given up as well: a worker that dies over it each time counts no try."""


class UploadStatus(StrEnum):
    """How far a file is. What is `scanning` has come and is not yet known to be harmless and free of metadata."""

    AWAITING_UPLOAD = "awaiting_upload"
    SCANNING = "scanning"
    READY = "ready"
    REFUSED = "refused"


OPEN: Final = (UploadStatus.AWAITING_UPLOAD, UploadStatus.SCANNING)
"""Files of which is not yet known what becomes of them."""


class Refusal(StrEnum):
    """Why a file was not taken; each has its words (`upload.refused.<reason>`)."""

    BROKEN = "broken"
    ENCRYPTED = "encrypted"
    NEVER_CAME = "never_came"
    NOT_SCANNED = "not_scanned"
    PACKED = "packed"
    THREAT = "threat"
    TOO_LARGE = "too_large"
    TWO_KINDS = "two_kinds"
    WEB_PAGE = "web_page"
    WRONG_TYPE = "wrong_type"


class MediaType(StrEnum):
    """What a file may be; what its download is said to be."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"
    TEXT = "text/plain; charset=utf-8"

    @property
    def suffix(self) -> str:
        """What the name of a download ends with."""
        return {MediaType.PDF: "pdf", MediaType.JPEG: "jpg", MediaType.PNG: "png", MediaType.TEXT: "txt"}[self]


class ScanResult(StrEnum):
    """What is known of a file once it was scanned."""

    CLEAN = "clean"
    THREAT = "threat"
    UNKNOWN = "unknown"


class NotTaken(Exception):
    """The content of a file is the reason not to take it."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Form:
    """Where a file is sent: an address for one POST of a form with these fields, and the file as its last."""

    url: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class UploadView:
    """A file as those see it who may; times are aware, in UTC."""

    upload_id: str
    status: UploadStatus
    refusal: Refusal | None
    file_name: str | None
    media_type: MediaType | None
    size: int | None
    account_id: str
    created_at: datetime
    uploaded_at: datetime | None

    @property
    def upload_ends_at(self) -> datetime:
        """Until when the file may be sent."""
        return self.created_at + UPLOAD_LASTS


_BEGINNINGS: Final = {
    b"%PDF-": MediaType.PDF,
    b"\xff\xd8\xff": MediaType.JPEG,
    b"\x89PNG\r\n\x1a\n": MediaType.PNG,
}
# Zip, which the newer Office formats are too; the older ones; RAR, 7-Zip, gzip.
_PACKED: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"\xd0\xcf\x11\xe0", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
# What a browser would take for a page (https://mimesniff.spec.whatwg.org/), and what it would run wherever it stands.
_PAGE: Final = re.compile(
    r"\A\s*<(?:!doctype|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--|\?xml|svg)[\s>/-]?"
    r"|<(?:script|svg|html|iframe|object|embed)[\s>/]",
    re.IGNORECASE,
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_END_OF_ZIP, _LONGEST_COMMENT = b"PK\x05\x06", 65_535


def found_type(content: bytes) -> MediaType:
    """What a file is, by nothing but its content. Raises NotTaken for what is nothing that may be taken."""
    if content.startswith(_PACKED):
        raise NotTaken(Refusal.PACKED)
    if has_zip_behind(content):
        raise NotTaken(Refusal.TWO_KINDS)
    for beginning, media_type in _BEGINNINGS.items():
        if content.startswith(beginning):
            return media_type
    plain_text(content)
    return MediaType.TEXT


def has_zip_behind(content: bytes) -> bool:
    """Whether a file can be read as a zip as well, whose list of contents stands at the end."""
    place = content.rfind(_END_OF_ZIP, max(0, len(content) - _LONGEST_COMMENT - 22))
    if place < 0 or len(content) < place + 22:
        return False
    (size,) = struct.unpack_from("<L", content, place + 12)
    return content[max(0, place - size) :].startswith(b"PK\x01\x02")


def plain_text(content: bytes) -> bytes:
    """A file as plain text in UTF-8, without a byte order mark. Raises NotTaken for what is none, or a web page."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotTaken(Refusal.WRONG_TYPE) from None
    if _CONTROL.search(text) or not text.strip():
        raise NotTaken(Refusal.WRONG_TYPE)
    if _PAGE.search(text):
        raise NotTaken(Refusal.WEB_PAGE)
    return text.encode()


def shown_name(given: str | None) -> str | None:
    """The name of a file as it may be shown: one line, no folders, nothing that cannot be seen; None for nothing."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given or ""))[-1]
    # Controls, and marks that turn what follows around, so that a name could end other than it seems to.
    seen = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in last)
    return " ".join(seen.split()).strip(". ")[:120] or None

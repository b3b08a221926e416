"""The body of an HTTP/1.1 request: how long it is, and its bytes (RFC 9112, sections 6 and 7)."""

import re
from email.message import Message
from io import BufferedIOBase

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(;[^\r\n]*)?\r?\n")
_LINE_LIMIT = 1024
_TRAILER_LIMIT = 100


class UnreadableError(Exception):
    """The request breaks HTTP's framing or a limit, so that nothing more can be read from its connection."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def declared_length(headers: Message) -> int | None:
    """Bytes that follow the head, 0 where there is no body, None where it comes in chunks.

    Raises:
        UnreadableError: 400 where the headers contradict each other, which is how requests are smuggled.
    """
    encodings = headers.get_all("Transfer-Encoding", [])
    lengths = set(headers.get_all("Content-Length", []))
    if encodings:
        if lengths or [encoding.strip().lower() for encoding in encodings] != ["chunked"]:
            raise UnreadableError(400)
        return None
    length = lengths.pop() if lengths else "0"
    if lengths or not (length.isascii() and length.isdigit()):
        raise UnreadableError(400)
    return int(length[:18])


def read_body(stream: BufferedIOBase, length: int | None, limit: int) -> bytes:
    """The bytes of a body of `length`, or in chunks where that is None.

    Raises:
        UnreadableError: 413 over `limit` bytes, of which no more than those are read; 400 where the body ends early.
    """
    if length is None:
        return _read_chunks(stream, limit)
    if length > limit:
        raise UnreadableError(413)
    return _read_exactly(stream, length)


def _read_chunks(stream: BufferedIOBase, limit: int) -> bytes:
    body = bytearray()
    while size := _next_size(stream):
        if len(body) + size > limit:
            raise UnreadableError(413)
        body += _read_exactly(stream, size)
        if stream.readline(3).rstrip(b"\r\n"):
            raise UnreadableError(400)
    _skip_trailers(stream)
    return bytes(body)


def _next_size(stream: BufferedIOBase) -> int:
    line = _CHUNK_SIZE.fullmatch(stream.readline(_LINE_LIMIT))
    if line is None:
        raise UnreadableError(400)
    return int(line[1], 16)


def _skip_trailers(stream: BufferedIOBase) -> None:
    for _ in range(_TRAILER_LIMIT):
        if not stream.readline(_LINE_LIMIT).rstrip(b"\r\n"):
            return
    raise UnreadableError(400)


def _read_exactly(stream: BufferedIOBase, size: int) -> bytes:
    read = stream.read(size)
    if len(read) < size:
        raise UnreadableError(400)
    return read

"""The lines of an NDJSON file and the entries of a Bundle, one by one out of a file of any size.

Only as much is held as the longest piece may have: what is longer is passed over. A piece is cut out by its line end,
or by its brackets and quotes, and left as it was sent; whether it is JSON is for whoever reads it. After each piece the
reading can stop, and go on later from its place.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.bundle import BUNDLE_TYPES

MAX_PIECE: Final = 5 * 1024 * 1024
"""Bytes of one line or entry."""

_MAX_DEPTH: Final = 10_000
_MAX_NAME: Final = 1_000
_QUOTE, _BACKSLASH, _COMMA, _COLON = b'"\\,:'
_CLOSING: Final = {b"{"[0]: b"}"[0], b"["[0]: b"]"[0]}
_BRACKETS: Final = frozenset(b"{}[]")
_BOM: Final = b"\xef\xbb\xbf"

# Whole strings are passed over at once; quantifiers give nothing back, so that no text makes them slow.
_TO_BRACKET: Final = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+', re.DOTALL)
_IN_STRING: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_BLANK: Final = re.compile(rb"[ \t\r\n]*+")
_SCALAR: Final = re.compile(rb"[^,\]}\s]*+")


class Broken(ValueError):
    """The file as a whole cannot be taken apart; `reason` says why and where, for the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Place(NamedTuple):
    """A place behind a piece: how many bytes, and how many pieces (of NDJSON: lines), lie before it."""

    offset: int = 0
    number: int = 0


class Piece(NamedTuple):
    """One line or entry: the place behind it, and its text, or None where it is too long."""

    place: Place
    raw: bytes | None


class _Growing:
    """A piece that is being read, held as long as it is not too long."""

    def __init__(self, most: int) -> None:
        self._most, self._text, self.length = most, bytearray(), 0

    def add(self, part: bytes) -> None:
        self.length += len(part)
        if self.length <= self._most:
            self._text += part
        else:
            self._text.clear()

    @property
    def raw(self) -> bytes | None:
        return bytes(self._text) if self.length <= self._most else None

    def piece(self, behind: Place) -> "Iterator[Piece]":
        """The piece, unless it is an empty line."""
        raw = self.raw
        if raw is None or raw.strip(b"\r"):
            yield Piece(behind, raw)


class NdjsonFile:
    """The lines of an NDJSON file from a place on; empty ones are counted and left out."""

    def __init__(self, chunks: Iterable[bytes], start: Place) -> None:
        self._chunks, self._start = chunks, start
        self.head: dict[str, str] = {}
        self.begins_at = Place()

    def entries(self) -> Iterator[Piece]:
        """The lines from the place on."""
        offset, count = self._start
        line = _Growing(MAX_PIECE)
        for chunk in self._chunks:
            begin = 0
            while (end := chunk.find(b"\n", begin)) >= 0:
                line.add(chunk[begin:end])
                offset, count, begin = offset + line.length + 1, count + 1, end + 1
                yield from line.piece(Place(offset, count))
                line = _Growing(MAX_PIECE)
            line.add(chunk[begin:])
        yield from line.piece(Place(offset + line.length, count + 1))

    def whole(self) -> Iterator[Piece]:
        """The same: lines are each for themselves."""
        return self.entries()


class BundleFile:
    """The entries of one Bundle from a place on: its beginning, or one between its entries.

    `head` are the Bundle's own type and resource type as far as they were read; whoever goes on from a place hands them
    in again.
    """

    def __init__(self, chunks: Iterable[bytes], start: Place, head: dict[str, str] | None = None) -> None:
        self._window = _Window(chunks, start.offset)
        self._start = start
        self.head: dict[str, str] = dict(head or {})
        self.begins_at = start

    def entries(self) -> Iterator[Piece]:
        """The entries from the place on, to the end of their list. Raises Broken."""
        if self._start.offset == 0:
            yield from self._members(is_first=True)
            return
        yield from self._listed(self._start.number)

    def whole(self) -> Iterator[Piece]:
        """As `entries`, and then the rest of the Bundle. Raises Broken for what is no Bundle, at its end at last."""
        yield from self.entries()
        if self._start.offset:
            yield from self._members(is_first=False)
        if self._window.next_byte() is not None:
            raise self._window.broken("nothing was expected behind the Bundle")
        if self.head.get("resourceType") != "Bundle":
            raise Broken("a FHIR Bundle was expected: a JSON object with the resourceType Bundle")
        if self.head.get("type") not in BUNDLE_TYPES:
            raise Broken(f"Bundle.type: one of {', '.join(sorted(BUNDLE_TYPES))} was expected")

    def _members(self, *, is_first: bool) -> Iterator[Piece]:
        window = self._window
        if is_first:
            window.skip(_BOM)
            window.expect(b"{")
        while not window.took(b"}"):
            if not is_first:
                window.expect(b",")
            is_first = False
            name = _word(window.value(_MAX_NAME))
            window.expect(b":")
            if name == "entry":
                yield from self._list()
            elif name in {"resourceType", "type"}:
                self.head[name] = _word(window.value(_MAX_NAME)) or ""
            else:
                window.value(0)

    def _list(self) -> Iterator[Piece]:
        if "entry" in self.head:
            raise self._window.broken("the name entry stands twice in the Bundle")
        if not self._window.took(b"["):
            raise self._window.broken("Bundle.entry: a list was expected")
        self.head["entry"] = "found"
        self.begins_at = Place(self._window.offset, 0)
        yield from self._listed(0)

    def _listed(self, count: int) -> Iterator[Piece]:
        window = self._window
        while not window.took(b"]"):
            if count:
                window.expect(b",")
            raw = window.value(MAX_PIECE)
            count += 1
            yield Piece(Place(window.offset, count), raw)


def _word(raw: bytes | None) -> str | None:
    """A short string, or None for anything else."""
    try:
        found = text.parse(raw) if raw else None
    except text.MalformedJson:
        return None
    return found if isinstance(found, str) else None


class _Window:
    """What is held of a file: from `at` on to the end of the chunk that was read last."""

    def __init__(self, chunks: Iterable[bytes], offset: int) -> None:
        self._chunks = iter(chunks)
        self._text, self._at, self._base = b"", 0, offset

    @property
    def offset(self) -> int:
        """How many bytes of the file lie before what comes next."""
        return self._base + self._at

    def broken(self, reason: str) -> Broken:
        return Broken(f"{reason} (byte {self.offset})")

    def next_byte(self) -> int | None:
        """The next byte that is no white space, None at the end of the file."""
        while True:
            self._at = _end(_BLANK, self._text, self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return None

    def took(self, wanted: bytes) -> bool:
        """Whether the next byte is this one, which is then passed."""
        found = self.next_byte() == wanted[0]
        self._at += found
        return found

    def expect(self, wanted: bytes) -> None:
        if not self.took(wanted):
            raise self.broken(f"{wanted.decode()} was expected")

    def skip(self, prefix: bytes) -> None:
        while len(self._text) < len(prefix) and self._more():
            pass
        if self._text.startswith(prefix):
            self._at += len(prefix)

    def value(self, most: int) -> bytes | None:
        """The text of the next value, None where it is longer than `most` bytes."""
        first = self.next_byte()
        if first is None:
            raise self.broken("the file ends in the middle")
        taken = _Growing(most)
        if first in _CLOSING:
            self._pass_brackets(taken)
        elif first == _QUOTE:
            self._pass_string(taken, self._at + 1, self._at)
        else:
            self._pass_scalar(taken)
        return taken.raw

    def _pass_brackets(self, taken: _Growing) -> None:
        awaited, begin, at = bytearray(), self._at, self._at
        while True:
            at = _end(_TO_BRACKET, self._text, at)
            if at == len(self._text):
                begin = at = self._go_on(taken, begin, at)
                continue
            byte = self._text[at]
            at += 1
            if byte == _QUOTE:
                # A string that the end of the chunk cuts.
                begin = at = self._pass_string(taken, at, begin)
                continue
            if byte in _CLOSING:
                awaited.append(_CLOSING[byte])
            elif awaited.pop() != byte:
                self._at = at
                raise self.broken("brackets do not match")
            if len(awaited) > _MAX_DEPTH:
                raise self.broken("objects and lists are nested too deep")
            if not awaited:
                taken.add(self._text[begin:at])
                self._at = at
                return

    def _pass_string(self, taken: _Growing, at: int, begin: int) -> int:
        """Go behind the end of a string, whose quote lies before `at`; all from `begin` on is taken."""
        while True:
            at = _end(_IN_STRING, self._text, at)
            if at < len(self._text) and self._text[at] == _QUOTE:
                taken.add(self._text[begin : at + 1])
                self._at = at + 1
                return self._at
            # At the end of the chunk, or at a backslash alone before it.
            begin = at = self._go_on(taken, begin, at)

    def _pass_scalar(self, taken: _Growing) -> None:
        begin, at = self._at, self._at
        while (at := _end(_SCALAR, self._text, at)) == len(self._text):
            begin = at = self._go_on(taken, begin, at)
        taken.add(self._text[begin:at])
        if taken.length == 0:
            raise self.broken("a value was expected")
        self._at = at

    def _go_on(self, taken: _Growing, begin: int, at: int) -> int:
        """Take what is between two places, and read the next chunk; the place in it at which to go on."""
        taken.add(self._text[begin:at])
        self._at = at
        if not self._more():
            raise self.broken("the file ends in the middle")
        return 0

    def _more(self) -> bool:
        for chunk in self._chunks:
            self._base += self._at
            self._text, self._at = self._text[self._at :] + chunk, 0
            return True
        return False


def _end(pattern: re.Pattern[bytes], text_: bytes, at: int) -> int:
    found = pattern.match(text_, at)
    assert found is not None  # Each of them matches nothing at all, too.
    return found.end()

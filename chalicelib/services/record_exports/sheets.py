"""Pages of a PDF: lines set one below the other in letters that the file brings along, with a head and a number.

Pages are made as they fill, so that a record of any length needs little memory.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Final

from reportlab.lib.pagesizes import letter
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

_FONTS: Final = Path(__file__).parent / "fonts"
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
_WIDTH, _HEIGHT = letter
_MARGIN: Final = 54
_TOTAL: Final = "total"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})


@dataclass(frozen=True, slots=True)
class Print:
    """How large letters are, in points."""

    body: float
    head: float
    entry: float
    section: float
    title: float


NORMAL: Final = Print(body=11, head=9, entry=12, section=16, title=21)
LARGE: Final = Print(body=18, head=18, entry=20, section=24, title=28)
"""Letters of 18 points and more, as the American Council of the Blind asks of large print."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one kind of letters."""

    text: str
    bold: bool = False

    @property
    def font(self) -> str:
        """The name of its letters."""
        return BOLD if self.bold else REGULAR


@dataclass(frozen=True, slots=True)
class About:
    """What the file says of itself: its title, who made it, its language, and what stands on every page."""

    title: str
    author: str
    language: str
    head: str
    page: str
    """The words of a page's number; `{number}` stands in them."""


@dataclass(slots=True)
class Sheets:
    """The pages of a file, from the first on."""

    out: IO[bytes]
    about: About
    size: Print
    number: int = 0
    unprintable: bool = False
    _y: float = 0
    _canvas: Canvas = field(init=False)
    _head: list[list[Run]] = field(init=False)

    def __post_init__(self) -> None:
        _register()
        self._canvas = Canvas(self.out, pagesize=letter, pageCompression=1, lang=self.about.language)
        self._canvas.setTitle(self.about.title)
        self._canvas.setAuthor(self.about.author)
        self._canvas.setSubject(self.about.title)
        self._canvas.setViewerPreference("DisplayDocTitle", "true")
        self._canvas.showOutline()
        self._head = _lines([Run(self._clean(self.about.head))], self.size.head, _WIDTH - 2 * _MARGIN)
        self._begin()

    def set(
        self,
        runs: Sequence[Run],
        size: float,
        *,
        indent: float = 0,
        hanging: float = 0,
        keep: int = 0,
        above: float = 0,
    ) -> None:
        """Set a paragraph; `keep` lines of the body have to find room below it on the same page."""
        cleaned = [Run(self._clean(run.text), run.bold) for run in runs]
        lines = _lines(cleaned, size, _WIDTH - 2 * _MARGIN - indent, hanging)
        leading = size * 1.35
        needed = above + leading * min(len(lines), 3) + keep * self.size.body * 1.35
        if self._y - needed < self._bottom:
            self._turn()
        else:
            self._y -= above
        for place, line in enumerate(lines):
            if self._y - leading < self._bottom:
                self._turn()
            self._y -= leading
            self._draw(line, size, _MARGIN + indent + (hanging if place else 0), self._y)

    def mark(self, key: str, title: str) -> None:
        """Let readers jump to what comes next: it stands in the list of the viewer."""
        if self._y - self.size.section * 4 < self._bottom:
            self._turn()
        self._canvas.bookmarkHorizontal(key, 0, self._y)
        self._canvas.addOutlineEntry(self._clean(title), key, level=0)

    def link(self, key: str) -> None:
        """Let the line that was set last lead to a place."""
        bottom, top = self._y - 3, self._y + self.size.body
        self._canvas.linkRect("", key, (_MARGIN, bottom, _WIDTH - _MARGIN, top), relative=0)

    def rule(self, size: float) -> None:
        """A thin line across, below letters of a size."""
        self._y -= size * 0.4
        self._canvas.setLineWidth(0.5)
        self._canvas.line(_MARGIN, self._y, _WIDTH - _MARGIN, self._y)

    def end(self) -> None:
        """The last page is full: now every page can say of how many it is one."""
        self._canvas.showPage()
        self._canvas.beginForm(_TOTAL, 0, -self.size.head, 20 * self.size.head, 2 * self.size.head)
        self._canvas.setFont(REGULAR, self.size.head)
        self._canvas.drawString(0, 0, str(self.number))
        self._canvas.endForm()
        self._canvas.save()

    @property
    def _bottom(self) -> float:
        return _MARGIN + self.size.head * 2

    def _turn(self) -> None:
        self._canvas.showPage()
        self._begin()

    def _begin(self) -> None:
        self.number += 1
        self._y = _HEIGHT - _MARGIN + self.size.head
        for line in self._head:
            self._y -= self.size.head * 1.35
            self._draw(line, self.size.head, _MARGIN, self._y)
        self.rule(self.size.head)
        words = self.about.page.format(number=self.number)
        width = pdfmetrics.stringWidth(words, REGULAR, self.size.head)
        total = pdfmetrics.stringWidth("0000", REGULAR, self.size.head)
        self._draw([Run(words)], self.size.head, _WIDTH - _MARGIN - total - width, _MARGIN)
        self._canvas.saveState()
        self._canvas.translate(_WIDTH - _MARGIN - total, _MARGIN)
        self._canvas.doForm(_TOTAL)
        self._canvas.restoreState()
        self._y -= self.size.body * 0.6

    def _draw(self, line: Iterable[Run], size: float, x: float, y: float) -> None:
        text = self._canvas.beginText(x, y)
        for run in line:
            text.setFont(run.font, size)
            text.textOut(run.text)
        self._canvas.drawText(text)

    def _clean(self, text: str) -> str:
        """Text that can be set, and a note of whether all of it can be."""
        cleaned = _CONTROLS.sub(" ", unicodedata.normalize("NFC", text).replace("\t", " "))
        self.unprintable = self.unprintable or (not cleaned.isascii() and not all(map(_is_printable, cleaned)))
        return cleaned


@lru_cache(maxsize=1)
def _register() -> None:
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, _FONTS / f"{name}.ttf"))


@lru_cache(maxsize=10_000)
def _is_printable(character: str) -> bool:
    """Whether the letters have a form for it that stands right by itself: from left to right, that is."""
    known = ord(character) in pdfmetrics.getFont(REGULAR).face.charToGlyph
    return known and unicodedata.bidirectional(character) not in _RIGHT_TO_LEFT


@lru_cache(maxsize=50_000)
def _width(text: str, font: str, size: float) -> float:
    width: float = pdfmetrics.stringWidth(text, font, size)
    return width


def _lines(runs: Sequence[Run], size: float, room: float, hanging: float = 0) -> list[list[Run]]:
    """A paragraph broken into lines, words kept whole where a line has room for them."""
    lines: list[list[Run]] = [[]]
    used = 0.0
    for word in _words(runs, size, room - hanging):
        width = _width(word.text, word.font, size)
        space = _width(" ", word.font, size) if lines[-1] else 0.0
        if used + space + width > (room if len(lines) == 1 else room - hanging) and lines[-1]:
            lines.append([])
            used = space = 0.0
        lines[-1].append(Run(f" {word.text}" if space else word.text, word.bold))
        used += space + width
    return [_joined(line) for line in lines]


def _words(runs: Iterable[Run], size: float, room: float) -> Iterator[Run]:
    for run in runs:
        for word in filter(None, run.text.split(" ")):
            yield from (Run(part, run.bold) for part in _broken(word, run.font, size, room))


def _broken(word: str, font: str, size: float, room: float) -> Iterator[str]:
    """A word in parts that fit a line: nearly always itself."""
    while _width(word, font, size) > room:
        fits = next(end for end in range(len(word) - 1, 0, -1) if end == 1 or _width(word[:end], font, size) <= room)
        yield word[:fits]
        word = word[fits:]
    yield word


def _joined(line: list[Run]) -> list[Run]:
    """Neighbours of one kind as one, so that a program that reads the file finds sentences."""
    joined: list[Run] = []
    for run in line:
        if joined and joined[-1].bold == run.bold:
            joined[-1] = Run(joined[-1].text + run.text, run.bold)
        else:
            joined.append(run)
    return joined

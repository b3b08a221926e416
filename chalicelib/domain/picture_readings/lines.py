"""Lines of a picture, however it lies: turned upright, and put into rows as somebody reads them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """Some words in one go, as an engine read them, with its confidence (0 to 1) in each letter.

    `corners` are four points with the y axis down, in a unit that is the same both ways, from where the text begins at
    its top, clockwise as the text stands.
    """

    text: str
    confidences: tuple[float, ...]
    corners: tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Piece:
    """A line that stands upright: its ends, its middle from top to bottom, its height."""

    text: str
    confidences: tuple[float, ...]
    left: float
    right: float
    middle: float
    height: float

    @property
    def confidence(self) -> float:
        """That in its least certain letter or digit: one wrong one makes another number. 0 where it has none."""
        pairs = zip(self.text, self.confidences, strict=True)
        return min((confidence for letter, confidence in pairs if letter.isalnum()), default=0.0)

    def part(self, start: int, end: int | None = None) -> "Piece":
        """Some of its text, at its own place; the ends are those of the whole."""
        return replace(self, text=self.text[start:end], confidences=self.confidences[start:end])


Row = tuple[Piece, ...]

BETWEEN = "  "
"""What stands between the pieces of a row in its text."""


def rows_of(lines: Sequence[Line]) -> tuple[Row, ...]:
    """Rows from top to bottom, each from left to right."""
    turn = _direction(lines)
    pieces = sorted((_upright(line, turn) for line in lines if line.text.strip()), key=lambda one: one.middle)
    rows: list[list[Piece]] = []
    for piece in pieces:
        if rows and _is_beside(piece, rows[-1]):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return tuple(tuple(sorted(row, key=lambda one: one.left)) for row in rows)


def text_of(row: Row) -> str:
    """A row as one line of text."""
    return BETWEEN.join(piece.text for piece in row)


def _direction(lines: Sequence[Line]) -> float:
    """The angle in which most of the text runs.

    A short piece may be taken for one that stands on its head: the long ones, of which there is no doubt, have the say.
    """
    runs = [(line.corners[1][0] - line.corners[0][0], line.corners[1][1] - line.corners[0][1]) for line in lines]
    if not runs:
        return 0.0
    votes = [0.0] * 4
    for x, y in runs:
        votes[_quarter(x, y)] += math.hypot(x, y)
    wanted = votes.index(max(votes))
    kept = [(x, y) for x, y in runs if _quarter(x, y) == wanted]
    return math.atan2(sum(y for _, y in kept), sum(x for x, _ in kept))


def _quarter(x: float, y: float) -> int:
    return round(math.atan2(y, x) / (math.pi / 2)) % 4


def _upright(line: Line, turn: float) -> Piece:
    cos, sin = math.cos(-turn), math.sin(-turn)
    turned = [(x * cos - y * sin, x * sin + y * cos) for x, y in line.corners]
    across, down = [x for x, _ in turned], sorted(y for _, y in turned)
    top, bottom = (down[0] + down[1]) / 2, (down[2] + down[3]) / 2
    return Piece(line.text, line.confidences, min(across), max(across), (top + bottom) / 2, bottom - top)


def _is_beside(piece: Piece, row: list[Piece]) -> bool:
    if abs(piece.middle - median(one.middle for one in row)) > 0.5 * min(piece.height, *(one.height for one in row)):
        return False
    # What lies over another piece is beneath it, however close.
    return all(piece.left >= one.right - one.height or piece.right <= one.left + one.height for one in row)

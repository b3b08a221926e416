"""Words that say what stands beside or beneath them: `Group No. 70-33914`, `N.º de grupo`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.picture_readings.lines import Piece, Row
from chalicelib.domain.picture_readings.values import plain

OTHER: Final = "other"
"""The name of labels whose values are for no field: they end the value before them."""

_HAS_SIGN: Final = re.compile("[:#=]")
_BENEATH = 2.6
"""How many heights under a label its value may stand."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of one kind of paper by field.

    A weak one is a label only where a colon follows, or where it stands alone.
    """

    strong: Mapping[str, re.Pattern[str]]
    weak: Mapping[str, re.Pattern[str]]


def made(strong: Mapping[str, str], weak: Mapping[str, str]) -> Labels:
    """Labels of their patterns, which see a text without accents and capitals."""
    return Labels(
        {field: re.compile(rf"(?:^|(?<=[\s|,;(])){_whole(one)}\s*[:#.=]*\s*") for field, one in strong.items()},
        {
            field: re.compile(rf"(?:^|(?<=[\s|,;(])){_whole(one)}\s*(?:[:#=]+\s*|\.?\s*$)")
            for field, one in weak.items()
        },
    )


def _whole(pattern: str) -> str:
    return rf"(?:{pattern})(?![a-z])"


@dataclass(frozen=True, slots=True)
class Labelled:
    """What stands at a label."""

    field: str
    piece: Piece


@dataclass(frozen=True, slots=True)
class _Mark:
    field: str
    start: int
    end: int


def find(rows: Sequence[Row], labels: Labels) -> list[Labelled]:
    """Everything that has a label, from top to bottom."""
    marks = {id(piece): _marks(piece.text, labels) for row in rows for piece in row}
    found: list[Labelled] = []
    for place, row in enumerate(rows):
        for piece in row:
            found += _of_piece(piece, rows, place, marks)
    return found


def starts_with_label(piece: Piece, labels: Labels) -> bool:
    """Whether a piece begins with a label of any field."""
    marks = _marks(piece.text, labels)
    return bool(marks) and marks[0].start == 0


def _marks(text: str, labels: Labels) -> list[_Mark]:
    seen = plain(text)
    found = [
        _Mark(field, match.start(), match.end())
        for field, pattern in (*labels.strong.items(), *labels.weak.items())
        for match in pattern.finditer(seen)
        if match.start() == 0 or _HAS_SIGN.search(match[0])
    ]
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[_Mark] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _of_piece(piece: Piece, rows: Sequence[Row], place: int, marks: Mapping[int, list[_Mark]]) -> list[Labelled]:
    mine = marks[id(piece)]
    found = []
    for number, mark in enumerate(mine):
        is_last = number + 1 == len(mine)
        value = piece.part(mark.end, None if is_last else mine[number + 1].start)
        if any(one.isalnum() for one in value.text):
            found.append(Labelled(mark.field, value))
        elif is_last and (other := _beside(piece, rows[place], marks) or _beneath(piece, rows, place, marks)):
            found.append(Labelled(mark.field, other))
    return found


def _beside(piece: Piece, row: Row, marks: Mapping[int, list[_Mark]]) -> Piece | None:
    after = [one for one in row if one.left >= piece.right - piece.height]
    return after[0] if after and not marks[id(after[0])] else None


def _beneath(piece: Piece, rows: Sequence[Row], place: int, marks: Mapping[int, list[_Mark]]) -> Piece | None:
    for row in rows[place + 1 :]:
        under = [one for one in row if one.left < piece.right and one.right > piece.left]
        if under:
            one = under[0]
            is_near = one.middle - piece.middle <= _BENEATH * max(piece.height, one.height)
            return one if is_near and not marks[id(one)] else None
    return None

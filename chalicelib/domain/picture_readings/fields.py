"""From the lines of a picture to the fields of its kind, by rules alone: nothing is made up, what is unsure says so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from chalicelib.domain.picture_readings import FIELDS, Content, PictureKind, insurance_card, letter, medicine_label
from chalicelib.domain.picture_readings.cards import MASK, masked
from chalicelib.domain.picture_readings.finds import Find, weighed
from chalicelib.domain.picture_readings.lines import BETWEEN, Line, Row, rows_of, text_of

MOST_ROWS, LONGEST_ROW = 200, 300
"""What is kept of a text: more than any letter has on a page."""

_RULES: Final[Mapping[PictureKind, Callable[[Sequence[Row], date], list[Find]]]] = {
    PictureKind.INSURANCE_CARD: insurance_card.find,
    PictureKind.MEDICINE_LABEL: medicine_label.find,
    PictureKind.LETTER: letter.find,
}


def read(kind: PictureKind, lines: Sequence[Line], today: date) -> Content:
    """The text of a picture, the numbers of payment cards masked, and the fields of its kind."""
    rows = [_without_cards(row) for row in rows_of(lines)]
    # A card's number is no field, whatever stands beside it.
    found = [one for one in _RULES[kind](rows, today) if MASK not in one.value.text]
    text = tuple(text_of(row)[:LONGEST_ROW] for row in rows[:MOST_ROWS])
    return Content(text, tuple(weighed(name, found) for name in FIELDS[kind]))


def _without_cards(row: Row) -> Row:
    """A row whose card numbers are masked, also one that stands in several pieces of it."""
    hidden, place, pieces = masked(text_of(row)), 0, []
    for piece in row:
        pieces.append(replace(piece, text=hidden[place : place + len(piece.text)]))
        place += len(piece.text) + len(BETWEEN)
    return tuple(pieces)

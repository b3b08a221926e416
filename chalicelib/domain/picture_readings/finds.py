"""What the rules find for a field, weighed: one value that nothing speaks against is certain, anything else is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.picture_readings import Field
from chalicelib.domain.picture_readings.lines import Piece
from chalicelib.domain.picture_readings.values import Spot, Value

SURE: Final = 0.9
"""How certain an engine has to be of what it read for a field that is said to be certain."""


@dataclass(frozen=True, slots=True)
class Find:
    """A value that a field may have, with the engine's confidence in its words."""

    field: str
    value: Value
    confidence: float


def spots(field: str, piece: Piece, found: Sequence[Spot]) -> list[Find]:
    """What stands at places of a piece."""
    return [Find(field, one.value, piece.part(one.start, one.end).confidence) for one in found]


def weighed(name: str, found: Sequence[Find]) -> Field:
    """The first value, certain if it is sure and no other one was found for the field."""
    mine = [one for one in found if one.field == name and one.value.text]
    if not mine:
        return Field(name, None, 0.0, is_certain=False)
    first = mine[0]
    alike = [one for one in mine if _key(one.value.text) == _key(first.value.text)]
    # The same thing read twice is read once well.
    best = max(alike, key=lambda one: (one.value.is_sure, one.confidence))
    is_certain = best.value.is_sure and best.confidence >= SURE and len(alike) == len(mine)
    return Field(name, best.value.text, round(best.confidence, 3), is_certain)


def _key(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalnum())

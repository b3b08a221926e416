"""The name at the top of a paper, which no label names: an insurer's, a pharmacy's, a clinic's."""

import re
from collections.abc import Sequence
from typing import Final

from chalicelib.domain.picture_readings.finds import Find
from chalicelib.domain.picture_readings.labels import Labels, starts_with_label
from chalicelib.domain.picture_readings.lines import Piece, Row
from chalicelib.domain.picture_readings.values import Value, name, plain

_TOP: Final = 0.4
"""How much of the height of a paper is its top."""

_AS_LARGE: Final = 0.92
_LETTERS: Final = 4
_GREETING: Final = re.compile(r"\b(?:dear|estimad[oa]s?|querid[oa]s?)\b")


def find(field: str, rows: Sequence[Row], words: re.Pattern[str], labels: Labels) -> list[Find]:
    """The largest name at the top: sure where it says what it is, and nothing else there does or is as large."""
    names = [piece for piece in _top(rows) if _may_be_a_name(piece, labels)]
    if not names:
        return []
    said = [piece for piece in names if words.search(plain(piece.text))]
    best = max(said or names, key=lambda one: one.height)
    rivals = [one for one in names if one is not best and (one in said or one.height >= _AS_LARGE * best.height)]
    checked = name(best.text)
    is_sure = checked.is_sure and bool(said) and not _are_near(rivals, best)
    return [Find(field, Value(checked.text, is_sure), best.confidence)]


def _are_near(rivals: list[Piece], best: Piece) -> bool:
    """Whether one of them is about as large: what is much smaller only mentions such a name."""
    return any(one.height >= _AS_LARGE * best.height for one in rivals)


def _top(rows: Sequence[Row]) -> list[Piece]:
    if not rows:
        return []
    first, last = rows[0][0].middle, rows[-1][0].middle
    return [piece for row in rows for piece in row if piece.middle <= first + _TOP * (last - first)]


def _may_be_a_name(piece: Piece, labels: Labels) -> bool:
    return (
        sum(one.isalpha() for one in piece.text) >= _LETTERS
        and not any(one.isdigit() for one in piece.text)
        and ":" not in piece.text
        and not _GREETING.search(plain(piece.text))
        and not starts_with_label(piece, labels)
    )

"""What can be asked: one intent each.

A later part of the portal adds its intent here, its patterns in `patterns.py`, and its answer in
`services/questions/answering.py`.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, TypeAlias


class Intent(StrEnum):
    """What can be asked."""

    HELP = "help"
    REFILL = "refill"
    BILL = "bill"
    BOOK = "book"
    MESSAGE = "message"
    OTHERS = "others"
    INSTRUCTION = "instruction"
    ADVICE = "advice"
    DIAGNOSIS = "diagnosis"
    PROGNOSIS = "prognosis"
    SIDE_EFFECTS = "side_effects"
    WHY_TAKE = "why_take"
    NORMAL_RANGE = "normal_range"
    DOSAGE = "dosage"
    WHO = "who"
    DID_IT_CHANGE = "did_it_change"
    WHAT_IS_NEXT = "what_is_next"
    WHEN_WAS = "when_was"
    MEANING = "meaning"
    LATEST_VALUE = "latest_value"
    LIST = "list"
    WHAT_IS = "what_is"
    OVERVIEW = "overview"
    UNCOVERED = "uncovered"


REFUSED: Final = frozenset({Intent.OTHERS, Intent.INSTRUCTION, Intent.ADVICE, Intent.DIAGNOSIS, Intent.PROGNOSIS})
"""What no portal answers, whatever the record has; of a diagnosis it says what is on file."""

CHOOSABLE: Final = tuple(sorted(frozenset(Intent) - REFUSED - {Intent.UNCOVERED}))
"""Among which a language model may choose where no pattern fits: none of them does more than read."""

Chooser: TypeAlias = Callable[[Sequence[str]], Intent | None]
"""Says which intent some words have, or that it finds none."""


def nobody(_words: Sequence[str]) -> Intent | None:
    """Nobody is asked for what no pattern fits."""
    return None

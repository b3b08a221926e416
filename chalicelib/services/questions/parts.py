"""What the answer to one intent is made of."""

from dataclasses import dataclass

from chalicelib.domain.cited import Sentence
from chalicelib.domain.questions.answers import NextStep, Thing


@dataclass(frozen=True, slots=True)
class Part:
    """Sentences, what can be done next, what may have been meant, and what was spoken of."""

    sentences: tuple[Sentence, ...] = ()
    steps: tuple[NextStep, ...] = ()
    covered: bool = True
    choices: tuple[str, ...] = ()
    things: tuple[Thing, ...] = ()
    is_uncovered: bool = False

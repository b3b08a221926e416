"""What the portal never says of itself: a diagnosis, or advice on a dose. Those are a clinician's to say."""

import re
from collections.abc import Mapping
from typing import Final

_MAY_HAVE: Final = (
    "any|a question|questions|had|been|not|to |trouble|signs|new|more|other|pain|chest|fever|the feeling|symptoms"
    "|bleeding|black|side|problems|a rash|a fever|a bad|very|thoughts|taken|ever|kidney or|hives"
)
"""What people may be said to have: what they feel and see themselves."""

_BANNED: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        rf"\byou have (?!{_MAY_HAVE})",
        r"\byou(?:'re| are) (?:diabetic|anemic|sick with|infected)\b",
        r"(?<!not )(?<!never )(?<!n't )\bstop taking\b",
        r"\b(?:take|use) (?:more|less|double|half|extra|one|two|three)\b",
        r"\b(?:increase|decrease|lower|raise|double|skip|change) (?:your|the) (?:dose|medicine|insulin)\b",
        r"\bmilligrams?\b|\bmg\b|\bmcg\b",
    ),
    "es": (
        r"(?<!si )(?<!cuando )\busted (?:tiene|padece|sufre)\b",
        r"(?<!no )\b(?:deje|suspenda) de? ?(?:de tomar|de usar|el medicamento)\b",
        r"\b(?:tome|use) (?:más|menos|doble|la mitad|uno|una|dos|tres) ",
        r"(?<!no )\b(?:aumente|disminuya|baje|suba|duplique|cambie) (?:su|la) dosis\b",
        r"\bmiligramos?\b|\bmg\b|\bmcg\b",
    ),
}
"""Not to change or to stop something on one's own may be said."""


def found_in(sentence: str, language: str) -> list[str]:
    """The words of a sentence that would be a diagnosis or advice on a dose."""
    matches = (re.search(banned, sentence, re.IGNORECASE) for banned in _BANNED[language])
    return [match[0] for match in matches if match]

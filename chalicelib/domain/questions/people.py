"""Whether a question is about somebody else: a relative, a neighbour, a name that is not the patient's."""

import re
from collections.abc import Collection
from typing import Final

from chalicelib.domain.questions import said, when
from chalicelib.domain.questions.names import find_mentions, words_of

_STRANGERS: Final = (
    r"neighbou?rs?|friends?|boss|bosss|coworkers?|co workers?|colleagues?|roommates?|ex|exs|ex wife|ex husband|"
    r"employees?|landlord|teacher|tenant|boyfriends?|girlfriends?|vecin[oa]s?|amig[oa]s?|jef[ea]|novi[oa]|emplead[oa]|"
    r"companer[oa]|ex espos[oa]|suegr[oa]"
)
_RELATIVES: Final = (
    r"wife|wifes|husbands?|spouses?|partners?|mothers?|moms?|mums?|fathers?|dads?|parents?|sons?|daughters?|child|childs|"
    r"childrens?|kids?|babys?|baby|brothers?|sisters?|aunts?|uncles?|cousins?|grandmas?|grandpas?|grandmothers?|"
    r"grandfathers?|nieces?|nephews?|in laws?|espos[oa]|marido|mama|madre|papa|padre|hij[oa]s?|herman[oa]s?|ti[oa]s?|"
    r"prim[oa]s?|abuel[oa]s?|abuelit[oa]|sobrin[oa]s?|niet[oa]s?"
)
_WHOSE: Final = r"(?:my|of my|our|mi|mis|de mi|nuestr[oa]|a|the|el|la)"
_FAMILY_HISTORY: Final = re.compile(
    r"\b(?:family history|historia familiar|antecedentes|runs? in my family|en mi familia)\b"
)
_OF_A_STRANGER: Final = re.compile(rf"\b(?:my|our|mi|mis|nuestr[oa]) (?:\w+ )?(?:{_STRANGERS})\b")
_OF_A_RELATIVE: Final = re.compile(rf"\b(?:my|our|mi|mis|nuestr[oa]) (?:\w+ )?(?:{_RELATIVES})\b")

_SPLIT: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|[.?!¿¡:]")
_POSSESSIVE: Final = re.compile(r"['’]s$")
_ID: Final = re.compile(r"\b(?:pat|rec|acc)_[0-9A-Za-z]{6,}\b")
_TITLES: Final = frozenset({"dr", "dra", "doctor", "doctora", "nurse", "enfermera", "mr", "mrs", "ms", "sr", "sra"})
_OF: Final = re.compile(
    r"\b(?:records?|results?|labs?|medicines?|medications?|meds|chart|file|diagnos[ei]s|visits?|allergies|expediente|"
    r"resultados?|medicinas|medicamentos|examenes|alergias|citas) (?:of|for|from|about|de|del|para) "
    r"(?P<who>\w+ \w+|\w+)"
)
_CLEAR_SLIP: Final = 0.85
"""How like a name of the vocabulary a word in capitals has to be to be a slip of it, and nobody's name."""

_FIRST_PLACES: Final = frozenset(".?!¿¡:")


def is_about_another(question: str, own_names: Collection[str], *, by_caregiver: bool) -> bool:
    """Whether somebody else's data is asked for.

    `own_names` are the patient's, as words are compared. A caregiver may call the patient their mother or their son.
    """
    text = " ".join(words_of(question))
    if _ID.search(question):
        return True
    if _FAMILY_HISTORY.search(text):
        return False
    if _OF_A_STRANGER.search(text) or (not by_caregiver and _OF_A_RELATIVE.search(text)):
        return True
    return _names_somebody(question, own_names) or _of_somebody(text, own_names)


def _names_somebody(question: str, own_names: Collection[str]) -> bool:
    """Words in capitals side by side, or one that something belongs to, of which one means nothing else."""
    if question.isupper():
        return False
    runs = _runs_of_capitals(_SPLIT.findall(question))
    return any(
        any(_is_name(part, own_names) for part in run) and (len(run) > 1 or _POSSESSIVE.search(run[-1])) for run in runs
    )


def _runs_of_capitals(parts: list[str]) -> list[list[str]]:
    """Words in capitals that stand side by side: not where a sentence begins, nor behind a doctor's title."""
    runs: list[list[str]] = []
    before = "."
    is_skipped = False
    for part in parts:
        if not part[:1].isupper():
            is_skipped = part.lower() in _TITLES
        elif part.lower() in _TITLES:
            is_skipped = True
        elif not is_skipped and before not in _FIRST_PLACES:
            if before[:1].isupper() and runs:
                runs[-1].append(part)
            else:
                runs.append([part])
        before = part
    return runs


def _is_name(part: str, own_names: Collection[str]) -> bool:
    bare = words_of(_POSSESSIVE.sub("", part))
    return len(bare) == 1 and len(part) > 1 and bare[0] not in own_names and _means_nothing(bare[0], _CLEAR_SLIP)


def _of_somebody(text: str, own_names: Collection[str]) -> bool:
    return any(_is_somebody(found["who"].split(), own_names) for found in _OF.finditer(text))


def _is_somebody(who: list[str], own_names: Collection[str]) -> bool:
    """Whether one or two words can be a name: they are neither the patient's nor a term's, and one means nothing."""
    if any(word in own_names or said.is_plain(word) or not word.isalpha() for word in who):
        return False
    return any(_means_nothing(word) for word in who) and not find_mentions(who)


def _means_nothing(word: str, like: float = 0.0) -> bool:
    """Whether a word is no ordinary one, no name of the vocabulary nor a slip of one, and no month."""
    return not said.is_known(word) and not said.meant(word, like) and when.month(word) is None

"""What stands on the label of a medicine."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from chalicelib.domain.picture_readings import headings, labels
from chalicelib.domain.picture_readings.finds import Find, spots
from chalicelib.domain.picture_readings.labels import OTHER, Labelled
from chalicelib.domain.picture_readings.lines import Piece, Row
from chalicelib.domain.picture_readings.values import (
    Value,
    between,
    code,
    days,
    is_spanish,
    name,
    phones,
    phrase,
    plain,
    sure,
    unsure,
    whole,
)

_NUMBER: Final = r"(?:no|n\.?\s*o|num(?:ero)?|number|#)"
_LABELS: Final = labels.made(
    strong={
        "rx_number": rf"(?:rx|prescription|receta)\s*{_NUMBER}|{_NUMBER}\.?\s*de\s*(?:la\s*)?receta",
        "filled_on": r"(?:date\s*)?(?:filled|dispensed)(?:\s*on)?|fill\s*date|date\s*of\s*fill"
        r"|fecha\s*de\s*(?:surtido|despacho|entrega)|surtid[oa]\s*el|despachad[oa]\s*el",
        "refills_left": r"refills?(?:\s*(?:left|remaining))?|(?:resurtidos|recargas|repeticiones)(?:\s*restantes)?",
        "quantity": r"qty|quantity|cantidad|cant",
        "prescriber": r"prescriber|prescribed\s*by|recetad[oa]\s*por|prescriptor",
        "phone": r"phone|tel(?:ephone)?|telefono",
        OTHER: r"discard\s*(?:after|by)|expires?|exp(?:iration)?\s*date|use\s*by|desechar|caduca|vence|fax|dob|ndc|mfg"
        r"|manufacturer|fabricante|lot|lote|written|original\s*date|fecha\s*de\s*(?:nacimiento|vencimiento|la\s*receta)"
        r"|patient|paciente|address|direccion|caution|precaucion|refill\s*(?:by|until|before|after)",
    },
    weak={
        "rx_number": r"rx|prescription|receta",
        "filled_on": r"date|fecha|surtido",
        "refills_left": r"resurtido|recarga",
        "prescriber": r"doctor|prescriber|md|medico|dr|dra",
        "medicine": r"medication|medicine|drug|medicamento|medicina",
        "instructions": r"directions|instructions|sig|instrucciones|indicaciones|modo\s*de\s*uso",
        "strength": r"strength|dose|concentracion|dosis",
        "pharmacy": r"pharmacy|farmacia",
    },
)
_PHARMACIES: Final = re.compile(
    r"pharmac|farmaci|botica|drug\s*store|drugs\b|apothecary|walgreens|\bcvs\b|rite aid|walmart|costco|kroger|publix"
)
_AMOUNT: Final = r"\d{1,4}(?:[.,]\d{1,3})?"
_UNIT: Final = r"(?:mg|mcg|µg|μg|g|ml|iu|units?|unidades|meq|%)"
_STRENGTH: Final = re.compile(
    rf"(?<![\w.,/-]){_AMOUNT}(?:\s*[-/]\s*{_AMOUNT})?\s*{_UNIT}(?:\s*/\s*(?:{_AMOUNT})?\s*(?:mg|ml|g|hr?|dosis|dose|{_UNIT}))?(?![a-z])"
)
_FORM: Final = re.compile(
    r"\b(?:tab(?:let)?s?|cap(?:sule|let)?s?|tabletas?|capsulas?|comprimidos?|er|xr|sr|dr|odt|oral|solution|suspension|"
    r"solucion|jarabe|syrup|cream|crema|ointment|unguento|inhaler|inhalador|spray|drops|gotas|injection|patch|parche)\b.*"
)
_ORDER: Final = re.compile(
    r"(?:take|give|apply|inhale|use|place|inject|instill|chew|dissolve|swallow|spray|insert|drink|put"
    r"|tom[ea]r?|de\b|administre|aplique|inhale|use|coloque|inyecte|ponga|mastique|disuelva|trague|rocie|beba)\b"
)
_DOCTOR: Final = re.compile(r"^(?:dr|dra)\.?\s+[a-z]|,\s*(?:md|do|np|pa(?:-c)?|m\.d\.)\.?$")
_NONE_LEFT: Final = re.compile(r"\b(?:no\s*refills|sin\s*(?:resurtidos|recargas|repeticiones))\b")
_MOST_REFILLS, _MOST_UNITS = 24, 5000
_NEXT_ROW, _CLEAR = 1.75, 1.95
"""In heights: how near the next row of an instruction is, and from where on something is clearly not of it."""

_OLDEST: Final = timedelta(days=5 * 365)


def find(rows: Sequence[Row], today: date) -> list[Find]:
    """Everything that the fields of a label may be."""
    spanish = is_spanish(" ".join(piece.text for row in rows for piece in row))
    found = [one for each in labels.find(rows, _LABELS) for one in _read(each, today, spanish=spanish)]
    found += [*_medicines(rows), *_instructions(rows), *_doctors(rows), *_none_left(rows)]
    fields = {one.field for one in found}
    if "pharmacy" not in fields:
        found += headings.find("pharmacy", rows, _PHARMACIES, _LABELS)
    if "pharmacy_phone" not in fields:
        pieces = (piece for row in rows for piece in row if not labels.starts_with_label(piece, _LABELS))
        found += [one for piece in pieces for one in spots("pharmacy_phone", piece, phones(piece.text))]
    return found


def _read(said: Labelled, today: date, *, spanish: bool) -> list[Find]:
    match said.field:
        case "other":
            return []
        case "phone":
            return spots("pharmacy_phone", said.piece, phones(said.piece.text))
        case "filled_on":
            found = days(said.piece.text, is_spanish=spanish)[:1]
            # A day to come, or years ago, is none on which this was filled.
            checked = [between(one, today - _OLDEST, today + timedelta(days=1)) for one in found]
            return spots("filled_on", said.piece, checked)
        case _:
            return [Find(said.field, _value(said.field, said.piece.text), said.piece.confidence)]


def _value(field: str, text: str) -> Value:
    if (check := _CHECKS.get(field)) is not None:
        return check(text)
    # Where its words end cannot be told from a label alone.
    return unsure(text)


_CHECKS: Final[Mapping[str, Callable[[str], Value]]] = {
    "rx_number": lambda text: code(text, digits=5),
    "refills_left": lambda text: whole(text, _MOST_REFILLS),
    "quantity": lambda text: whole(text, _MOST_UNITS),
    "prescriber": lambda text: name(text, words=2),
    "pharmacy": name,
    "medicine": name,
    "strength": lambda text: Value(text, _STRENGTH.fullmatch(plain(text)) is not None),
}


def _medicines(rows: Sequence[Row]) -> Iterator[Find]:
    """A name with a strength behind it, in one piece or in two of one row."""
    for row in rows:
        for place, piece in enumerate(row):
            seen = plain(piece.text)
            strength = _STRENGTH.search(seen)
            if strength is None or _ORDER.match(seen) or labels.starts_with_label(piece, _LABELS):
                continue
            said = piece.part(strength.start(), strength.end())
            yield Find("strength", sure(said.text), said.confidence)
            named = piece.part(0, strength.start())
            if place and not named.text.strip(" ,-"):
                named = row[place - 1]
            named = named.part(0, len(_FORM.sub("", plain(named.text))))
            yield Find("medicine", name(named.text), named.confidence)


def _instructions(rows: Sequence[Row]) -> Iterator[Find]:
    """The sentences that begin with what to do, up to where something else clearly begins."""
    for place, row in enumerate(rows):
        for piece in row:
            if not _ORDER.match(plain(piece.text)):
                continue
            block, has_clear_end = _block(piece, rows[place + 1 :])
            if len(row) == 1 or piece is row[0]:
                value = phrase(" ".join(one.text for one in block))
                is_sure = value.is_sure and has_clear_end and len(row) == 1
                yield Find("instructions", Value(value.text, is_sure), min(one.confidence for one in block))
            return


def _block(first: Piece, rows: Sequence[Row]) -> tuple[list[Piece], bool]:
    """The rows of a sentence, and whether it is clear that it ends there."""
    block = [first]
    for row in rows:
        last, one = block[-1], row[0]
        gap = (one.middle - last.middle) / max(last.height, one.height)
        if labels.starts_with_label(one, _LABELS) or gap >= _CLEAR:
            return block, True
        is_alike = abs(one.left - first.left) <= first.height and 0.75 <= one.height / first.height <= 1.33  # noqa: PLR2004  As large.
        if not is_alike or gap > _NEXT_ROW or len(row) > 1:
            return block, False
        block.append(one)
    return block, True


def _doctors(rows: Sequence[Row]) -> Iterator[Find]:
    """A name with a doctor's title, where no label says whose it is."""
    for row in rows:
        for piece in row:
            if _DOCTOR.search(plain(piece.text)) and not labels.starts_with_label(piece, _LABELS):
                yield Find("prescriber", name(piece.text, words=2), piece.confidence)


def _none_left(rows: Sequence[Row]) -> Iterator[Find]:
    for row in rows:
        for piece in row:
            if _NONE_LEFT.search(plain(piece.text)):
                yield Find("refills_left", sure("0"), piece.confidence)

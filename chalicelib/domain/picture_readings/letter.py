"""What stands in a letter."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from chalicelib.domain.picture_readings import headings, labels
from chalicelib.domain.picture_readings.finds import Find, spots
from chalicelib.domain.picture_readings.labels import OTHER, Labelled
from chalicelib.domain.picture_readings.lines import Piece, Row
from chalicelib.domain.picture_readings.values import between, days, is_spanish, name, phones, phrase, plain, unsure

_LABELS: Final = labels.made(
    strong={
        "date": r"date\s*of\s*(?:this\s*)?letter|fecha\s*de\s*(?:la\s*)?carta",
        "phone": r"phone|tel(?:ephone)?|telefono|call\s*us\s*at",
        OTHER: r"fax|date\s*of\s*birth|dob|fecha\s*de\s*nacimiento|patient|paciente|member\s*id|account|cuenta|claim"
        r"|encl(?:osure)?s?|anexos?|cc",
    },
    weak={
        "sender": r"from|de|remitente",
        "date": r"date|fecha",
        "subject": r"re|subject|regarding|asunto|referencia|ref",
        OTHER: r"to|para|page|pagina",
    },
)
_SENDERS: Final = re.compile(
    r"\b(?:clinics?|hospital|medical|medicine|health|healthcare|center|centre|associates|department|insurance|pharmacy|"
    r"laborator(?:y|ies)|imaging|radiology|cardiology|clinica|centro|consultorio|salud|seguros?|laboratorio|farmacia|"
    r"departamento|medico)\b"
)
_GREETING: Final = re.compile(r"^(?:dear|to whom|hello|estimad[oa]s?|querid[oa]s?|a quien)\b")
_APPOINTMENT: Final = re.compile(
    r"\b(?:appointments?|scheduled|visit|see\s+you|citas?|consulta|programad[oa]|visita|le\s+esperamos)\b"
)
_OTHER_DAY: Final = re.compile(
    r"\b(?:born|birth|nacid[oa]|nacimiento|before|by|until|antes|hasta|due|vence|last|since|desde|ultima|previous|anterior)"
    r"\b[^.]{0,20}$"
)
_NEAR = 140
"""How many letters before a day the word stands that makes it an appointment's."""

_FARTHEST: Final = timedelta(days=3 * 365)
_OLDEST: Final = timedelta(days=30 * 365)


def find(rows: Sequence[Row], today: date) -> list[Find]:
    """Everything that the fields of a letter may be."""
    spanish = is_spanish(" ".join(piece.text for row in rows for piece in row))
    found = [one for each in labels.find(rows, _LABELS) for one in _read(each, today, spanish=spanish)]
    head, body = _parted(rows)
    fields = {one.field for one in found}
    if "date" not in fields:
        found += _dates(head, today, spanish=spanish)
    if "sender" not in fields:
        found += headings.find("sender", rows, _SENDERS, _LABELS)
    found += _phones(rows)
    return found + _appointments(body, today, spanish=spanish)


def _read(said: Labelled, today: date, *, spanish: bool) -> list[Find]:
    text, confidence = said.piece.text, said.piece.confidence
    match said.field:
        case "subject":
            return [Find("subject", phrase(text), confidence)]
        case "sender":
            return [Find("sender", name(text), confidence)]
        case "date":
            return _written(said.piece, today, spanish=spanish)[:1]
        case _:
            return []


def _parted(rows: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row]]:
    """What stands above the greeting, and the rest; all of it twice where nobody is greeted."""
    for place, row in enumerate(rows):
        if _GREETING.match(plain(row[0].text)):
            return rows[:place], rows[place:]
    return rows, rows


def _dates(head: Sequence[Row], today: date, *, spanish: bool) -> list[Find]:
    pieces = [piece for row in head for piece in row if not labels.starts_with_label(piece, _LABELS)]
    return [one for piece in pieces for one in _written(piece, today, spanish=spanish)]


def _written(piece: Piece, today: date, *, spanish: bool) -> list[Find]:
    """The days in a piece: nobody has written a letter on a day to come, nor decades ago."""
    found = days(piece.text, is_spanish=spanish)
    return spots("date", piece, [between(one, today - _OLDEST, today + timedelta(days=1)) for one in found])


def _phones(rows: Sequence[Row]) -> list[Find]:
    pieces = [piece for row in rows for piece in row if not _is_fax(piece)]
    return [one for piece in pieces for one in spots("phone", piece, phones(piece.text))]


def _is_fax(piece: Piece) -> bool:
    return "fax" in plain(piece.text)


def _appointments(body: Sequence[Row], today: date, *, spanish: bool) -> list[Find]:
    """Days of which the words before them say that they are an appointment's, also where a row ends between."""
    text = _joined(body)
    seen, found = plain(text.text), []
    for day in days(text.text, is_spanish=spanish):
        before = seen[max(0, day.start - _NEAR) : day.start]
        if _APPOINTMENT.search(before):
            checked = between(day, today - _FARTHEST, today + _FARTHEST)
            is_other = _OTHER_DAY.search(before) is not None
            found.append(replace(checked, value=unsure(day.value.text)) if is_other else checked)
    return spots("appointment_on", text, found)


def _joined(rows: Sequence[Row]) -> Piece:
    """All of it as one piece, one word after the other."""
    pieces = [piece for row in rows for piece in row]
    text = " ".join(piece.text for piece in pieces)
    confidences = tuple(itertools.chain.from_iterable((*piece.confidences, 1.0) for piece in pieces))[: len(text)]
    return Piece(text, confidences, 0.0, 0.0, 0.0, 0.0)

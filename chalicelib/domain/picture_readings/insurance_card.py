"""What stands on an insurance card."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from chalicelib.domain.picture_readings import headings, labels
from chalicelib.domain.picture_readings.finds import Find, spots
from chalicelib.domain.picture_readings.labels import OTHER, Labelled
from chalicelib.domain.picture_readings.lines import Row
from chalicelib.domain.picture_readings.values import Value, code, name, phones, phrase

_NUMBER: Final = r"(?:no|n\.?\s*o|num(?:ero)?|number|id|#)"
_MEMBERS: Final = r"(?:miembro|afiliad[oa]|asegurad[oa]|soci[oa]|beneficiari[oa]|suscriptor|poliza|identificacion)"
_LABELS: Final = labels.made(
    strong={
        "member_id": rf"(?:member|subscriber|enrollee|insured|policy|certificate)\s*{_NUMBER}"
        rf"|identification\s*{_NUMBER}?|{_NUMBER}\.?\s*de(?:l|\s*la)?\s*{_MEMBERS}",
        "group_number": rf"(?:group|grp)\s*{_NUMBER}|{_NUMBER}\.?\s*de(?:l)?\s*grupo",
        "bin": r"rx\s*bin|bin\s*(?:no|number|#)",
        "pcn": r"rx\s*pcn",
        "plan": r"plan\s*(?:name|type)|(?:nombre|tipo)\s*de(?:l)?\s*plan",
        "subscriber_name": rf"(?:subscriber|member|enrollee|insured)\s*name|name\s*of\s*(?:insured|subscriber|member)"
        rf"|nombre\s*de(?:l|\s*la)?\s*(?:titular|{_MEMBERS})",
        "phone": r"(?:member|customer)\s*(?:services?|care|support)|servicios?\s*(?:al?|para)\s*(?:los\s*)?"
        r"(?:clientes?|miembros?|afiliados?)|atencion\s*al\s*(?:cliente|afiliado)",
        OTHER: r"rx\s*(?:grp|group|grupo|id)|co-?pay(?:ment)?s?|copagos?|deductible|deducible|effective(?:\s*date)?|dob"
        r"|date\s*of\s*birth|fecha\s*de\s*nacimiento|vigencia|issuer|dependents?|pcp|primary\s*care|providers?|fax"
        r"|claims?|pharmac(?:y|ist)s?|proveedores|farmacias?|prior\s*auth\w*|nurse\s*line|urgencias|emergency"
        r"|office\s*visit|specialist|coinsurance|out\s*of\s*pocket",
    },
    weak={
        "payer": r"payer|insurer|insurance\s*company|carrier|aseguradora|compania\s*de\s*seguros",
        "member_id": r"id|policy|poliza|identificacion",
        "group_number": r"group|grp|grupo",
        "bin": r"bin",
        "pcn": r"pcn",
        "plan": r"plan",
        "subscriber_name": r"name|nombre|subscriber|member|insured|titular|asegurad[oa]|afiliad[oa]|miembro|suscriptor",
        "phone": r"phone|tel(?:ephone)?|telefono|customer\s*service",
    },
)
_INSURERS: Final = re.compile(
    r"\b(?:health|plan|insurance|assurance|medicare|medicaid|benefits?|mutual|shield|hmo|ppo|aetna|cigna|humana|kaiser|"
    r"unitedhealthcare|anthem|molina|centene|seguros?|salud|aseguradora)\b"
)
_BIN, _PCN = re.compile(r"\d{6}"), re.compile(r"[A-Z0-9]{1,10}")


def find(rows: Sequence[Row], _today: date) -> list[Find]:
    """Everything that the fields of a card may be."""
    found = [one for each in labels.find(rows, _LABELS) for one in _read(each)]
    if not any(one.field == "payer" for one in found):
        found += headings.find("payer", rows, _INSURERS, _LABELS)
    return found


def _read(said: Labelled) -> list[Find]:
    if said.field == OTHER:
        return []
    if said.field == "phone":
        return spots("phone", said.piece, phones(said.piece.text))
    return [Find(said.field, _value(said.field, said.piece.text), said.piece.confidence)]


def _value(field: str, text: str) -> Value:
    match field:
        case "member_id":
            return code(text, digits=3)
        case "group_number":
            return code(text)
        case "bin" | "pcn":
            shown = code(text, digits=0)
            form = _BIN if field == "bin" else _PCN
            return Value(shown.text, shown.is_sure and form.fullmatch(shown.text) is not None)
        case "plan":
            return phrase(text)
        case "subscriber_name":
            return name(text, words=2)
        case _:
            return name(text)

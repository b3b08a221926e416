"""What is written and drawn: documents, images, questionnaires, and the bills that the portal does not know."""

import base64
import hashlib
import math
import struct
import zlib
from decimal import Decimal
from typing import Any

from infra.sample.charting.chart import Chart, Visit
from infra.sample.charting.results import category, observe
from infra.sample.clinic import ORGANIZATION
from infra.sample.vocabulary.systems import LOINC, Concept, Json, codeable, hl7, loinc

_DOCUMENT_CATEGORIES = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_PHQ_ITEMS = (
    ("44250-9", "Little interest or pleasure in doing things"),
    ("44255-8", "Feeling down, depressed, or hopeless"),
    ("44259-0", "Trouble falling or staying asleep, or sleeping too much"),
    ("44254-1", "Feeling tired or having little energy"),
    ("44251-7", "Poor appetite or overeating"),
    ("44258-2", "Feeling bad about yourself - or that you are a failure or have let yourself or your family down"),
    ("44252-5", "Trouble concentrating on things, such as reading the newspaper or watching television"),
    ("44253-3", "Moving or speaking so slowly that other people could have noticed, or the opposite"),
    ("44260-8", "Thoughts that you would be better off dead, or of hurting yourself in some way"),
)
_PHQ_ANSWERS = (
    ("LA6568-5", "Not at all"),
    ("LA6569-3", "Several days"),
    ("LA6570-1", "More than half the days"),
    ("LA6571-9", "Nearly every day"),
)
_PHQ_SCORES = {
    2: ("55757-9", loinc("55758-7", "Patient Health Questionnaire 2 item (PHQ-2) total score [Reported]")),
    9: ("44249-1", loinc("44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]")),
}


def attachment(text: str, title: str, content_type: str = "text/plain; charset=utf-8") -> Json:
    """An Attachment that carries its text inside."""
    data = text.encode()
    return {
        "contentType": content_type,
        "data": base64.b64encode(data).decode(),
        "size": len(data),
        # FHIR R4 defines Attachment.hash as SHA-1; it guards against damage, not against anybody.
        "hash": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode(),
        "title": title,
    }


def document(chart: Chart, visit: Visit, concept: Concept, text: str, content: Json, **fields: Any) -> Json:
    """A DocumentReference with one content; `text` is the kind of document in words."""
    defaults = {
        "status": "current",
        "docStatus": "final",
        "type": codeable(text, concept),
        "category": [codeable("Clinical note", Concept(_DOCUMENT_CATEGORIES, "clinical-note", "Clinical Note"))],
        "subject": chart.subject,
        "date": visit.issued,
        "author": [chart.clinician.by_npi()],
        "content": [{"attachment": content}],
        "context": {"encounter": [visit.encounter], "period": {"start": visit.at}},
    }
    return chart.add("DocumentReference", f"{concept.code}-{visit.key}", **(defaults | fields))


def health_questionnaire(chart: Chart, visit: Visit, answers: tuple[int, ...]) -> Json:
    """A PHQ-2 or PHQ-9, by the number of answers (0 to 3 each), and the Observation of its score."""
    form, score = _PHQ_SCORES[len(answers)]
    items = [
        {"linkId": f"/{code}", "text": text, "answer": [{"valueCoding": _phq_answer(answer)}]}
        for (code, text), answer in zip(_PHQ_ITEMS, answers, strict=False)
    ]
    response = chart.add(
        "QuestionnaireResponse",
        f"phq-{len(answers)}-{visit.key}",
        questionnaire=f"http://loinc.org/q/{form}",
        status="completed",
        subject=chart.subject,
        encounter=visit.encounter,
        authored=visit.at,
        source=chart.patient,
        item=[*items, {"linkId": f"/{score.code}", "text": "Total score", "answer": [{"valueInteger": sum(answers)}]}],
    )
    return observe(
        chart,
        visit,
        score.code,
        codeable(f"PHQ-{len(answers)} score", score),
        category=category("survey"),
        valueInteger=sum(answers),
        derivedFrom=[response],
    )


def _phq_answer(answer: int) -> Json:
    code, display = _PHQ_ANSWERS[answer]
    return {"system": LOINC, "code": code, "display": display}


def bill(chart: Chart, visit: Visit, amount: str, insurer: str) -> None:
    """A Coverage and the Claim for a visit. The portal keeps both as sent and makes no record of them."""
    coverage = chart.add(
        "Coverage",
        f"coverage-{visit.key}",
        status="active",
        subscriberId=f"SAMPLE-{chart.person.mrn}",
        beneficiary=chart.subject,
        relationship=hl7("subscriber-relationship", "self", "Self"),
        payor=[{"display": insurer}],
    )
    chart.add(
        "Claim",
        f"claim-{visit.key}",
        status="active",
        type=hl7("claim-type", "professional", "Professional"),
        use="claim",
        patient=chart.subject,
        created=visit.issued,
        provider=ORGANIZATION,
        priority=hl7("processpriority", "normal", "Normal"),
        insurance=[{"sequence": 1, "focal": True, "coverage": coverage}],
        item=[{"sequence": 1, "productOrService": codeable("Office visit"), "encounter": [visit.encounter]}],
        total={"value": Decimal(amount), "currency": "USD"},
    )


def round_picture(size: int = 64) -> bytes:
    """A small greyscale PNG of a bright disc, which stands for a photograph of a retina.

    The pixels are stored and not compressed, because compressors differ and the files must not.
    """
    middle = (size - 1) / 2
    lines = [
        [max(20, 230 - 6 * math.isqrt(int((x - middle) ** 2 + (y - middle) ** 2))) for x in range(size)]
        for y in range(size)
    ]
    pixels = b"".join(bytes([0, *line]) for line in lines)
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(pixels), len(pixels) ^ 0xFFFF) + pixels
    body = stored + struct.pack(">I", zlib.adler32(pixels))
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

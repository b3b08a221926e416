"""Her hospital stay, and what was seen on films, traces and photographs."""

import base64
from decimal import Decimal

from infra.sample.charting import documents, results
from infra.sample.charting.chart import HOSPITAL, Chart, Visit
from infra.sample.charting.history import Diagnosis, diagnose
from infra.sample.charting.times import weekday
from infra.sample.clinic import IMAGING_CENTER, ORGANIZATION, RAGHUNATHAN, TANABE
from infra.sample.people.elder import texts
from infra.sample.vocabulary import disorders
from infra.sample.vocabulary.systems import DICOM, Json, codeable, hl7, loinc, snomed

_CHEST_XRAY = loinc("36643-5", "XR Chest 2 Views")
BONE_DENSITY = loinc("38269-7", "DXA Skeletal system Views for bone density")


def write(chart: Chart, seen: dict[str, Visit]) -> None:
    _hospital_stay(chart)
    _heart(chart, seen["2019-06"])
    _bones(chart, seen["2021-09"])
    _eyes(chart, seen["2026-06"])


def _hospital_stay(chart: Chart) -> None:
    stay = chart.visit(weekday(2022, 1, 18), HOSPITAL, time="11:40", reason=disorders.PNEUMONIA.concept())
    pneumonia = Diagnosis(disorders.PNEUMONIA, "2022-01-18", "2022-02-08", category="encounter-diagnosis")
    reason = diagnose(chart, "pneumonia", pneumonia, stay)
    study = _imaging_study(chart, stay, "chest-xray", "Chest X-ray", 2)
    results.report(
        chart,
        stay,
        _CHEST_XRAY,
        "Chest X-ray",
        section="RAD",
        imagingStudy=[study],
        resultsInterpreter=[RAGHUNATHAN.by_npi()],
        conclusion="Right lower lobe pneumonia.",
        presentedForm=[documents.attachment(texts.CHEST_XRAY, "Chest X-ray report")],
    )
    summary = loinc("18842-5", "Discharge summary")
    content = documents.attachment(texts.DISCHARGE, "Discharge summary")
    documents.document(chart, stay, summary, "Discharge summary", content)
    chart.add(
        "Provenance", "provenance-pneumonia", target=[reason], recorded=stay.issued, agent=[{"who": ORGANIZATION}]
    )


def _imaging_study(chart: Chart, visit: Visit, key: str, words: str, instances: int) -> Json:
    modality = {"system": DICOM, "code": "DX", "display": "Digital Radiography"}
    # 2.999 is the arc of object identifiers that is set aside for examples (ITU-T X.660).
    series = {"uid": f"2.999.{len(key)}.1", "number": 1, "modality": modality, "numberOfInstances": instances}
    return chart.add(
        "ImagingStudy",
        f"study-{key}",
        identifier=[{"system": "urn:dicom:uid", "value": f"urn:oid:2.999.{len(key)}"}],
        status="available",
        modality=[modality],
        subject=chart.subject,
        encounter=visit.encounter,
        started=visit.at,
        location=IMAGING_CENTER.reference(),
        numberOfSeries=1,
        numberOfInstances=instances,
        description=words,
        series=[series],
    )


def _heart(chart: Chart, visit: Visit) -> None:
    fraction = results.observe(
        chart,
        visit,
        "10230-1",
        codeable("Left ventricular ejection fraction", loinc("10230-1", "Left ventricular Ejection fraction")),
        category=results.category("procedure"),
        valueQuantity=results.quantity("55", "%"),
    )
    results.report(
        chart,
        visit,
        loinc("34552-0", "Cardiac 2D echo panel"),
        "Echocardiogram",
        section="CUS",
        result=[fraction],
        resultsInterpreter=[TANABE.by_npi()],
        conclusion="The heart pumps normally. The left atrium is mildly enlarged.",
    )
    results.report(
        chart,
        visit,
        loinc("11524-6", "EKG study"),
        "Electrocardiogram",
        section="EC",
        conclusion="Atrial fibrillation, 104 beats a minute.",
        conclusionCode=[codeable("Atrial fibrillation", snomed("49436004", "Atrial fibrillation (disorder)"))],
    )


def _bones(chart: Chart, visit: Visit) -> None:
    score = results.observe(
        chart,
        visit,
        "t-score",
        codeable("Bone density T-score, hip"),
        category=results.category("imaging"),
        valueQuantity={"value": Decimal("-2.60")},
        bodySite=codeable("Left hip", snomed("29836001", "Hip region structure (body structure)")),
    )
    study = _imaging_study(chart, visit, "bone-density", "Bone density scan (DXA)", 3)
    results.report(
        chart,
        visit,
        BONE_DENSITY,
        "Bone density scan",
        section="RAD",
        result=[score],
        imagingStudy=[study],
        conclusion="Osteoporosis of the hip, better than in 2016.",
    )


def _eyes(chart: Chart, visit: Visit) -> None:
    picture = documents.round_picture()
    chart.add(
        "Media",
        "retina-left",
        status="completed",
        type=hl7("media-type", "image", "Image"),
        subject=chart.subject,
        encounter=visit.encounter,
        createdDateTime=visit.at,
        bodySite=codeable("Left eye"),
        reasonCode=[codeable("Photograph of the retina")],
        height=64,
        width=64,
        content={
            "contentType": "image/png",
            "data": base64.b64encode(picture).decode(),
            "size": len(picture),
            "title": "Retina, left eye",
        },
        note=[{"text": "A few small aneurysms, as last year."}],
    )
    results.observe(
        chart,
        visit,
        "foot-exam",
        codeable("Diabetic foot examination"),
        category=results.category("exam"),
        valueString="Feels the 10 g thread at 9 of 10 points on each foot",
    )

"""Her documents, plans, orders and devices, and the entries that the portal keeps without a record."""

import base64

from infra.sample.charting import documents, orders, results
from infra.sample.charting.chart import Chart, Visit
from infra.sample.clinic import (
    FARAHANI,
    NI_RIAIN,
    OKONKWO,
    ORGANIZATION,
    TANABE,
)
from infra.sample.people.elder import texts
from infra.sample.people.elder.reports import BONE_DENSITY
from infra.sample.vocabulary.systems import Json, codeable, hl7, loinc, snomed


def write(chart: Chart, seen: dict[str, Visit], problems: dict[str, Json]) -> None:
    _notes(chart, seen)
    _questionnaires(chart, seen)
    _plans(chart, problems)
    _orders(chart, seen["2026-09"], problems)
    _devices(chart)
    for key, amount in (("2025-09", "184.50"), ("2026-09", "192.00")):
        documents.bill(chart, seen[key], amount, "Prairie Mutual Senior Plan")
    _kept_raw(chart, seen["2026-09"])


def _notes(chart: Chart, seen: dict[str, Visit]) -> None:
    note = loinc("11506-3", "Progress note")
    for month, text in texts.PROGRESS_NOTES.items():
        content = documents.attachment(text, f"Progress note, {month}")
        documents.document(chart, seen[month], note, "Progress note", content)
    # A document whose text stands elsewhere: in a Binary of the same bundle.
    data = texts.KIDNEY_CONSULT.encode()
    binary = chart.add(
        "Binary", "kidney-consult", contentType="text/plain; charset=utf-8", data=base64.b64encode(data).decode()
    )
    content = {"contentType": "text/plain", "url": binary["reference"], "size": len(data), "title": "Kidney consult"}
    documents.document(
        chart,
        seen["2023-03"],
        loinc("11488-4", "Consult note"),
        "Kidney specialist's consult note",
        content,
        author=[NI_RIAIN.by_npi()],
    )
    directive = documents.attachment(texts.DIRECTIVE, "Advance directive", "text/html; charset=utf-8")
    kind = loinc("42348-3", "Advance directives")
    documents.document(chart, seen["2024-09"], kind, "Advance directive", directive)


def _questionnaires(chart: Chart, seen: dict[str, Visit]) -> None:
    documents.health_questionnaire(chart, seen["2018-12"], (2, 2, 2, 3, 1, 1, 1, 0, 0))
    documents.health_questionnaire(chart, seen["2020-12"], (0, 1, 1, 1, 0, 0, 0, 0, 0))
    documents.health_questionnaire(chart, seen["2026-09"], (0, 1))


def _plans(chart: Chart, problems: dict[str, Json]) -> None:
    sugar = orders.goal(
        chart,
        "goal-hba1c",
        "Hemoglobin A1c below 7.5 %",
        "2019-06-10",
        target=[
            {
                "measure": codeable("Hemoglobin A1c", loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")),
                "detailQuantity": {**results.quantity("7.5", "%"), "comparator": "<"},
                "dueDate": "2027-03-01",
            }
        ],
        addresses=[problems["diabetes"]],
    )
    walking = orders.goal(chart, "goal-walking", "Walk for 20 minutes on five days a week", "2018-05-02")
    orders.goal(
        chart,
        "goal-weight",
        "Weigh less than 75 kg",
        "2016-09-14",
        lifecycleStatus="completed",
        achievementStatus=hl7("goal-achievement", "achieved", "Achieved"),
    )
    team = chart.add(
        "CareTeam",
        "care-team",
        status="active",
        name="Rosalind Abernathy's care team",
        subject=chart.subject,
        participant=[
            {"role": [codeable(clinician.specialty.display, clinician.specialty)], "member": clinician.by_npi()}
            for clinician in (OKONKWO, TANABE, FARAHANI, NI_RIAIN)
        ],
        managingOrganization=[ORGANIZATION],
    )
    orders.care_plan(
        chart,
        "plan-diabetes",
        "Living with diabetes and kidney disease",
        "Check blood sugar every morning",
        "Eye examination once a year",
        "No ibuprofen or naproxen",
        period={"start": "2019-06-10"},
        careTeam=[team],
        goal=[sugar, walking],
        addresses=[problems["diabetes"], problems["kidney"]],
    )
    orders.care_plan(
        chart,
        "plan-knee",
        "Recovery after the knee replacement",
        "Exercises twice a day",
        status="completed",
        period={"start": "2018-02-13", "end": "2018-08-14"},
    )


def _orders(chart: Chart, visit: Visit, problems: dict[str, Json]) -> None:
    next_test = codeable("Hemoglobin A1c", loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"))
    orders.request(chart, "order-hba1c", next_test, visit, occurrenceDateTime="2026-12-08")
    orders.request(
        chart,
        "order-bones",
        codeable("Bone density scan", BONE_DENSITY),
        visit,
        reasonReference=[problems["osteoporosis"]],
        priority="routine",
    )
    orders.request(
        chart,
        "order-hearing",
        codeable("Referral to audiology"),
        visit,
        status="completed",
        note=[{"text": "Please fit new hearing aids."}],
    )


def _devices(chart: Chart) -> None:
    chart.add(
        "Device",
        "hearing-aids",
        status="active",
        deviceName=[{"name": "Hearing aids, both ears", "type": "user-friendly-name"}],
        type=codeable("Hearing aid", snomed("6012004", "Hearing aid, device (physical object)")),
        patient=chart.subject,
    )
    chart.add(
        "Device",
        "glucose-meter",
        udiCarrier=[{"deviceIdentifier": "SAMPLE-DI-0001", "carrierHRF": "SAMPLE-DI-0001"}],
        status="active",
        manufacturer="Sample Devices",
        serialNumber="SN-0417",
        type=codeable("Blood sugar meter", snomed("337414009", "Blood glucose meter (physical object)")),
        patient=chart.subject,
    )


def _kept_raw(chart: Chart, visit: Visit) -> None:
    chart.add(
        "Appointment",
        "next-visit",
        status="booked",
        start="2026-12-08T10:00:00-06:00",
        end="2026-12-08T10:30:00-06:00",
        participant=[{"actor": chart.patient, "status": "accepted"}, {"actor": OKONKWO.by_npi(), "status": "accepted"}],
    )
    chart.add(
        "Specimen",
        "urine-specimen",
        status="available",
        type=codeable("Urine", snomed("122575003", "Urine specimen (specimen)")),
        subject=chart.subject,
        collection={"collectedDateTime": visit.at},
    )

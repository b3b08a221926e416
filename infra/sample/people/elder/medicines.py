"""Her medicines over ten years: doses raised and lowered, one stopped for a cough, one replaced by a newer one."""

from infra.sample.charting.chart import Chart
from infra.sample.charting.orders import BEDTIME, DAILY, TWICE_DAILY, WEEKLY, Prescription, Regimen, prescribe
from infra.sample.clinic import FARAHANI, MBATHA, NI_RIAIN, TANABE
from infra.sample.vocabulary import medicines
from infra.sample.vocabulary.systems import Json, codeable, hl7

_FASTING = Regimen("Take 1 tablet by mouth every morning on an empty stomach.")
_FOR_PAIN = Regimen(
    "Take 1 or 2 tablets by mouth every 6 hours if you have pain, no more than 6 a day.", as_needed=True
)
_Z_PACK = Regimen("Take 2 tablets by mouth on the first day, then 1 tablet a day for 4 days.")


def write(chart: Chart, problems: dict[str, Json]) -> None:
    _diabetes(chart, problems["diabetes"])
    _blood_pressure(chart, problems["hypertension"])
    _cholesterol(chart, problems["cholesterol"])
    _heart(chart, problems["fibrillation"])
    _thyroid(chart, problems["thyroid"])
    _others(chart, problems)


def _diabetes(chart: Chart, reason: Json) -> None:
    first = prescribe(
        chart,
        "metformin-2016",
        Prescription(medicines.METFORMIN_500, "2016-09-14", TWICE_DAILY, "2019-06-10", "completed"),
        FARAHANI,
        reasonReference=[reason],
    )
    raised = prescribe(
        chart,
        "metformin-2019",
        Prescription(
            medicines.METFORMIN_1000, "2019-06-10", TWICE_DAILY, "2023-03-09", "stopped", "Kidney function has declined"
        ),
        FARAHANI,
        reasonReference=[reason],
        priorPrescription=first,
    )
    prescribe(
        chart,
        "metformin-2023",
        Prescription(medicines.METFORMIN_500, "2023-03-09", TWICE_DAILY),
        NI_RIAIN,
        reasonReference=[reason],
        priorPrescription=raised,
    )
    contained = {"resourceType": "Medication", "id": "tablet", "code": medicines.EMPAGLIFLOZIN.concept()}
    prescribe(
        chart,
        "empagliflozin",
        Prescription(medicines.EMPAGLIFLOZIN, "2023-06-12"),
        NI_RIAIN,
        contained=[contained],
        medicationReference={"reference": "#tablet"},
        reasonReference=[reason],
    )


def _blood_pressure(chart: Chart, reason: Json) -> None:
    low = prescribe(
        chart,
        "lisinopril-10",
        Prescription(medicines.LISINOPRIL_10, "2016-09-14", DAILY, "2018-03-19", "completed"),
        reasonReference=[reason],
    )
    high = prescribe(
        chart,
        "lisinopril-20",
        Prescription(medicines.LISINOPRIL_20, "2018-03-19", DAILY, "2020-09-17", "stopped", "Dry cough"),
        reasonReference=[reason],
        priorPrescription=low,
    )
    prescribe(
        chart,
        "losartan",
        Prescription(medicines.LOSARTAN, "2020-09-17"),
        reasonReference=[reason],
        priorPrescription=high,
    )
    prescribe(chart, "amlodipine", Prescription(medicines.AMLODIPINE, "2018-09-07"), reasonReference=[reason])


def _cholesterol(chart: Chart, reason: Json) -> None:
    older = prescribe(
        chart,
        "simvastatin",
        Prescription(
            medicines.SIMVASTATIN, "2006-11-02", BEDTIME, "2021-09-22", "stopped", "Replaced by a stronger medicine"
        ),
        reasonReference=[reason],
    )
    prescribe(
        chart,
        "atorvastatin",
        Prescription(medicines.ATORVASTATIN, "2021-09-22", BEDTIME),
        reasonReference=[reason],
        priorPrescription=older,
    )


def _heart(chart: Chart, reason: Json) -> None:
    older = prescribe(
        chart,
        "warfarin",
        Prescription(medicines.WARFARIN, "2019-06-10", DAILY, "2022-03-21", "stopped", "Replaced by apixaban"),
        TANABE,
        reasonReference=[reason],
    )
    tablet = chart.add(
        "Medication",
        "medication-apixaban",
        code=medicines.APIXABAN.concept(),
        status="active",
        form=codeable("Oral tablet"),
    )
    current = prescribe(
        chart,
        "apixaban",
        Prescription(
            medicines.APIXABAN, "2022-03-21", Regimen("Take 1 tablet by mouth twice a day.", times=2), supply="180"
        ),
        TANABE,
        medicationReference={**tablet, "display": medicines.APIXABAN.text},
        reasonReference=[reason],
        priorPrescription=older,
    )
    chart.add(
        "MedicationDispense",
        "dispense-apixaban",
        status="completed",
        medicationReference=tablet,
        subject=chart.subject,
        authorizingPrescription=[current],
        whenHandedOver="2026-09-16T15:20:00-05:00",
    )


def _thyroid(chart: Chart, reason: Json) -> None:
    low = prescribe(
        chart,
        "levothyroxine-50",
        Prescription(medicines.LEVOTHYROXINE_50, "2016-09-14", _FASTING, "2017-09-19", "completed"),
        reasonReference=[reason],
    )
    prescribe(
        chart,
        "levothyroxine-75",
        Prescription(medicines.LEVOTHYROXINE_75, "2017-09-19", _FASTING),
        reasonReference=[reason],
        priorPrescription=low,
    )


def _others(chart: Chart, problems: dict[str, Json]) -> None:
    prescribe(
        chart,
        "alendronate",
        Prescription(medicines.ALENDRONATE, "2016-10-04", WEEKLY, "2021-10-05", "completed", refills=0, supply="12"),
        reasonReference=[problems["osteoporosis"]],
    )
    prescribe(
        chart,
        "sertraline",
        Prescription(medicines.SERTRALINE, "2018-12-10", DAILY, "2020-12-21", "completed"),
        reasonReference=[problems["depression"]],
    )
    prescribe(
        chart,
        "azithromycin",
        Prescription(medicines.AZITHROMYCIN, "2022-01-18", _Z_PACK, "2022-01-22", "completed", refills=0, supply="6"),
        MBATHA,
        reasonCode=[codeable("Pneumonia")],
    )
    prescribe(
        chart,
        "acetaminophen",
        Prescription(medicines.ACETAMINOPHEN, "2018-02-13", _FOR_PAIN, supply="100"),
        reasonReference=[problems["knee"]],
    )
    prescribe(chart, "vitamin-d", Prescription(medicines.VITAMIN_D, "2016-10-04", refills=11, supply="30"))
    chart.add(
        "MedicationStatement",
        "iron-over-the-counter",
        status="completed",
        category=hl7("medication-statement-category", "patientspecified", "Patient Specified"),
        medicationCodeableConcept=medicines.IRON.concept(),
        subject=chart.subject,
        effectivePeriod={"start": "2019-09", "end": "2020-09"},
    )

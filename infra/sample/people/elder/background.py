"""Her problem list, allergies, vaccines, procedures, family and habits."""

from infra.sample.charting import history, results
from infra.sample.charting.chart import Chart, Visit
from infra.sample.charting.history import Diagnosis, Reaction
from infra.sample.clinic import IMAGING_CENTER, MBATHA, OKONKWO, TANABE
from infra.sample.vocabulary import disorders, vaccines
from infra.sample.vocabulary.systems import RXNORM, Concept, Json, codeable, hl7, loinc, snomed

_PROBLEMS = {
    "diabetes": Diagnosis(disorders.DIABETES, "2009-05"),
    "hypertension": Diagnosis(disorders.HYPERTENSION, "2004"),
    "cholesterol": Diagnosis(disorders.HYPERLIPIDEMIA, "2006-11-02"),
    "kidney": Diagnosis(disorders.KIDNEY_DISEASE, "2017-09-19"),
    "fibrillation": Diagnosis(
        disorders.ATRIAL_FIBRILLATION,
        "2019-06-10",
        severity=codeable("Moderate", snomed("6736007", "Moderate (severity modifier) (qualifier value)")),
    ),
    "thyroid": Diagnosis(disorders.HYPOTHYROIDISM, "2016-09-14"),
    "knee": Diagnosis(disorders.KNEE_ARTHRITIS, "2012", note="Right knee replaced in 2018; the left one is stable."),
    "osteoporosis": Diagnosis(disorders.OSTEOPOROSIS, "2016-10-04"),
    "cataract": Diagnosis(disorders.CATARACT, "2019", abated="2021-05-18"),
    "retinopathy": Diagnosis(disorders.RETINOPATHY, "2020-10-07"),
    "reflux": Diagnosis(disorders.REFLUX, "2011", abated="2018", clinical="inactive"),
    "anemia": Diagnosis(disorders.IRON_DEFICIENCY, "2019-09", abated="2020-09"),
    "hearing": Diagnosis(disorders.HEARING_LOSS, "2021-02-03"),
    "depression": Diagnosis(disorders.DEPRESSION, "2018-12", abated="2020-12", clinical="remission"),
    "stroke-warning": Diagnosis(
        disorders.STROKE_WARNING, "2022-03-09", clinical="inactive", verification="refuted", abated="2022-03-21"
    ),
}

_FLU_SHOTS = tuple(f"{year}-10-{3 + year % 9:02}" for year in range(2016, 2027))


def write(chart: Chart, seen: dict[str, Visit]) -> dict[str, Json]:
    """Answers the problem list: references to the Conditions by a short name."""
    problems = {key: history.diagnose(chart, f"problem-{key}", each) for key, each in _PROBLEMS.items()}
    _allergies(chart)
    _vaccines(chart)
    _procedures(chart, problems)
    _family(chart)
    _habits(chart, seen["2016-09"], seen["2024-09"])
    return problems


def _allergies(chart: Chart) -> None:
    hives = Reaction(snomed("126485001", "Urticaria (disorder)"), "Hives", "moderate")
    cough = Reaction(snomed("49727002", "Cough (finding)"), "Dry cough", "mild")
    history.allergy(
        chart,
        "allergy-penicillin",
        codeable("Penicillin", Concept(RXNORM, "70618", "penicillin")),
        hives,
        category=["medication"],
        criticality="high",
        onsetDateTime="1971",
    )
    history.allergy(
        chart,
        "intolerance-lisinopril",
        codeable("Lisinopril", Concept(RXNORM, "29046", "lisinopril")),
        cough,
        type="intolerance",
        category=["medication"],
        criticality="low",
        recordedDate="2020-09-17",
    )


def _vaccines(chart: Chart) -> None:
    for on in _FLU_SHOTS:
        history.vaccinate(chart, vaccines.INFLUENZA_HIGH_DOSE, on, text="Flu shot, high dose")
    history.vaccinate(chart, vaccines.PNEUMOCOCCAL_13, "2013-11-12")
    history.vaccinate(chart, vaccines.PNEUMOCOCCAL_23, "2016-09-14")
    history.vaccinate(chart, vaccines.ZOSTER, "2018-06-19", "2018-10-16", text="Shingles vaccine")
    history.vaccinate(chart, vaccines.COVID, "2021-02-09", "2021-03-02", "2021-11-04", text="COVID-19 vaccine")
    chart.add(
        "Immunization",
        "declined-tdap",
        status="not-done",
        statusReason=hl7("v3-ActReason", "PATOBJ", "patient objection"),
        vaccineCode=codeable("Tetanus, diphtheria and whooping cough (Tdap)", vaccines.TDAP),
        patient=chart.subject,
        occurrenceString="offered in autumn 2024",
    )


def _procedures(chart: Chart, problems: dict[str, Json]) -> None:
    done = (
        ("colonoscopy", snomed("73761001", "Colonoscopy (procedure)"), "Colonoscopy", "2017-04-25"),
        ("knee", snomed("609588000", "Total knee replacement (procedure)"), "Right knee replacement", "2018-02-13"),
        ("ecg", snomed("29303009", "Electrocardiographic procedure (procedure)"), "Electrocardiogram", "2019-06-10"),
        ("eye-left", snomed("110473004", "Cataract surgery (procedure)"), "Cataract surgery, left eye", "2021-03-23"),
    )
    for key, concept, text, on in done:
        performer = TANABE if key == "ecg" else OKONKWO
        history.procedure(chart, f"procedure-{key}", codeable(text, concept), performer, performedDateTime=on)
    history.procedure(
        chart,
        "procedure-eye-right",
        codeable("Cataract surgery, right eye", snomed("110473004", "Cataract surgery (procedure)")),
        MBATHA,
        performedPeriod={"start": "2021-05-18T08:10:00-05:00", "end": "2021-05-18T08:55:00-05:00"},
        reasonReference=[problems["cataract"]],
        bodySite=[codeable("Right eye", snomed("81745001", "Structure of eye proper (body structure)"))],
        location=IMAGING_CENTER.reference(),
    )


def _family(chart: Chart) -> None:
    history.relative(chart, ("MTH", "mother"), "1921", (disorders.DIABETES, 58), (disorders.OSTEOPOROSIS, 70))
    history.relative(chart, ("FTH", "father"), "1918", (disorders.HYPERTENSION, 50))
    history.relative(chart, ("BRO", "brother"), "1951-07-30", (disorders.ATRIAL_FIBRILLATION, 66))


def _habits(chart: Chart, first: Visit, latest: Visit) -> None:
    results.smoking(chart, first, "8517006", "Ex-smoker (finding)", "Former smoker, stopped in 1989")
    results.smoking(chart, latest, "8517006", "Ex-smoker (finding)", "Former smoker, stopped in 1989")
    household = loinc("63512-8", "How many people are living or staying at this address")
    results.observe(
        chart,
        latest,
        household.code,
        codeable("People in the household", household),
        category=results.category("social-history"),
        valueInteger=1,
    )
    results.observe(
        chart,
        latest,
        "11331-6",
        codeable("Alcohol use", loinc("11331-6", "History of Alcohol use")),
        category=results.category("social-history"),
        valueString="A glass of wine on Sundays",
    )

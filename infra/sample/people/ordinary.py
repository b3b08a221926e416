"""Hannah Lindqvist, 32: an ordinary record, sent the RESTful way (PUT under ids, relative references)."""

from datetime import date

from infra.sample.charting import documents, history, results
from infra.sample.charting.bundle import Addressing, BundleWriter
from infra.sample.charting.chart import VIDEO, Chart, Person, email, human_name, phone, postal_address
from infra.sample.charting.history import Diagnosis, Reaction
from infra.sample.charting.orders import DAILY, Prescription, prescribe
from infra.sample.vocabulary import disorders, laboratory, medicines, vaccines, vitals
from infra.sample.vocabulary.systems import codeable, hl7, loinc, snomed

HANNAH = Person(
    slug="hannah",
    mrn="AL-127361",
    names=(human_name("Hannah Maj", "Lindqvist"),),
    gender="female",
    born=date(1994, 10, 11),
    telecom=(phone("+1-773-555-0189"), email("hannah@lindqvist.example.com")),
    address=postal_address("3301 Cottonwood Place", "Chicago", "IL", "60618"),
    more={"deceasedBoolean": False},
)


def write() -> BundleWriter:
    bundle = BundleWriter("06-hannah-lindqvist", Addressing.REST)
    chart = Chart(bundle, HANNAH)
    checkup = chart.visit(date(2026, 6, 3))
    results.blood_pressure(chart, checkup, "116", "74")
    for analyte, value in ((vitals.WEIGHT, "63.50"), (vitals.HEIGHT, "171.0"), (vitals.OXYGEN, "99")):
        results.vital(chart, checkup, analyte, value)
    results.laboratory(chart, checkup, laboratory.HBA1C, "5.30")
    results.panel(chart, checkup, laboratory.BLOOD_COUNT, ("13.0", "39.0", "6.50", "250"))
    results.smoking(chart, checkup, "266919005", "Never smoked tobacco (finding)", "Never smoked")
    documents.health_questionnaire(chart, checkup, (0, 0))
    call = chart.visit(date(2026, 4, 22), VIDEO, time="18:15")
    hay_fever = history.diagnose(chart, "hay-fever", Diagnosis(disorders.RHINITIS, "2010"), call)
    cetirizine = medicines.Medicine("20610", "cetirizine", "Cetirizine 10 mg tablet")
    prescribe(chart, "cetirizine", Prescription(cetirizine, "2026-04-22", DAILY), reasonReference=[hay_fever])
    note = documents.attachment("Sneezing since March. Plan: cetirizine every evening until July.\n", "Video visit")
    documents.document(chart, call, loinc("34109-9", "Note"), "Note", note)
    history.allergy(
        chart,
        "allergy-birch-pollen",
        codeable("Birch pollen"),
        Reaction(snomed("61582004", "Allergic rhinitis (disorder)"), "Hay fever", "mild"),
        category=["environment"],
        verificationStatus=hl7("allergyintolerance-verification", "unconfirmed", "Unconfirmed"),
    )
    history.vaccinate(chart, vaccines.TDAP, "2022-06-08")
    history.vaccinate(chart, vaccines.INFLUENZA, "2025-10-21", text="Flu shot")
    return bundle

"""Earl Whitcombe, 69, who has a phone and no email; his clinic's system sends ids of its own beside the fullUrls."""

from datetime import date

from infra.sample.charting import history, results
from infra.sample.charting.bundle import Addressing, BundleWriter
from infra.sample.charting.chart import FOLLOW_UP, Chart, Person, human_name, phone, postal_address
from infra.sample.charting.history import Diagnosis
from infra.sample.charting.orders import DAILY, Prescription, prescribe
from infra.sample.clinic import MBATHA, SOUTH_BEND, TANABE
from infra.sample.vocabulary import disorders, laboratory, medicines, vaccines, vitals
from infra.sample.vocabulary.systems import codeable, snomed

EARL = Person(
    slug="earl",
    mrn="AL-097752",
    names=(human_name("Earl", "Whitcombe", suffix=["Jr."]),),
    gender="male",
    born=date(1957, 8, 30),
    telecom=(phone("(574) 555-0156", "home"),),
    address=postal_address("Rural Route 2, Box 31", "South Bend", "IN", "46614"),
)


def write() -> BundleWriter:
    bundle = BundleWriter("04-earl-whitcombe", Addressing.URN_OWN_ID)
    chart = Chart(bundle, EARL, MBATHA)
    for on, pressure, weight, potassium in (
        (date(2025, 3, 19), ("148", "86"), "96.0", "4.10"),
        (date(2025, 9, 17), ("142", "84"), "94.5", "3.90"),
        (date(2026, 9, 16), ("134", "78"), "92.0", "4.00"),
    ):
        visit = chart.visit(on, FOLLOW_UP, site=SOUTH_BEND)
        results.blood_pressure(chart, visit, *pressure)
        results.vital(chart, visit, vitals.WEIGHT, weight)
        results.panel(chart, visit, laboratory.METABOLIC, ("1.10", "72", potassium))
        results.smoking(chart, visit, "449868002", "Smokes tobacco daily (finding)", "Smokes every day")
    failure = history.diagnose(chart, "heart-failure", Diagnosis(disorders.HEART_FAILURE, "2025-03-19"))
    history.diagnose(chart, "hypertension", Diagnosis(disorders.HYPERTENSION, "2001"))
    prescribe(
        chart,
        "furosemide",
        Prescription(medicines.FUROSEMIDE, "2025-03-19", DAILY),
        TANABE,
        reasonReference=[failure],
    )
    prescribe(
        chart,
        "lisinopril",
        Prescription(medicines.LISINOPRIL_20, "2025-03-19", DAILY, status="on-hold", why_stopped="Until the next labs"),
    )
    history.procedure(
        chart,
        "appendix",
        codeable("Appendix taken out", snomed("80146002", "Excision of appendix (procedure)")),
        None,
        performedString="in his twenties",
    )
    history.vaccinate(chart, vaccines.INFLUENZA_HIGH_DOSE, "2025-10-08", text="Flu shot, high dose")
    return bundle

"""Walter Oyelaran, who died in 2025 at 86: a record that stays, and an account that nobody may open."""

from datetime import date

from infra.sample.charting import history, results
from infra.sample.charting.bundle import BundleWriter
from infra.sample.charting.chart import Chart, Person, email, human_name, phone
from infra.sample.charting.history import Diagnosis
from infra.sample.charting.orders import Prescription, prescribe
from infra.sample.vocabulary import disorders, laboratory, medicines

WALTER = Person(
    slug="walter",
    mrn="AL-090318",
    names=(human_name("Walter", "Oyelaran"),),
    gender="male",
    born=date(1939, 1, 20),
    telecom=(phone("+1-312-555-0195", "home"), email("walter.oyelaran@example.org")),
    more={"active": False, "deceasedDateTime": "2025-08-14T04:20:00-05:00"},
)


def write() -> BundleWriter:
    bundle = BundleWriter("07-walter-oyelaran")
    chart = Chart(bundle, WALTER)
    last = chart.visit(date(2025, 6, 10))
    results.blood_pressure(chart, last, "128", "70")
    results.panel(chart, last, laboratory.METABOLIC, ("1.62", "41", "5.00"))
    history.diagnose(chart, "heart-failure", Diagnosis(disorders.HEART_FAILURE, "2019"), last)
    ended = Prescription(medicines.FUROSEMIDE, "2019-05-06", ended="2025-08-14", status="stopped", why_stopped="Died")
    prescribe(chart, "furosemide", ended)
    return bundle

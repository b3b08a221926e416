"""Zoë Nuñez-Żółkiewska, 40, who speaks Spanish: a name with combining characters, and the same name in Greek."""

from datetime import date

from infra.sample.charting import documents, history, orders, results
from infra.sample.charting.bundle import BundleWriter
from infra.sample.charting.chart import Chart, Person, email, human_name, phone, postal_address
from infra.sample.charting.history import Diagnosis
from infra.sample.charting.orders import Prescription, Regimen, prescribe
from infra.sample.clinic import OKONKWO, SOUTH_BEND
from infra.sample.vocabulary import disorders, laboratory, medicines, vaccines, vitals
from infra.sample.vocabulary.systems import codeable, loinc, snomed

# Written with combining characters (e + diaeresis, n + tilde, z + dot, o + acute), as some systems send names:
# equal to the composed spelling that she types only after normalisation. Escapes, because they look the same.
_GIVEN = "Zoe\u0308 Ine\u0301s"
_FAMILY = "Nun\u0303ez-Z\u0307o\u0301\u0142kiewska"
_IN_GREEK = ("\u0396\u03c9\u03b7\u0301", "\u039d\u03bf\u03cd\u03bd\u03b9\u03b5\u03b8")

ZOE = Person(
    slug="zoe",
    mrn="AL-122875",
    clinic_number="2063 0092",
    names=(human_name(_GIVEN, _FAMILY), human_name(*_IN_GREEK, use="nickname")),
    gender="female",
    born=date(1985, 12, 1),
    telecom=(phone("+1 574 555 0127"), email("zoe.nunez@example.org")),
    address=postal_address("9 Calle Peñón, Apt. 3º B", "South Bend", "IN", "46601"),
    more={
        "communication": [
            {
                "language": {
                    "coding": [{"system": "urn:ietf:bcp:47", "code": "es", "display": "Spanish"}],
                    "text": "Español",
                },
                "preferred": True,
            },
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en", "display": "English"}]}},
        ],
    },
)

_FOR_ATTACKS = Regimen("Tome 1 tableta al comenzar el dolor; puede repetir una vez a las 2 horas.", as_needed=True)
_NARRATIVE = (
    '<div xmlns="http://www.w3.org/1999/xhtml"><p>Migraña: dormir bien, beber agua, anotar cada ataque &amp; su causa.'
    "</p></div>"
)
_NOTE = """\
Nota de la visita

La señora Nuñez-Żółkiewska tiene dos ataques de migraña al mes, menos que antes.
Plan: seguir igual; sumatriptán solo al comenzar el dolor. ¿Preguntas? Llame al +1-574-555-0102.
"""


def write() -> BundleWriter:
    bundle = BundleWriter("03-zoe-nunez")
    chart = Chart(bundle, ZOE)
    visit = chart.visit(date(2026, 8, 19), site=SOUTH_BEND, time="16:10")
    results.blood_pressure(chart, visit, "112", "70")
    results.vital(chart, visit, vitals.HEART_RATE, "66")
    results.panel(chart, visit, laboratory.LIPIDS, ("182", "96", "61", "102"))
    results.laboratory(chart, visit, laboratory.TSH, "1.80")
    results.smoking(chart, visit, "266919005", "Never smoked tobacco (finding)", "Nunca ha fumado")
    migraine = history.diagnose(chart, "migraine", Diagnosis(disorders.MIGRAINE, "2003", text="Migraña"), visit)
    order = Prescription(medicines.SUMATRIPTAN, "2025-03-05", _FOR_ATTACKS, supply="9")
    prescribe(chart, "sumatriptan", order, reasonReference=[migraine])
    history.allergy(
        chart,
        "no-known-allergy",
        codeable("Sin alergias conocidas", snomed("716186003", "No known allergy (situation)")),
    )
    history.vaccinate(chart, vaccines.TDAP, "2019-02-20", text="Tétanos, difteria y tosferina (Tdap)")
    note = documents.attachment(_NOTE, "Nota de la visita del 19 de agosto")
    documents.document(chart, visit, loinc("11506-3", "Progress note"), "Nota de evolución", note, language="es")
    orders.care_plan(
        chart,
        "plan-migraine",
        "Plan para la migraña",
        "Anotar cada ataque",
        language="es",
        text={"status": "generated", "div": _NARRATIVE},
        addresses=[migraine],
        author=OKONKWO.by_id(),
    )
    return bundle

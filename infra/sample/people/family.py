"""Danielle Okafor, 36, and her son Micah, 7, in one bundle: two patients, and who is whose mother."""

from datetime import date

from infra.sample.charting import documents, history, orders, results
from infra.sample.charting.bundle import BundleWriter
from infra.sample.charting.chart import (
    FOLLOW_UP,
    WELL_CHILD,
    Chart,
    Person,
    Visit,
    email,
    human_name,
    phone,
    postal_address,
)
from infra.sample.charting.history import Diagnosis, Reaction
from infra.sample.charting.orders import DAILY, Prescription, Regimen, prescribe
from infra.sample.charting.times import weekday
from infra.sample.clinic import HADDAD, NORTHGATE, QUIROGA
from infra.sample.vocabulary import disorders, laboratory, medicines, vaccines, vitals
from infra.sample.vocabulary.systems import codeable, hl7, loinc, snomed

_HOME = postal_address("1530 Tamarack Street", "Evanston", "IL", "60202")
_HER_PHONE = phone("+1-847-555-0118")
_HER_EMAIL = email("danielle.okafor@example.org")

DANIELLE = Person(
    slug="danielle",
    mrn="AL-118230",
    clinic_number="2051 7764",
    names=(
        human_name("Danielle Chidinma", "Okafor"),
        human_name("Danielle Chidinma", "Fontaine", "maiden", period={"end": "2016-05-28"}),
    ),
    gender="female",
    born=date(1990, 6, 8),
    telecom=(_HER_PHONE, _HER_EMAIL),
    address=_HOME,
)
MICAH = Person(
    slug="micah",
    mrn="AL-131906",
    names=(human_name("Micah Obinna", "Okafor"),),
    gender="male",
    born=date(2019, 4, 22),
    address=_HOME,
    # The mother's phone and email stand on the child's file as those of a contact: they are not his own.
    more={
        "multipleBirthBoolean": False,
        "contact": [
            {
                "relationship": [hl7("v3-RoleCode", "MTH", "mother")],
                "name": DANIELLE.names[0],
                "telecom": [_HER_PHONE, _HER_EMAIL],
            }
        ],
    },
)

_TWO_PUFFS = Regimen(
    "Breathe in 2 puffs every 4 to 6 hours if you wheeze.", dose="2", as_needed=True, route={"text": "Inhaled"}
)
_LIQUID = Regimen("Give 5 mL by mouth twice a day for 7 days, even if he feels better.", dose="5", times=2)


def write() -> BundleWriter:
    bundle = BundleWriter("02-okafor-family")
    mother, child = Chart(bundle, DANIELLE), Chart(bundle, MICAH, QUIROGA)
    _mother(mother)
    _pregnancy(mother)
    _child(child)
    _shots(child)
    child.add(
        "RelatedPerson",
        "mother",
        active=True,
        patient=child.subject,
        relationship=[hl7("v3-RoleCode", "MTH", "mother")],
        name=[DANIELLE.names[0]],
        telecom=[_HER_PHONE, _HER_EMAIL],
        gender="female",
        birthDate=DANIELLE.born.isoformat(),
    )
    return bundle


def _mother(chart: Chart) -> None:
    _checkup(chart, date(2024, 4, 16), ("124", "78"), "71.2", "5.9")
    latest = _checkup(chart, date(2026, 4, 16), ("118", "76"), "68.0", "5.5")
    _this_year(chart, latest)
    asthma = history.diagnose(chart, "asthma", Diagnosis(disorders.ASTHMA, "2001"))
    prescribe(
        chart,
        "albuterol",
        Prescription(medicines.ALBUTEROL, "2025-10-02", _TWO_PUFFS, supply="200"),
        reasonReference=[asthma],
    )
    prescribe(chart, "vitamin-d", Prescription(medicines.VITAMIN_D, "2026-04-16", DAILY, supply="90"))
    history.allergy(
        chart,
        "allergy-latex",
        codeable("Latex", snomed("111088007", "Latex (substance)")),
        Reaction(snomed("271807003", "Eruption of skin (disorder)"), "Rash", "mild"),
        category=["environment"],
        criticality="low",
    )
    history.vaccinate(chart, vaccines.INFLUENZA, "2024-10-09", "2025-10-02", text="Flu shot")
    history.vaccinate(chart, vaccines.COVID, "2021-04-15", "2021-05-06", text="COVID-19 vaccine")


def _checkup(chart: Chart, on: date, pressure: tuple[str, str], weight: str, sugar: str) -> Visit:
    visit = chart.visit(on, site=NORTHGATE)
    results.blood_pressure(chart, visit, *pressure)
    results.vital(chart, visit, vitals.WEIGHT, weight)
    results.laboratory(chart, visit, laboratory.HBA1C, sugar)
    results.panel(chart, visit, laboratory.BLOOD_COUNT, ("12.8", "38.4", "7.1", "266"))
    results.smoking(chart, visit, "266919005", "Never smoked tobacco (finding)", "Never smoked")
    return visit


def _this_year(chart: Chart, visit: Visit) -> None:
    documents.health_questionnaire(chart, visit, (1, 0))
    documents.bill(chart, visit, "165.00", "Great Lakes Family Health Plan")
    smear = loinc("47527-7", "Cytology report of Cervical or vaginal smear or scraping Cyto stain.thin prep")
    results.report(
        chart,
        visit,
        smear,
        "Pap test",
        conclusion="Normal.",
        presentedForm=[
            documents.attachment("PAP TEST\n\nNo abnormal cells were seen. Next test in 2029.\n", "Pap test")
        ],
    )
    note = documents.attachment("Well. Uses the inhaler twice a month. HbA1c is normal again.\n", "Progress note")
    documents.document(chart, visit, loinc("11506-3", "Progress note"), "Progress note", note)
    recheck = codeable("Hemoglobin A1c", loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"))
    orders.request(chart, "order-hba1c", recheck, visit, occurrenceDateTime="2027-04")


def _pregnancy(chart: Chart) -> None:
    visit = chart.visit(date(2019, 2, 12), FOLLOW_UP, clinician=HADDAD, site=NORTHGATE)
    history.diagnose(
        chart, "gestational-diabetes", Diagnosis(disorders.GESTATIONAL_DIABETES, "2019-01-29", "2019-04-22"), visit
    )
    results.laboratory(chart, visit, laboratory.GLUCOSE, "148")
    results.observe(
        chart,
        visit,
        "11778-8",
        codeable("Baby is due on", loinc("11778-8", "Delivery date Estimated")),
        category=results.category("exam"),
        valueDateTime="2019-04-25",
    )
    history.procedure(
        chart,
        "birth",
        codeable("Cesarean section", snomed("11466000", "Cesarean section (procedure)")),
        HADDAD,
        performedDateTime="2019-04-22T05:40:00-05:00",
    )


def _child(chart: Chart) -> None:
    _growth(chart, 2023, "16.4", "102.5", "62")
    at_five = _growth(chart, 2024, "18.2", "109.0", "55")
    results.laboratory(chart, at_five, laboratory.LEAD, "1.2")
    _growth(chart, 2026, "23.1", "122.0", "58")
    _ear_infection(chart)
    history.diagnose(chart, "eczema", Diagnosis(disorders.ECZEMA, "2020-03"))
    history.allergy(
        chart,
        "allergy-peanut",
        codeable("Peanut", snomed("762952008", "Peanut (substance)")),
        Reaction(snomed("39579001", "Anaphylaxis (disorder)"), "Anaphylaxis", "severe"),
        category=["food"],
        criticality="high",
    )
    history.relative(chart, ("MTH", "mother"), "1990-06-08", (disorders.ASTHMA, 11))


def _growth(chart: Chart, year: int, weight: str, height: str, percentile: str) -> Visit:
    visit = chart.visit(weekday(year, 5, 5), WELL_CHILD, time="15:45", site=NORTHGATE)
    results.vital(chart, visit, vitals.WEIGHT, weight)
    results.vital(chart, visit, vitals.HEIGHT, height)
    results.vital(chart, visit, vitals.BMI_PERCENTILE, percentile)
    return visit


def _ear_infection(chart: Chart) -> None:
    visit = chart.visit(date(2026, 2, 4), FOLLOW_UP, time="11:15", site=NORTHGATE)
    reason = history.diagnose(
        chart,
        "ear-infection",
        Diagnosis(disorders.EAR_INFECTION, "2026-02-02", "2026-02-14", category="encounter-diagnosis"),
        visit,
    )
    results.vital(chart, visit, vitals.TEMPERATURE, "38.9")
    course = Prescription(
        medicines.AMOXICILLIN, "2026-02-04", _LIQUID, "2026-02-11", "completed", refills=0, supply="75"
    )
    prescribe(chart, "amoxicillin", course, reasonReference=[reason])


def _shots(chart: Chart) -> None:
    for vaccine, days in (
        (vaccines.HEPATITIS_B, ("2019-04-23", "2019-06-24", "2019-10-24")),
        (vaccines.ROTAVIRUS, ("2019-06-24", "2019-08-26", "2019-10-24")),
        (vaccines.DTAP, ("2019-06-24", "2019-08-26", "2019-10-24", "2020-07-23")),
        (vaccines.HIB, ("2019-06-24", "2019-08-26", "2020-07-23")),
        (vaccines.PNEUMOCOCCAL_13, ("2019-06-24", "2019-08-26", "2019-10-24", "2020-07-23")),
        (vaccines.POLIO, ("2019-06-24", "2019-08-26", "2019-10-24")),
        (vaccines.MMR, ("2020-04-23", "2023-05-05")),
        (vaccines.VARICELLA, ("2020-04-23", "2023-05-05")),
        (vaccines.HEPATITIS_A, ("2020-04-23", "2020-10-26")),
        (vaccines.DTAP_POLIO, ("2023-05-05",)),
        (vaccines.INFLUENZA_CHILD, ("2024-10-09", "2025-10-02")),
    ):
        history.vaccinate(chart, vaccine, *days)

"""Rosalind Abernathy, 78: fourteen diagnoses and ten years of visits, so that every category of the record occurs."""

from datetime import date

from infra.sample.charting.bundle import BundleWriter
from infra.sample.charting.chart import Chart, Person, email, human_name, phone, postal_address
from infra.sample.people.elder import background, care, medicines, reports, visits
from infra.sample.vocabulary.systems import hl7

ROSALIND = Person(
    slug="rosalind",
    mrn="AL-104417",
    clinic_number="2047 1138",
    # Areas from 900 up and group 00 are never issued: a number that can only be a test.
    ssn="900-00-4826",
    names=(human_name("Rosalind June", "Abernathy", prefix=["Mrs."]), human_name("Rosie", "Abernathy", "nickname")),
    gender="female",
    born=date(1948, 3, 17),
    telecom=(
        phone("+1-312-555-0142", rank=1),
        phone("(312) 555-0143", "home", rank=2),
        email("rosalind.abernathy@mail.example.org"),
    ),
    address=postal_address("88 Larkspur Lane, Unit 4", "Chicago", "IL", "60614"),
    more={
        "maritalStatus": hl7("v3-MaritalStatus", "W", "Widowed"),
        "communication": [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en", "display": "English"}]}}
        ],
        "contact": [
            {
                "relationship": [hl7("v2-0131", "C", "Emergency Contact")],
                "name": {"text": "Theo Abernathy", "family": "Abernathy", "given": ["Theo"]},
                "telecom": [phone("+1-312-555-0144")],
            }
        ],
    },
)


def write() -> BundleWriter:
    bundle = BundleWriter("01-rosalind-abernathy")
    chart = Chart(bundle, ROSALIND)
    seen = visits.write(chart)
    problems = background.write(chart, seen)
    medicines.write(chart, problems)
    reports.write(chart, seen)
    care.write(chart, seen, problems)
    return bundle

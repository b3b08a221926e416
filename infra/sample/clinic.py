"""The clinic itself: one organisation, its locations, and its practitioners with their roles."""

from dataclasses import dataclass

from infra.sample.charting.bundle import Addressing, BundleWriter
from infra.sample.vocabulary.systems import NPI, NUCC, Concept, Json, codeable, hl7

_ORGANIZATION_IDS = "https://sample-clinic.example/organization"
ORGANIZATION = {
    "reference": f"Organization?identifier={_ORGANIZATION_IDS}|alder-lake",
    "display": "Alder Lake Clinic",
}


@dataclass(frozen=True, slots=True)
class Clinician:
    """A practitioner. The NPIs pass their check digit but begin with 9, which none that is issued does."""

    id: str
    npi: str
    given: str
    family: str
    suffix: str
    gender: str
    specialty: Concept

    @property
    def display(self) -> str:
        return f"{self.given} {self.family}, {self.suffix}"

    @property
    def is_physician(self) -> bool:
        return self.suffix in {"MD", "DO"}

    def by_npi(self) -> Json:
        """A conditional reference, which the receiver resolves by searching."""
        return {"reference": f"Practitioner?identifier={NPI}|{self.npi}", "display": self.display}

    def by_id(self) -> Json:
        return {"reference": f"Practitioner/{self.id}", "display": self.display}


def _specialty(code: str, display: str) -> Concept:
    return Concept(NUCC, code, display)


OKONKWO = Clinician(
    "okonkwo", "9000000015", "Amara", "Okonkwo-Bell", "MD", "female", _specialty("207Q00000X", "Family Medicine")
)
TANABE = Clinician(
    "tanabe", "9000000023", "Hiroshi", "Tanabe", "MD", "male", _specialty("207RC0000X", "Cardiovascular Disease")
)
FARAHANI = Clinician(
    "farahani", "9000000031", "Leila", "Farahani", "MD", "female", _specialty("207RE0101X", "Endocrinology")
)
QUIROGA = Clinician("quiroga", "9000000049", "Mateo", "Quiroga", "DO", "male", _specialty("208000000X", "Pediatrics"))
NI_RIAIN = Clinician(
    "ni-riain", "9000000056", "Siobhán", "Ní Riain", "MD", "female", _specialty("207RN0300X", "Nephrology")
)
MBATHA = Clinician(
    "mbatha",
    "9000000064",
    "Thandeka",
    "Mbatha",
    "FNP-C",
    "female",
    _specialty("363LF0000X", "Family Nurse Practitioner"),
)
RAGHUNATHAN = Clinician(
    "raghunathan",
    "9000000072",
    "Priya",
    "Raghunathan",
    "MD",
    "female",
    _specialty("2085R0202X", "Diagnostic Radiology"),
)
HADDAD = Clinician(
    "haddad", "9000000080", "Noor", "Haddad", "MD", "female", _specialty("207V00000X", "Obstetrics & Gynecology")
)
CLINICIANS = (OKONKWO, TANABE, FARAHANI, QUIROGA, NI_RIAIN, MBATHA, RAGHUNATHAN, HADDAD)


@dataclass(frozen=True, slots=True)
class Site:
    """A place where patients are seen."""

    id: str
    name: str
    phone: str
    street: str
    city: str
    state: str
    postal_code: str

    def reference(self) -> Json:
        return {"reference": f"Location/{self.id}", "display": self.name}


LAKESIDE = Site(
    "lakeside", "Alder Lake Clinic, Lakeside", "+1-312-555-0100", "410 Harborlight Avenue", "Chicago", "IL", "60601"
)
NORTHGATE = Site(
    "northgate", "Alder Lake Clinic, Northgate", "+1-847-555-0101", "2280 Juniper Court", "Evanston", "IL", "60201"
)
SOUTH_BEND = Site(
    "south-bend", "Alder Lake Clinic, South Bend", "+1-574-555-0102", "17 Millrace Street", "South Bend", "IN", "46601"
)
IMAGING_CENTER = Site(
    "imaging", "Alder Lake Imaging Center", "+1-312-555-0103", "412 Harborlight Avenue", "Chicago", "IL", "60601"
)
SITES = (LAKESIDE, NORTHGATE, SOUTH_BEND, IMAGING_CENTER)

_SITES_OF = {
    "okonkwo": (LAKESIDE, NORTHGATE),
    "quiroga": (NORTHGATE,),
    "mbatha": (LAKESIDE, SOUTH_BEND),
    "raghunathan": (IMAGING_CENTER,),
}


def write() -> BundleWriter:
    bundle = BundleWriter("00-clinic", Addressing.REST)
    bundle.add("Organization", "alder-lake", _organization())
    for site in SITES:
        bundle.add("Location", site.id, _location(site))
    for clinician in CLINICIANS:
        bundle.add("Practitioner", clinician.id, _practitioner(clinician))
        bundle.add("PractitionerRole", f"{clinician.id}-role", _role(clinician))
    return bundle


def _organization() -> Json:
    return {
        "identifier": [{"system": _ORGANIZATION_IDS, "value": "alder-lake"}, {"system": NPI, "value": "9000000106"}],
        "active": True,
        "type": [hl7("organization-type", "prov", "Healthcare Provider")],
        "name": "Alder Lake Clinic",
        "telecom": [
            {"system": "phone", "value": "+1-312-555-0100", "use": "work"},
            {"system": "url", "value": "https://sample-clinic.example"},
        ],
        "address": [_address(LAKESIDE)],
    }


def _location(site: Site) -> Json:
    return {
        "status": "active",
        "name": site.name,
        "mode": "instance",
        "type": [hl7("v3-RoleCode", "OF", "Outpatient facility")],
        "telecom": [{"system": "phone", "value": site.phone, "use": "work"}],
        "address": _address(site),
        "managingOrganization": {"reference": "Organization/alder-lake", "display": "Alder Lake Clinic"},
    }


def _address(site: Site) -> Json:
    return {
        "use": "work",
        "line": [site.street],
        "city": site.city,
        "state": site.state,
        "postalCode": site.postal_code,
        "country": "US",
    }


def _practitioner(clinician: Clinician) -> Json:
    degree = hl7("v2-0360", "MD", "Doctor of Medicine") if clinician.suffix == "MD" else codeable(clinician.suffix)
    return {
        "identifier": [{"system": NPI, "value": clinician.npi}],
        "active": True,
        "name": [
            {
                "use": "official",
                "text": clinician.display,
                "family": clinician.family,
                "given": [clinician.given],
                "suffix": [clinician.suffix],
            }
        ],
        "gender": clinician.gender,
        "qualification": [{"code": degree}],
    }


def _role(clinician: Clinician) -> Json:
    return {
        "active": True,
        "practitioner": clinician.by_id(),
        "organization": {"reference": "Organization/alder-lake"},
        "code": [hl7("practitioner-role", *(("doctor", "Doctor") if clinician.is_physician else ("nurse", "Nurse")))],
        "specialty": [codeable(clinician.specialty.display, clinician.specialty)],
        "location": [site.reference() for site in _SITES_OF.get(clinician.id, (LAKESIDE,))],
    }

"""The head of a document by the US Realm: whose it is, when it was made, by what, and who keeps the record."""

import json
import uuid
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element

from chalicelib import ids
from chalicelib.models.patients import Patient
from chalicelib.services.record_exports.ccda.xml import interval, loinc, stamp, tag, template, time
from chalicelib.services.record_exports.heading import Heading
from chalicelib.settings import settings

_GENDERS: Final = {"male": "M", "female": "F", "other": "UN"}
_USES: Final = {"home": "H", "work": "WP", "temp": "TMP", "old": "BAD"}


def uuid_of(portal_id: str) -> str:
    """The portal's own id, which is as long as a UUID, as one."""
    return str(uuid.UUID(int=ids.number_of(portal_id) % 2**128))


def header(heading: Heading, first: str | None) -> Iterator[Element]:
    """All that stands before the body; `first` is when the earliest entry happened."""
    made_at = stamp(heading.made_at.isoformat())
    yield tag("realmCode", code="US")
    yield tag("typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    for number in ("1.1", "1.2"):
        yield template(number)
        yield template(number, "2015-08-01")
    yield tag("id", root=uuid_of(heading.export_id))
    yield loinc("code", "34133-9", "Summarization of Episode Note")
    yield tag("title", text=heading.title)
    yield tag("effectiveTime", value=made_at)
    yield tag("confidentialityCode", code="N", codeSystem="2.16.840.1.113883.5.25")
    yield tag("languageCode", code=f"{heading.speaker.language}-US")
    yield _record_target(heading)
    yield _author(made_at)
    yield tag("custodian", tag("assignedCustodian", _organization("representedCustodianOrganization")))
    service = tag("serviceEvent", interval("effectiveTime", first, heading.made_at.isoformat()), classCode="PCPR")
    yield tag("documentationOf", service)


def _record_target(heading: Heading) -> Element:
    patient = heading.patient
    # CDA wants an OID or a UUID for who gave a number: the system's URL says it here.
    numbers = str(uuid.uuid5(uuid.NAMESPACE_URL, settings().clinic_number_system))
    shown = heading.shows_contacts
    role = tag(
        "patientRole",
        tag("id", root=uuid_of(patient.pk)),
        tag("id", root=numbers, extension=patient.clinic_number),
        _address(json.loads(patient.demographics) if shown else None),
        *(_telecoms(patient) if shown else [tag("telecom", nullFlavor="MSK")]),
        _patient(patient),
    )
    return tag("recordTarget", role)


def _patient(patient: Patient) -> Element:
    gender = _GENDERS.get(patient.gender or "")
    return tag(
        "patient",
        *_names(patient),
        tag("administrativeGenderCode", code=gender, codeSystem="2.16.840.1.113883.5.1")
        if gender
        else tag("administrativeGenderCode", nullFlavor="UNK"),
        time("birthTime", patient.birth_date),
        tag("raceCode", nullFlavor="UNK"),
        tag("ethnicGroupCode", nullFlavor="UNK"),
    )


def _names(patient: Patient) -> Iterator[Element]:
    """The preferred name; the others stand in the FHIR copy. A document has at least one."""
    given, family = next(iter(patient.all_names), ([], ""))
    if not given and not family:
        yield tag("name", text=patient.display_name)
        return
    yield tag("name", *(tag("given", text=one) for one in given), tag("family", text=family), use="L")


def _address(known: dict[str, Any] | None) -> Element:
    if not known or "lines" not in known:
        return tag("addr", nullFlavor="UNK")
    parts = [("city", "city"), ("state", "state"), ("postalCode", "postal_code"), ("country", "country")]
    return tag(
        "addr",
        *(tag("streetAddressLine", text=line) for line in known["lines"]),
        *(tag(name, text=known[part]) for name, part in parts if known.get(part)),
        use=_USES.get(known.get("use") or ""),
    )


def _telecoms(patient: Patient) -> list[Element]:
    phones = [f"tel:{one.replace(' ', '')}" for one in json.loads(patient.phones)]
    found = [*phones, *(f"mailto:{one}" for one in json.loads(patient.emails))]
    return [tag("telecom", value=one) for one in found] or [tag("telecom", nullFlavor="UNK")]


def _author(made_at: str) -> Element:
    program = tag(
        "assignedAuthoringDevice",
        tag("manufacturerModelName", text="Patient portal"),
        tag("softwareName", text="Patient portal"),
    )
    assigned = tag(
        "assignedAuthor",
        tag("id", nullFlavor="NI"),
        tag("addr", nullFlavor="UNK"),
        tag("telecom", value=f"tel:{settings().clinic_phone.replace(' ', '')}"),
        program,
        _organization("representedOrganization"),
    )
    return tag("author", tag("time", value=made_at), assigned)


def _organization(name: str) -> Element:
    return tag(
        name,
        tag("id", root=str(uuid.uuid5(uuid.NAMESPACE_URL, settings().portal_url))),
        tag("name", text=settings().clinic_name),
        tag("telecom", value=f"tel:{settings().clinic_phone.replace(' ', '')}", use="WP"),
        tag("addr", nullFlavor="UNK"),
    )

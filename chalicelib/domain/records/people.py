"""Who a Patient resource says somebody is, and what people, organisations and places are called."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.domain.fhir import ssn
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.records import dates, titles

_NAME_ORDER: Final = ("official", "usual", "", "nickname", "anonymous", "temp", "maiden", "old")
_CONTACT_ORDER: Final = ("mobile", "home", "", "work", "temp", "old")
_UNRANKED: Final = 1_000_000
_PHONES: Final = frozenset({"phone", "sms"})


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a person. `use` is FHIR's (official, usual, maiden …) or None."""

    given: tuple[str, ...] = ()
    family: str | None = None
    use: str | None = None
    text: str | None = None
    prefix: str | None = None
    suffix: str | None = None
    ends_at: str | None = None

    @property
    def first(self) -> str | None:
        return self.given[0] if self.given else None

    @property
    def full(self) -> str | None:
        """The name in full, without title: given names, family name, suffix; else the text as the clinic wrote it."""
        return " ".join(part for part in (*self.given, self.family, self.suffix) if part) or self.text


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier, never a Social Security number. `type` is the code of v2-0203 (MR, DL …) or None."""

    system: str | None
    value: str
    type: str | None = None
    use: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """One phone number or email address, and until when it is or was in use."""

    value: str
    use: str | None = None
    rank: int | None = None
    starts_at: str | None = None
    ends_at: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as the clinic has it."""

    lines: tuple[str, ...] = ()
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    use: str | None = None


@dataclass(frozen=True, slots=True)
class Demographics:
    """What the clinic has on file about a patient. The lists are in order of preference."""

    names: tuple[Name, ...]
    birth_date: str | None
    gender: str | None
    is_deceased: bool
    deceased_at: str | None
    is_active: bool
    identifiers: tuple[Identifier, ...]
    phones: tuple[Contact, ...]
    emails: tuple[Contact, ...]
    language: str | None
    address: Address | None = field(default=None)

    @property
    def display_name(self) -> str:
        """The preferred name in full; "Patient" where the clinic gave none."""
        return next((name.full for name in self.names if name.full), "Patient")


def demographics(patient: Resource) -> Demographics:
    """Read a checked Patient resource, its Social Security numbers masked. Absent elements are None or empty."""
    deceased_at = _text(patient.get("deceasedDateTime"))
    return Demographics(
        names=tuple(_names(patient)),
        birth_date=_text(patient.get("birthDate")),
        gender=_text(patient.get("gender")),
        is_deceased=patient.get("deceasedBoolean") is True or deceased_at is not None,
        deceased_at=dates.normal(deceased_at) if deceased_at else None,
        is_active=patient.get("active") is not False,
        identifiers=tuple(_identifiers(patient)),
        phones=_contacts(patient, _PHONES),
        emails=_contacts(patient, frozenset({"email"})),
        language=_language(patient),
        address=_address(patient),
    )


def display_name(resource: Resource) -> str | None:
    """What a resource of the directory, a patient or a related person is called; None where it has no name.

    A PractitionerRole is named by the display of its practitioner, else by its own role.
    """
    match resource.get("resourceType"):
        case "Practitioner" | "Patient" | "RelatedPerson":
            return next((_with_title(name) for name in _names(resource) if name.full), None)
        case "PractitionerRole":
            return _display(resource, "practitioner") or _role(resource) or _display(resource, "organization")
        case "Medication":
            return titles.drug_words(resource.get("code"))
        case _:
            return titles.clean(resource.get("name"))


def _with_title(name: Name) -> str | None:
    return f"{name.prefix} {name.full}" if name.prefix and name.full != name.text else name.full


def _display(resource: Resource, element: str) -> str | None:
    return titles.clean((resource.get(element) or {}).get("display"))


def _role(resource: Resource) -> str | None:
    concepts = (*(resource.get("code") or ()), *(resource.get("specialty") or ()))
    return next((found for concept in concepts if (found := titles.words(concept))), None)


def _names(person: Resource) -> Iterator[Name]:
    names = [_name(raw) for raw in person.get("name") or ()]
    usable = [name for name in names if name.full]
    # A name that has ended comes after one that is in use, whatever it is called.
    usable.sort(key=lambda name: (name.ends_at is not None, _rank(name.use, _NAME_ORDER)))
    yield from usable


def _name(raw: Mapping[str, Any]) -> Name:
    return Name(
        given=tuple(_words(raw.get("given"))),
        family=titles.clean(raw.get("family")),
        use=_text(raw.get("use")),
        text=titles.clean(raw.get("text")),
        prefix=" ".join(_words(raw.get("prefix"))) or None,
        suffix=" ".join(_words(raw.get("suffix"))) or None,
        ends_at=_text((raw.get("period") or {}).get("end")),
    )


def _identifiers(patient: Resource) -> Iterator[Identifier]:
    for raw in patient.get("identifier") or ():
        value = titles.clean(raw.get("value"))
        # A number that is somebody's Social Security number too was masked, and would be the same text for everybody.
        if value and not ssn.is_ssn(raw) and "*" not in value:
            yield Identifier(_text(raw.get("system")), value, _type_code(raw.get("type")), _text(raw.get("use")))


def _type_code(concept: Mapping[str, Any] | None) -> str | None:
    codings = (concept or {}).get("coding") or ()
    return next((coding["code"] for coding in codings if coding.get("code")), None)


def _contacts(patient: Resource, systems: frozenset[str]) -> tuple[Contact, ...]:
    found = [
        Contact(
            value=value,
            use=_text(raw.get("use")),
            rank=raw.get("rank"),
            starts_at=_text((raw.get("period") or {}).get("start")),
            ends_at=_text((raw.get("period") or {}).get("end")),
        )
        for raw in patient.get("telecom") or ()
        if raw.get("system") in systems and (value := titles.clean(raw.get("value")))
    ]
    return tuple(sorted(found, key=_contact_order))


def _contact_order(contact: Contact) -> tuple[bool, int, int]:
    rank = _UNRANKED if contact.rank is None else contact.rank
    return contact.ends_at is not None or contact.use == "old", rank, _rank(contact.use, _CONTACT_ORDER)


def _language(patient: Resource) -> str | None:
    spoken = sorted(patient.get("communication") or (), key=lambda one: one.get("preferred") is not True)
    for communication in spoken:
        code = _type_code(communication.get("language"))
        if code:
            return str(code)
    return None


def _address(patient: Resource) -> Address | None:
    order = ("home", "", "temp", "work", "billing", "old")
    raw_addresses = sorted(
        patient.get("address") or (),
        key=lambda raw: ((raw.get("period") or {}).get("end") is not None, _rank(raw.get("use"), order)),
    )
    for raw in raw_addresses:
        return Address(
            lines=tuple(_words(raw.get("line"))),
            city=titles.clean(raw.get("city")),
            state=titles.clean(raw.get("state")),
            postal_code=titles.clean(raw.get("postalCode")),
            country=titles.clean(raw.get("country")),
            use=_text(raw.get("use")),
        )
    return None


def _rank(use: str | None, order: tuple[str, ...]) -> int:
    return order.index(use or "") if (use or "") in order else len(order)


def _words(values: Any) -> Iterator[str]:
    return (text for value in values or () if (text := titles.clean(value)))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None

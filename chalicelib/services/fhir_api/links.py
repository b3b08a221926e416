"""What the references of resources lead to, looked up for a whole page at once.

A reference to a record that is hidden from the reader leads nowhere, and nothing of it is shown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from chalicelib import ids
from chalicelib.domain.fhir.bundle import Entry
from chalicelib.domain.fhir.identity import identity_key, is_foreign
from chalicelib.domain.fhir.references import Kind, Reference
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.fhir_api.names import local
from chalicelib.domain.fhir_api.relinking import HIDDEN, UNKNOWN, Find, Link, references, relinked
from chalicelib.domain.fhir_api.served import KEPT_TYPES
from chalicelib.domain.records.categories import RECORD_TYPES
from chalicelib.models import aliases, records
from chalicelib.models.aliases import Alias
from chalicelib.models.base import Key, together
from chalicelib.models.patients import Held
from chalicelib.models.records import Record
from chalicelib.services.fhir_api.sights import View
from chalicelib.services.resource_keys import is_by_identifier, reference_keys, resource_id, row_digest

_PEOPLE: Final = ("CareTeam", "Device", "RelatedPerson")
# Which records an element of a name leads to, where the reference itself does not say a type; people, places and
# patients are found by their URLs. An element that is not here may lead to any record.
_TARGETS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("subject", "patient", "beneficiary", "location", "managingOrganization", "organization", "serviceProvider"), ()
    ),
    **dict.fromkeys(("medicationReference", "generalPractitioner", "practitioner", "custodian", "manufacturer"), ()),
    **dict.fromkeys(("provider", "payor", "insurer", "facility", "onBehalfOf", "authenticator", "referrer"), ()),
    **dict.fromkeys(
        ("performer", "requester", "recorder", "asserter", "author", "individual", "actor", "member", "source"),
        _PEOPLE,
    ),
    **dict.fromkeys(("resultsInterpreter", "interpreter", "expressedBy", "contributor", "operator"), _PEOPLE),
    "encounter": ("Encounter",),
    "context": ("Encounter", "EpisodeOfCare"),
    "result": ("Observation",),
    "hasMember": ("Observation", "QuestionnaireResponse"),
    "goal": ("Goal",),
    "addresses": ("Condition", "Observation", "MedicationStatement"),
    "claim": ("Claim",),
    "coverage": ("Coverage",),
    "specimen": ("Specimen",),
    "prescription": ("MedicationRequest", "VisionPrescription"),
    "authorizingPrescription": ("MedicationRequest",),
    "procedureReference": ("Procedure",),
    "diagnosisReference": ("Condition",),
    "imagingStudy": ("ImagingStudy",),
}
_ANY: Final = tuple(sorted(RECORD_TYPES))


@dataclass(frozen=True, slots=True)
class Origin:
    """A resource as it was sent, by which client, and its absolute URL in its bundle, where it had one."""

    resource: Resource
    client_id: str
    full_url: str | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    """A reference of a client's resources, and what it may be known by."""

    digests: tuple[str, ...]
    ids: tuple[str, ...]


@dataclass(slots=True)
class _Known:
    view: View
    aliases: dict[str, Alias] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    """Of the view's patients, and of the directory, by id."""

    def link(self, question: _Question) -> Link:
        for target in self._targets(question):
            link = self._link_to(target)
            if link is not UNKNOWN:
                return link
        return UNKNOWN

    def _targets(self, question: _Question) -> Iterator[str]:
        yield from (self.aliases[digest].target_id for digest in question.digests if digest in self.aliases)
        yield from (id for id in question.ids if id in self.held)

    def _link_to(self, target: str) -> Link:
        if ids.has_prefix(target, "pat"):
            return Link(local("Patient", self.view.whose[0])) if target in self.view.whose else UNKNOWN
        row = self.held.get(target)
        if row is None:
            return UNKNOWN
        return Link(local(row.resource_type, target)) if self._shows(row) else HIDDEN

    def _shows(self, row: Held) -> bool:
        if isinstance(row, Record):
            return self.view.sight.shows(row.category, is_sensitive=row.is_sensitive is not False)
        return row.pk not in self.view.whose or self.view.sight.is_full


def linked(origins: Sequence[Origin], view: View) -> list[Resource]:
    """Resources with their references as the view's reader may see them: at most three round trips in sequence."""
    questions = {
        (origin.client_id, reference, name, foreign): _question(origin.client_id, reference, name, foreign=foreign)
        for origin in origins
        for reference, name in references(origin.resource)
        for foreign in (_is_foreign(reference, origin),)
    }
    known = _look_up(view, list(questions.values()))

    def finder(origin: Origin) -> Find:
        def find(reference: Reference, name: str) -> Link:
            return known.link(questions[origin.client_id, reference, name, _is_foreign(reference, origin)])

        return find

    return [relinked(origin.resource, finder(origin)) for origin in origins]


def _is_foreign(reference: Reference, origin: Origin) -> bool:
    return reference.base is not None and is_foreign(reference, Entry(0, origin.resource, "", None, origin.full_url))


def _question(client_id: str, reference: Reference, name: str, *, foreign: bool) -> _Question:
    types = (reference.type,) if reference.type else _TARGETS.get(name, _ANY)
    keys = reference_keys(client_id, reference, types, foreign=foreign)
    return _Question(tuple(map(row_digest, keys)), tuple(_ids(client_id, reference, types, foreign=foreign)))


def _ids(client_id: str, reference: Reference, types: Sequence[str], *, foreign: bool) -> Iterator[str]:
    """The ids of what a reference may name by its own id: they are derived from it."""
    if foreign or reference.id is None or reference.kind is Kind.CONTAINED or is_by_identifier(reference):
        return
    for type in types:
        prefix = "rec" if type in RECORD_TYPES else "kpt" if type in KEPT_TYPES else None
        if prefix is not None:
            yield resource_id(identity_key(client_id, type, reference.id), prefix)


def _look_up(view: View, questions: list[_Question]) -> _Known:
    known = _Known(view)
    digests = list(dict.fromkeys(digest for question in questions for digest in question.digests))
    wanted = dict.fromkeys(id for question in questions for id in question.ids)
    known.aliases, rows = together(
        lambda: aliases.find_aliases(digests), lambda: records.find_held(_places(view, wanted))
    )
    _add(known, rows.values())
    others = dict.fromkeys(alias.target_id for alias in known.aliases.values() if alias.target_id not in known.held)
    _add(known, records.find_held(_places(view, others)).values() if others else ())
    return known


def _add(known: _Known, rows: Iterable[Held]) -> None:
    for row in rows:
        known.held[_id_of(row)] = row


def _id_of(row: Held) -> str:
    return (row.pk if row.pk.startswith("directory#") else row.sk).partition("#")[2]


def _places(view: View, wanted: Mapping[str, None]) -> list[Key]:
    """Where resources of these ids may stand."""
    places: list[Key] = []
    for id in wanted:
        if ids.has_prefix(id, "dir"):
            places.append((f"directory#{id}", "directory"))
        elif ids.has_prefix(id, "rec"):
            places += [(patient_id, records.record_sk(id)) for patient_id in view.whose]
        elif ids.has_prefix(id, "kpt"):
            places += [(patient_id, f"kept#{id}") for patient_id in view.whose]
    return places

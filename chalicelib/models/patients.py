"""The patients table, first half.

Who the clinic's patients are, and by what identifiers they and the clinic's people are found.
"""

import json

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.domain.patient_search import words_of
from chalicelib.errors import Conflict, PortalError
from chalicelib.models.base import AreaMeta, Row, storage_errors
from chalicelib.models.transaction import Precedence, Transaction

_IDENTIFIER_PAGE = 50


class PatientsTable(Row, discriminator="patients"):
    """Any row of the table."""

    class Meta(metaclass=AreaMeta):
        area = "patients"


class Held(PatientsTable, discriminator="held"):
    """A resource that the portal holds.

    The hash of its present content, its present version, and the client that sent it.
    """

    source = UnicodeAttribute()
    resource_type = UnicodeAttribute()
    content_hash = UnicodeAttribute()
    version = NumberAttribute()
    last_updated = UnicodeAttribute(null=True)
    changed_at = UnicodeAttribute()


class Patient(Held, discriminator="patient"):
    """A patient as the clinic has them on file; partition key is the patient's id."""

    clinic_number = UnicodeAttribute()
    names = UnicodeAttribute()
    display_name = UnicodeAttribute()
    birth_date = UnicodeAttribute(null=True)
    deceased = BooleanAttribute(default=False)
    gender = UnicodeAttribute(null=True)
    emails = UnicodeAttribute(default="[]")
    phones = UnicodeAttribute(default="[]")
    language = UnicodeAttribute(null=True)
    ssn_last4_hash = UnicodeAttribute(null=True)
    identifiers = UnicodeAttribute(default="[]")
    demographics = UnicodeAttribute(default="{}")
    contacts_replaced_at = UnicodeAttribute(null=True)
    merged_into = UnicodeAttribute(null=True)
    merged_from = UnicodeAttribute(default="[]")
    merge_version = NumberAttribute(default=0)

    @property
    def joined_ids(self) -> tuple[str, ...]:
        """The patients who turned out to be this one, while they are merged into it: their records are this one's."""
        found: list[dict[str, str]] = json.loads(self.merged_from)
        return tuple(one["patient_id"] for one in found)

    @property
    def joined_at(self) -> dict[str, str]:
        """When each of them became this one, by id."""
        found: list[dict[str, str]] = json.loads(self.merged_from)
        return {one["patient_id"]: one["merged_at"] for one in found}

    @property
    def all_names(self) -> list[tuple[list[str], str]]:
        """Every (given names, family name) on file."""
        return [(given, family) for given, family in json.loads(self.names)]

    @property
    def name_words(self) -> list[str]:
        """The words of every name, folded, by which staff find the patient."""
        return words_of(" ".join([*given, family]) for given, family in self.all_names)


class ClinicNumber(PatientsTable, discriminator="clinic_number"):
    """Whose a clinic number is; partition key `clinic_number#<canonical>`."""

    patient_id = UnicodeAttribute()


class Identifier(PatientsTable, discriminator="identifier"):
    """A business identifier; partition key `identifier#<keyed hash of the value>`, sort key `<system>#<target id>`."""

    target_id = UnicodeAttribute()
    system = UnicodeAttribute()


IDENTITY = "portal:identity"
"""The system of the identifiers that are a patient's own birth date and last name, hashed (services/identity_keys)."""

PATIENT = "patient"
"""The sort key of a patient's own row."""


def find(patient_id: str) -> Patient | None:
    """A patient."""
    return Patient.find(patient_id, PATIENT)


def find_many(patient_ids: list[str]) -> list[Patient]:
    """The patients of these ids that exist, in their order."""
    rows = Patient.find_all([(patient_id, PATIENT) for patient_id in patient_ids])
    return [rows[patient_id, PATIENT] for patient_id in patient_ids if (patient_id, PATIENT) in rows]


def find_id_by_clinic_number(canonical: str) -> str | None:
    """Whose a clinic number is, by its canonical form."""
    row = ClinicNumber.find(f"clinic_number#{canonical}", "clinic_number")
    return row.patient_id if row else None


def find_ids_by_identifier(value_hash: str, system: str | None) -> list[str]:
    """The ids of everything with an identifier's value, of one system or of any."""
    condition = Identifier.sk.startswith(f"{system}#") if system is not None else None
    with storage_errors():
        rows = Identifier.query(f"identifier#{value_hash}", condition, consistent_read=True, limit=_IDENTIFIER_PAGE)
        # The beginning of a sort key cannot tell a system that has a # of its own from a shorter one.
        return list(dict.fromkeys(row.target_id for row in rows if system in {None, row.system}))


def claim_clinic_number(tx: Transaction, canonical: str, patient_id: str) -> None:
    """A clinic number belongs to one patient."""
    row = ClinicNumber(f"clinic_number#{canonical}", "clinic_number", patient_id=patient_id)
    tx.put(row, condition=ClinicNumber.pk.does_not_exist() | (ClinicNumber.patient_id == patient_id), error=Conflict())


def release_clinic_number(tx: Transaction, canonical: str, patient_id: str) -> None:
    """A clinic number that a patient no longer has finds nobody, unless it is somebody else's by now."""
    row = ClinicNumber(f"clinic_number#{canonical}", "clinic_number")
    tx.delete(
        row, condition=ClinicNumber.pk.does_not_exist() | (ClinicNumber.patient_id == patient_id), error=Conflict()
    )


def put_identifier(tx: Transaction, value_hash: str, system: str, target_id: str) -> None:
    """Let something be found by an identifier."""
    tx.put(Identifier(f"identifier#{value_hash}", f"{system}#{target_id}", target_id=target_id, system=system))


def remove_identifier(tx: Transaction, value_hash: str, system: str, target_id: str) -> None:
    """Let it be found by this identifier no more."""
    tx.delete(Identifier(f"identifier#{value_hash}", f"{system}#{target_id}"))


def put_held(tx: Transaction, row: Held, *, replaces: int | None, while_: Condition | None = None) -> None:
    """Store the present version of a resource, if the version that was read is still the present one.

    `while_` is what else has to be as it was read.
    """
    condition = type(row).version == replaces if replaces else type(row).pk.does_not_exist()
    if while_ is not None:
        condition &= while_
    if replaces and isinstance(row, Patient):
        # Being merged is no new version of what was sent, and must outlive one that is on its way.
        condition &= has_same_merges(row)
    tx.put(row, condition=condition, error=Conflict())


def has_same_merges(patient: Patient) -> Condition:
    """That a patient was neither merged nor parted since this row was read."""
    version = int(patient.merge_version)
    is_same: Condition = Patient.merge_version == version
    # A row of before there were merges has no such attribute.
    return is_same if version else is_same | Patient.merge_version.does_not_exist()


def check_merges(tx: Transaction, patient: Patient, error: PortalError) -> None:
    """Require that a patient was neither merged nor parted since they were read."""
    tx.check(patient, has_same_merges(patient), error=error, precedence=Precedence.STATE)


def note_last_updated(tx: Transaction, row: Held, at: str) -> None:
    """The content that is stored was still right at a later time, by its sender's clock."""
    kind = type(row)
    tx.update(row, [kind.last_updated.set(at)], condition=kind.version == row.version, error=Conflict())

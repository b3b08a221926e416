"""The sample clinic once it is in a portal: what the console shows of it."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class SeededPatient:
    """A sample patient as `/sample.json` shows one."""

    patient_id: str
    clinic_number: str
    activation_code: str | None
    first_name: str
    last_name: str
    date_of_birth: str
    phone_last4: str | None
    email: str | None


@dataclass(frozen=True)
class SeededClient:
    """The credentials of the clinic's own systems."""

    client_id: str
    client_secret: str


@dataclass(frozen=True)
class SeededStaff:
    """What a member of staff signs in with."""

    username: str
    password: str
    totp_secret: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class SeededCharge:
    """A patient whom somebody looks after."""

    patient_id: str
    relation: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class SeededCaregiver:
    """What somebody who looks after patients, and is none, signs in with."""

    username: str
    password: str
    patients: tuple[SeededCharge, ...]


@dataclass(frozen=True)
class SeededClinic:
    """What was brought in, and what it takes to use it."""

    patients: tuple[SeededPatient, ...]
    clients: tuple[SeededClient, ...]
    staff: tuple[SeededStaff, ...] = ()
    caregivers: tuple[SeededCaregiver, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The console's `/sample.json`."""
        return {
            "patients": [asdict(patient) for patient in self.patients],
            "staff": [{**asdict(member), "roles": list(member.roles)} for member in self.staff],
            "clients": [asdict(client) for client in self.clients],
            "caregivers": json.loads(json.dumps([asdict(caregiver) for caregiver in self.caregivers])),
        }

    @classmethod
    def read(cls, text: str) -> Self:
        """The clinic out of what `as_json` gave, as text."""
        known = json.loads(text)
        people = tuple(SeededPatient(**patient) for patient in known["patients"])
        clients = tuple(SeededClient(**client) for client in known["clients"])
        staff = tuple(SeededStaff(**{**member, "roles": tuple(member["roles"])}) for member in known["staff"])
        caregivers = tuple(_caregiver(**caregiver) for caregiver in known.get("caregivers", ()))
        return cls(people, clients, staff, caregivers)


def _caregiver(username: str, password: str, patients: list[dict[str, Any]]) -> SeededCaregiver:
    charges = tuple(SeededCharge(**{**charge, "scopes": tuple(charge["scopes"])}) for charge in patients)
    return SeededCaregiver(username, password, charges)

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
class SeededClinic:
    """What was brought in, and what it takes to use it."""

    patients: tuple[SeededPatient, ...]
    clients: tuple[SeededClient, ...]

    def as_json(self) -> dict[str, Any]:
        """The console's `/sample.json`."""
        return {
            "patients": [asdict(patient) for patient in self.patients],
            "staff": [],
            "clients": [asdict(client) for client in self.clients],
        }

    @classmethod
    def read(cls, text: str) -> Self:
        """The clinic out of what `as_json` gave, as text."""
        known = json.loads(text)
        people = tuple(SeededPatient(**patient) for patient in known["patients"])
        return cls(people, tuple(SeededClient(**client) for client in known["clients"]))

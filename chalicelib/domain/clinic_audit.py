"""The audit as admins of the clinic read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditView:
    """One entry; `at` is aware, in UTC. Whose history it stands in: a patient's, an account's, else the clinic's."""

    entry_id: str
    at: datetime
    action: str
    actor_kind: str
    actor_id: str
    patient_id: str | None
    account_id: str | None
    request_id: str
    about: Mapping[str, object]

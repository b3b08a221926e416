"""Who looks after a patient, and who is told what about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """What a grant may open to a caregiver."""

    APPOINTMENTS = "appointments"
    MESSAGES = "messages"
    MEDICATIONS = "medications"
    RESULTS = "results"
    BILLING = "billing"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caregiver, by their account, may see and do for a patient; `expires_at` is aware, in UTC."""

    account_id: str
    scopes: frozenset[Scope]
    expires_at: datetime | None = None

    def covers(self, scope: Scope | None, now: datetime) -> bool:
        """Whether it reaches so far, now. What needs no scope of its own is covered by `everything` only."""
        is_over = self.expires_at is not None and now >= self.expires_at
        return not is_over and (Scope.EVERYTHING in self.scopes or (scope is not None and scope in self.scopes))


def readers(
    own_account_id: str | None, *, is_child: bool, grants: Iterable[Grant], scope: Scope | None, now: datetime
) -> list[str]:
    """The accounts that a notice about a patient goes to, each once: the patient's own, unless they are a child, first.

    A child's notices go to the caregivers alone.
    """
    own = [own_account_id] if own_account_id and not is_child else []
    covered = [grant.account_id for grant in grants if grant.covers(scope, now)]
    return list(dict.fromkeys([*own, *covered]))

"""Two patients who turn out to be one: the duplicate is merged into the one that remains, and may be parted again.

Nothing is moved. Each file says of the other, and whoever reads the remaining one reads both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.help_desk import MaskedContact

UNDO_WITHIN = timedelta(days=30)
"""For how long a merge can be undone."""

MOST_JOINED = 5
"""Patients who may be merged into one: each is one more file to read."""

MOST_COUNTED = 2_000
"""Records of one file that a preview counts."""


class MergeWarning(StrEnum):
    """What speaks against two patients being one, or is to be decided before."""

    BIRTH_DATES_DIFFER = "birth_dates_differ"
    NAMES_DIFFER = "names_differ"
    GENDERS_DIFFER = "genders_differ"
    ONE_HAS_DIED = "one_has_died"
    CONTACTS_DIFFER = "contacts_differ"
    """The duplicate has contacts on file that the remaining one has not."""
    BOTH_HAVE_ACCOUNTS = "both_have_accounts"
    """Which one is kept has to be chosen."""
    CLOSED_ACCOUNT_CARES_FOR_OTHERS = "closed_account_cares_for_others"
    """An account that may be closed looks after other patients."""
    CHANGE_PENDING = "change_pending"
    """The duplicate has asked for a change, which cannot be accepted any more."""


@dataclass(frozen=True, slots=True)
class Demographics:
    """What of a file says who somebody is: names and contacts in the form in which they are compared."""

    names: frozenset[str]
    birth_date: str | None
    gender: str | None
    is_deceased: bool
    contacts: frozenset[str]


def differences(kept: Demographics, duplicate: Demographics) -> list[MergeWarning]:
    """In what the files of two patients differ; what one of them does not say is no difference."""
    found = {
        MergeWarning.BIRTH_DATES_DIFFER: _differ(kept.birth_date, duplicate.birth_date),
        MergeWarning.NAMES_DIFFER: not kept.names & duplicate.names,
        MergeWarning.GENDERS_DIFFER: _differ(kept.gender, duplicate.gender),
        MergeWarning.ONE_HAS_DIED: kept.is_deceased != duplicate.is_deceased,
        MergeWarning.CONTACTS_DIFFER: bool(duplicate.contacts - kept.contacts),
    }
    return [warning for warning, is_so in found.items() if is_so]


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


@dataclass(frozen=True, slots=True)
class MergedAccount:
    """The account of one side, its contacts masked; `cares_for` is how many other patients its holder looks after."""

    account_id: str
    username: str
    contacts: tuple[MaskedContact, ...]
    cares_for: int


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """How many records of each category there are; with `is_all` False, at least so many."""

    by_category: Mapping[str, int]
    is_all: bool


@dataclass(frozen=True, slots=True)
class MergeView:
    """A merge as staff see it; times are aware, in UTC. `merged_by` and `undone_by` are accounts of staff."""

    merge_id: str
    patient_id: str
    duplicate_patient_id: str
    reason: str
    merged_at: datetime
    merged_by: str
    undo_until: datetime
    kept_account_id: str | None
    moved_account_id: str | None
    closed_account_id: str | None
    undone_at: datetime | None
    undone_by: str | None
    undo_reason: str | None

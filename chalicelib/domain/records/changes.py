"""What differs between two views of one record, as far as people see it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from chalicelib.domain.fhir.text import dump
from chalicelib.domain.records import dates
from chalicelib.domain.records.view import WITHDRAWN

View = Mapping[str, Any]
"""What lists show of a record."""


class ChangeKind(StrEnum):
    """What became of a record."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a view before and after, None where it was or is not there."""

    field: str
    before: Any
    after: Any


def kind_of(before: View | None, after: View | None) -> ChangeKind | None:
    """What became of a record out of what was and what is there of it; None where nothing that people see did.

    A record that was entered in error is not there.
    """
    was, is_now = _is_there(before), _is_there(after)
    if was and is_now:
        return ChangeKind.CHANGED if differs(before or {}, after or {}) else None
    if was == is_now:
        return None
    return ChangeKind.ADDED if is_now else ChangeKind.REMOVED


def _is_there(view: View | None) -> bool:
    return view is not None and WITHDRAWN not in {view["status"], view.get("verification_status")}


def seen(view: View, last_updated: str | None) -> View:
    """A view without a time of writing down that is only the sender's `meta.lastUpdated`."""
    recorded = view.get("recorded_at")
    is_technical = view.get("resource_type") not in dates.RECORDED or (
        last_updated is not None and recorded == dates.normal(last_updated)
    )
    return {name: value for name, value in view.items() if name != "recorded_at"} if is_technical else view


def differs(before: View, after: View) -> bool:
    """Whether people see a difference between two views of one record, both without what is only technical."""
    return any(True for _ in _fields(before, after))


def differences(before: View, after: View) -> list[Difference]:
    """What differs, each thing once: what another field says as well is left out.

    A date of onset is also when a condition occurred, and a code is what the title names in words.
    """
    found = {name: Difference(name, before.get(name), after.get(name)) for name in _fields(before, after)}
    for name, reasons in _SAID_BY.items():
        if name in found and any(_says(found[other], found[name]) for other in reasons if other in found):
            del found[name]
    return list(found.values())


# What is technical, or stands in another field as people write it.
_UNSEEN: Final = frozenset({"record_id", "resource_type", "unit_code", "truncated", "scheduling"})
_ORDER: Final = ("title", "value", "comparator", "unit", "data_absent_reason", "dosage", "status", "clinical_status")


def _fields(before: View, after: View) -> Iterator[str]:
    """The names of the fields that differ, the most telling first."""
    names = dict.fromkeys((*_ORDER, *before, *after))
    for name in names:
        if name in _UNSEEN or (name == "recorded_at" and not (name in before and name in after)):
            continue
        if _as_text(before.get(name)) != _as_text(after.get(name)):
            yield name


def _as_text(value: Any) -> Any:
    """A value so that what people read alike is equal: 6.5 and 6.50 are not, lists in another order are."""
    if isinstance(value, list):
        return sorted(dump(member) for member in value)
    return dump(value)


_WHEN: Final = ("period", "onset", "occurrence", "performed")
# A field is left out where one of these differs in the same way, or, of those in _WHOLLY, at all.
_SAID_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "recorded_at": ("occurred_at",),
    "occurred_at": _WHEN,
    "clinical_status": ("status",),
    "verification_status": ("status",),
    "encounter_class": ("title",),
    "document_type": ("title",),
    "relationship": ("title",),
    "modality": ("title",),
    "value_code": ("value",),
    "reference_ranges": ("reference_range",),
    "code": ("title", "value"),
    "device_names": ("title",),
}
_WHOLLY: Final = frozenset({"value_code", "reference_ranges", "code", "encounter_class", "device_names"})


def _says(other: Difference, one: Difference) -> bool:
    if one.field in _WHOLLY:
        return True
    pair = one.before, one.after
    members = [(other.before, other.after)]
    if isinstance(other.before, Mapping) and isinstance(other.after, Mapping):
        members += [(other.before.get(name), other.after.get(name)) for name in {*other.before, *other.after}]
    if one.field == "occurred_at":
        # Where the clinic did not say when it happened, the day on which it was written down stands for that.
        return any(before == one.before or after == one.after for before, after in members)
    return pair in members

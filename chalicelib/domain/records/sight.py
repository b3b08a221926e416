"""How much of a record somebody sees: which categories a caregiver's scopes open, and what is sensitive apart."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from chalicelib.domain.access import Reach
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.records.categories import Category

OPENED: Final[Mapping[Scope, frozenset[Category]]] = {
    Scope.APPOINTMENTS: frozenset(),
    Scope.MESSAGES: frozenset(),
    Scope.MEDICATIONS: frozenset({Category.MEDICATION}),
    Scope.RESULTS: frozenset({Category.LAB, Category.VITAL, Category.REPORT, Category.IMAGING}),
    Scope.BILLING: frozenset(),
    Scope.EVERYTHING: frozenset(Category),
}
"""The categories of the record that each scope opens."""


class Release(StrEnum):
    """When somebody wants to see a new result."""

    NOW = "now"
    AFTER_COMMENT = "after_comment"
    AT_VISIT = "at_visit"


@dataclass(frozen=True, slots=True)
class Hold:
    """What a reader has chosen not to see at once, since a time (a stamp): domain/records/release.py has the rule."""

    category: Category
    release: Release
    since: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody sees of a record; `holds` are their own choice of what shows later."""

    categories: frozenset[Category] = frozenset(Category)
    sees_sensitive: bool = True
    holds: tuple[Hold, ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether nothing is hidden, whatever the reader holds back themselves."""
        return self.sees_sensitive and self.sees_every_category

    @property
    def sees_every_category(self) -> bool:
        """Whether no category is hidden as a whole."""
        return self.categories == frozenset(Category)

    def shows(self, category: str, *, is_sensitive: bool) -> bool:
        """Whether a record of a category shows."""
        return category in self.categories and (self.sees_sensitive or not is_sensitive)


FULL: Final = Sight()
"""Everything there is."""


def sight_of(reach: Reach) -> Sight:
    """What a caller's reach shows of the record."""
    if reach.scopes is None:
        return FULL
    return Sight(frozenset().union(*(OPENED[scope] for scope in reach.scopes)), reach.sees_sensitive)


_LINKS: Final = ("members", "results", "reports", "goals", "conditions")
_OTHERS_WORDS: Final = frozenset({"reasons", "diagnoses", "activities"})


def linked_ids(view: Mapping[str, Any]) -> Iterator[str]:
    """The records that a record's view names with their titles."""
    for name in _LINKS:
        yield from (link["record_id"] for link in view.get(name, ()) if link.get("record_id"))


def without_hidden(view: Mapping[str, Any], shown: Container[str]) -> dict[str, Any]:
    """A view for somebody from whom some records are hidden, without a word of those.

    Links lead only to records that are `shown`; where titles of other records stand among a view's own words, the
    whole field is left out.
    """
    kept = {name: value for name, value in view.items() if name not in _OTHERS_WORDS}
    linked = {name: [link for link in kept[name] if _may_stand(link, shown)] for name in _LINKS if name in kept}
    return {name: value for name, value in (kept | linked).items() if value != [] or name not in linked}


def _may_stand(link: Mapping[str, Any], shown: Container[str]) -> bool:
    """Whether a link may be shown; a relative's condition, which stands under one of the names, is none."""
    return "record_id" not in link or link["record_id"] in shown

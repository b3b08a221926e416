"""Which records a caregiver's scopes open, and which their sender marks as sensitive."""

from typing import Any

import pytest

from chalicelib.domain.access import Reach, ReachKind
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sensitivity import is_sensitive
from chalicelib.domain.records.sight import FULL, OPENED, linked_ids, sight_of, without_hidden

RESULTS = {Category.LAB, Category.VITAL, Category.REPORT, Category.IMAGING}


def _reach(*scopes: Scope, sees_sensitive: bool = False) -> Reach:
    return Reach("pat_1", ReachKind.CAREGIVER, frozenset(scopes), sees_sensitive=sees_sensitive)


@pytest.mark.parametrize(
    ("scopes", "opened"),
    [
        ({Scope.MEDICATIONS}, {Category.MEDICATION}),
        ({Scope.RESULTS}, RESULTS),
        ({Scope.RESULTS, Scope.MEDICATIONS}, RESULTS | {Category.MEDICATION}),
        ({Scope.APPOINTMENTS, Scope.MESSAGES, Scope.BILLING}, set()),
        ({Scope.EVERYTHING}, set(Category)),
        (set(), set()),
    ],
)
def test_a_scope_opens_its_categories_and_no_other(scopes: set[Scope], opened: set[Category]) -> None:
    assert sight_of(_reach(*scopes)).categories == opened


def test_every_scope_says_what_it_opens() -> None:
    assert set(OPENED) == set(Scope)


def test_everything_is_full_only_together_with_what_is_sensitive() -> None:
    assert not sight_of(_reach(Scope.EVERYTHING)).is_full
    assert sight_of(_reach(Scope.EVERYTHING, sees_sensitive=True)).is_full
    assert not sight_of(_reach(Scope.RESULTS, sees_sensitive=True)).is_full
    assert sight_of(Reach("pat_1")) == FULL
    assert FULL.is_full


def test_what_is_sensitive_shows_only_where_the_grant_says_so_and_in_its_scope() -> None:
    for sees_sensitive in (True, False):
        sight = sight_of(_reach(Scope.RESULTS, sees_sensitive=sees_sensitive))
        assert sight.shows("lab", is_sensitive=False)
        assert sight.shows("lab", is_sensitive=True) is sees_sensitive
        assert not sight.shows("condition", is_sensitive=False)


CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def _labelled(*codes: str, system: str | None = ACT_CODE) -> dict[str, Any]:
    return {"resourceType": "Observation", "meta": {"security": [{"system": system, "code": code} for code in codes]}}


@pytest.mark.parametrize("code", ["ETH", "PSY", "SEX", "HIV", "SDV", "SUD", "R", "V", "hiv", " MH "])
def test_a_sensitive_label_is_known_in_whatever_company(code: str) -> None:
    assert is_sensitive(_labelled("N", code))
    assert is_sensitive(_labelled(code, system=None))


@pytest.mark.parametrize(
    "resource",
    [
        _labelled("N", system=CONFIDENTIALITY),
        _labelled("L", "M", "U", system=CONFIDENTIALITY),
        _labelled(),
        {"meta": {"security": None}},
        {"meta": {"security": ["HIV", {"display": "HIV"}]}},
        {"meta": None},
        {},
    ],
)
def test_ordinary_labels_and_none_at_all_are_not_sensitive(resource: dict[str, Any]) -> None:
    assert not is_sensitive(resource)


def test_a_view_names_no_record_that_is_hidden() -> None:
    view = {
        "title": "Panel",
        "results": [{"record_id": "rec_1", "title": "Sodium"}, {"record_id": "rec_2", "title": "A secret"}],
        "members": [{"record_id": None, "title": "Not here yet"}],
        "goals": [{"record_id": "rec_1", "title": "Eat less salt"}],
        "reasons": ["A secret"],
        "notes": [],
    }
    assert set(linked_ids(view)) == {"rec_1", "rec_2"}
    assert without_hidden(view, {"rec_1"}) == {
        "title": "Panel",
        "results": [{"record_id": "rec_1", "title": "Sodium"}],
        "goals": [{"record_id": "rec_1", "title": "Eat less salt"}],
        "notes": [],
    }


def test_the_conditions_of_a_relative_are_the_views_own_words() -> None:
    view = {"conditions": [{"title": "Asthma"}]}
    assert without_hidden(view, set()) == view

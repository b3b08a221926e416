"""Who is told of a notice about a patient (the addressing rule of caregivers' copies)."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.caregivers import Grant, Scope, readers

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def _grant(account_id: str, *scopes: Scope, expires_at: datetime | None = None) -> Grant:
    return Grant(account_id, frozenset(scopes), expires_at)


def _told(
    *grants: Grant, own: str | None = "own", is_child: bool = False, scope: Scope | None = Scope.RESULTS
) -> list[str]:
    return readers(own, is_child=is_child, grants=grants, scope=scope, now=NOW)


def test_the_patient_is_told_and_each_caregiver_whose_scope_covers_it() -> None:
    told = _told(_grant("a", Scope.RESULTS), _grant("b", Scope.BILLING), _grant("c", Scope.EVERYTHING))
    assert told == ["own", "a", "c"]


def test_a_childs_notices_go_to_the_caregivers_alone() -> None:
    assert _told(_grant("a", Scope.RESULTS), is_child=True) == ["a"]


def test_a_patient_without_an_account_is_told_through_the_caregivers() -> None:
    assert _told(_grant("a", Scope.EVERYTHING), own=None) == ["a"]


def test_nobody_is_told_where_nobody_may_know() -> None:
    assert _told(_grant("a", Scope.MESSAGES), own=None) == []


@pytest.mark.parametrize(("later", "told"), [(timedelta(milliseconds=1), ["own", "a"]), (timedelta(0), ["own"])])
def test_a_grant_ends_at_its_very_instant(later: timedelta, told: list[str]) -> None:
    assert _told(_grant("a", Scope.RESULTS, expires_at=NOW + later)) == told


def test_what_needs_no_scope_of_its_own_needs_everything() -> None:
    assert _told(_grant("a", *set(Scope) - {Scope.EVERYTHING}), scope=None) == ["own"]
    assert _told(_grant("a", Scope.EVERYTHING), scope=None) == ["own", "a"]


def test_who_is_both_patient_and_caregiver_is_told_once() -> None:
    assert _told(_grant("own", Scope.EVERYTHING)) == ["own"]

"""What parents may see as their child grows up (AC 3: at the boundary day in the clinic's zone)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.caregivers import AGE_BANDS, PARENTAL, Grant, Relation, Scope, in_force

CHICAGO = ZoneInfo("America/Chicago")
BORN = "2010-06-15"
TWELVE = datetime(2022, 6, 15, tzinfo=CHICAGO).astimezone(UTC)
EIGHTEEN = datetime(2028, 6, 15, tzinfo=CHICAGO).astimezone(UTC)
MOMENT = timedelta(milliseconds=1)


def _parent(*scopes: Scope, decided_at: datetime | None = None, sees_sensitive: bool = False) -> Grant:
    return Grant(
        "acc_1",
        frozenset(scopes or {Scope.EVERYTHING}),
        sees_sensitive=sees_sensitive,
        relation=Relation.PARENT,
        decided_at=decided_at,
    )


def _at(grant: Grant, now: datetime, born: str | None = BORN) -> Grant:
    found = in_force(grant, born, now, CHICAGO)
    assert found is not None
    return found


def test_parents_of_a_small_child_see_everything_up_to_the_midnight_before_the_birthday() -> None:
    grant = _at(_parent(), TWELVE - MOMENT)
    assert grant.sees_sensitive
    assert all(grant.covers(scope, TWELVE - MOMENT) for scope in Scope)


def test_at_twelve_what_is_sensitive_and_messages_close_at_the_midnight_of_the_clinic() -> None:
    grant = _at(_parent(sees_sensitive=True, decided_at=TWELVE - MOMENT), TWELVE)
    assert not grant.sees_sensitive
    assert {scope for scope in Scope if not grant.covers(scope, TWELVE)} == {Scope.MESSAGES}


def test_what_was_opened_since_the_twelfth_birthday_stays_open() -> None:
    opened = _parent(Scope.EVERYTHING, Scope.MESSAGES, sees_sensitive=True, decided_at=TWELVE)
    grant = _at(opened, EIGHTEEN - MOMENT)
    assert grant.sees_sensitive
    assert grant.covers(Scope.MESSAGES, EIGHTEEN - MOMENT)


def test_everything_alone_does_not_open_a_teenagers_messages() -> None:
    assert not _at(_parent(decided_at=TWELVE), TWELVE).covers(Scope.MESSAGES, TWELVE)


@pytest.mark.parametrize("relation", sorted(PARENTAL))
def test_at_eighteen_parents_rights_end_at_the_midnight_of_the_clinic(relation: Relation) -> None:
    grant = Grant("acc_1", frozenset(Scope), relation=relation, decided_at=EIGHTEEN - MOMENT, sees_sensitive=True)
    assert in_force(grant, BORN, EIGHTEEN - MOMENT, CHICAGO) is not None
    assert in_force(grant, BORN, EIGHTEEN, CHICAGO) is None


@pytest.mark.parametrize("relation", sorted(set(Relation) - PARENTAL))
def test_whom_an_adult_has_chosen_is_not_touched_by_age(relation: Relation) -> None:
    grant = Grant("acc_1", frozenset({Scope.RESULTS}), relation=relation)
    for now in (TWELVE, EIGHTEEN + timedelta(days=9000)):
        assert in_force(grant, BORN, now, CHICAGO) == grant


def test_of_an_inexact_birth_date_the_first_day_counts_and_of_none_nobody_is_a_child() -> None:
    january = datetime(2028, 1, 1, 6, tzinfo=UTC)
    assert in_force(_parent(), "2010", january - MOMENT, CHICAGO) is not None
    assert in_force(_parent(), "2010", january, CHICAGO) is None
    assert in_force(_parent(), None, TWELVE, CHICAGO) is None


def test_who_was_born_on_leap_day_comes_of_age_on_the_first_of_march() -> None:
    first_of_march = datetime(2026, 3, 1, tzinfo=CHICAGO)
    assert in_force(_parent(), "2008-02-29", first_of_march - MOMENT, CHICAGO) is not None
    assert in_force(_parent(), "2008-02-29", first_of_march, CHICAGO) is None


def test_a_grant_over_by_its_own_end_is_over_at_any_age() -> None:
    grant = Grant("acc_1", frozenset(Scope), expires_at=TWELVE)
    assert in_force(grant, BORN, TWELVE - MOMENT, CHICAGO) is not None
    assert in_force(grant, BORN, TWELVE, CHICAGO) is None


def test_the_bands_are_in_order_and_begin_at_birth() -> None:
    assert [band.since for band in AGE_BANDS] == [0, 12, 18]

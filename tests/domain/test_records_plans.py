"""What a record says is still to come."""

from datetime import date
from typing import Any

import pytest

from chalicelib.domain import calendar
from chalicelib.domain.records import plans
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.view import view

ZONE = "America/Chicago"


def order(**changes: Any) -> dict[str, Any]:
    resource = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "Blood test"},
        "subject": {"reference": "Patient/1"},
        **changes,
    }
    return {**view(resource)}


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({}, [plans.NOT_SCHEDULED]),
        ({"occurrenceDateTime": "2026-12-01"}, ["2026-12-01T06:00:00.000Z"]),
        ({"occurrenceDateTime": "2026-12-01T10:00:00-05:00"}, ["2026-12-01T15:00:00.000Z"]),
        (
            {"occurrencePeriod": {"start": "2026-12-01", "end": "2026-12-31"}},
            ["2026-12-01T06:00:00.000Z", "2026-12-31T06:00:00.000Z"],
        ),
        ({"occurrencePeriod": {"end": "2026-12-31"}}, ["2026-12-31T06:00:00.000Z"]),
        ({"occurrenceDateTime": "2026-12"}, []),
        ({"occurrenceTiming": {"code": {"text": "Every month"}}}, []),
        ({"status": "draft"}, []),
        ({"intent": "option"}, []),
        ({"doNotPerform": True}, []),
    ],
)
def test_an_order_stands_where_it_is_to_be_done(changes: dict[str, Any], places: list[str]) -> None:
    assert plans.places_of(order(**changes), ZONE) == places


def test_a_long_plan_stands_in_as_many_places_as_a_transaction_has_room_for() -> None:
    activities = [{"detail": {"scheduledPeriod": {"start": f"2026-{month:02}-01"}}} for month in range(1, 13)]
    resource = {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/1"},
        "activity": activities,
    }
    assert len(plans.places_of({**view(resource)}, ZONE)) == plans.MOST_PLACES[Category.CARE_PLAN]


@pytest.mark.parametrize(
    ("since", "until", "window"),
    [
        (None, None, ("2026-11-23", "2027-02-20")),
        ("2026-01-01", None, ("2026-01-01", "2026-03-31")),
        (None, "2026-12-24", ("2026-11-23", "2026-12-24")),
        ("9999-12-31", None, ("9999-12-31", "9999-12-31")),
    ],
)
def test_what_is_left_out_of_a_window_is_today_and_ninety_days(
    since: str | None, until: str | None, window: tuple[str, str]
) -> None:
    asked = [date.fromisoformat(one) if one else None for one in (since, until)]
    first, last = calendar.window(asked[0], asked[1], date(2026, 11, 23))
    assert (first.isoformat(), last.isoformat()) == window

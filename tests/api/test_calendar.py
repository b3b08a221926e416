"""GET /v1/patients/{pid}/calendar: everything of a patient's that has a date, in one list."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib import clock
from chalicelib.domain.caregivers import Scope
from chalicelib.settings import settings
from tests.support import fhir, merging
from tests.support.aws_calls import recorded
from tests.support.changing import Chart
from tests.support.fhir import Json, care_plan, goal, order
from tests.support.people import new_caregiver, token_of
from tests.support.portal import Answer, Portal

ORDER_ONLY = [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]


def today() -> date:
    return clock.now().astimezone(settings().clinic_zone).date()


def day(after: int) -> str:
    return (today() + timedelta(days=after)).isoformat()


def visit(start: str, **changes: Any) -> Json:
    return fhir.encounter("", **{"status": "planned", "period": {"start": start}, **changes})


def ask(chart: Chart, query: str = "", token: str | None = None) -> Answer:
    own = token or token_of(chart.person.session["account"]["account_id"])
    return chart.portal.call("GET", f"/v1/patients/{chart.patient_id}/calendar{query}", token=own)


def items(chart: Chart, query: str = "", token: str | None = None) -> list[Json]:
    answer = ask(chart, query, token)
    assert answer.status == 200, answer.text
    found: list[Json] = answer.json["items"]
    return found


def titles(chart: Chart, query: str = "", token: str | None = None) -> list[str]:
    return [one["title"] for one in items(chart, query, token)]


def everything(chart: Chart) -> list[Json]:
    """One of each kind of thing with a date, in the order of their days; and what has none to show."""
    del chart
    return [
        visit(f"{day(1)}T15:30:00Z", type=[{"text": "Eye exam"}]),
        order("Blood test", occurrenceDateTime=day(2)),
        care_plan({"code": {"text": "Foot check"}, "scheduledPeriod": {"start": day(3), "end": day(5)}}),
        goal(day(7)),
        fhir.prescription("", dispenseRequest={"validityPeriod": {"end": day(8)}}),
        {
            "resourceType": "Procedure",
            "id": fhir.fresh("pr"),
            "status": "preparation",
            "code": {"text": "Colonoscopy"},
            "performedDateTime": f"{day(9)}T13:00:00Z",
        },
        order("Whenever"),
    ]


@pytest.fixture(scope="module")
def chart(portal: Portal) -> Chart:
    chart = Chart(portal)
    chart.take(*everything(chart))
    return chart


def test_what_has_a_date_is_in_one_list_in_order(chart: Chart) -> None:
    found = items(chart)
    assert [(one["kind"], one["title"]) for one in found] == [
        ("visit", "Eye exam"),
        ("order", "Blood test"),
        ("care_plan_activity", "Foot check"),
        ("goal", "Walk every day"),
        ("prescription_end", "Metformin 500 mg"),
        ("procedure", "Colonoscopy"),
    ]
    assert [one["status"] for one in found] == ["planned", "active", "scheduled", "active", "active", "preparation"]
    assert {one["time_zone"] for one in found} == {str(settings().clinic_zone)}
    for one in found:
        target = chart.portal.call(
            "GET",
            f"/v1/patients/{chart.patient_id}/records/{one['target']['id']}",
            token=token_of(chart.person.session["account"]["account_id"]),
        )
        assert target.json["category"] == one["target"]["kind"]


def test_a_day_is_no_moment(chart: Chart) -> None:
    seen, blood, feet, *_ = items(chart)
    assert (seen["all_day"], seen["starts_at"], seen["date"]) == (False, f"{day(1)}T15:30:00Z", None)
    assert (blood["all_day"], blood["starts_at"], blood["date"], blood["end_date"]) == (True, None, day(2), None)
    assert (feet["date"], feet["end_date"], feet["ends_at"]) == (day(3), day(5), None)


def test_a_walk_page_by_page_sees_everything_once(chart: Chart) -> None:
    whole = items(chart)
    seen: list[Json] = []
    cursor = ""
    while True:
        page = ask(chart, f"?limit=1{cursor}").json
        assert len(page["items"]) <= 1
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={quote(page['next_cursor'])}"
    assert seen == whole


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_what_stands_at_one_time_in_one_record_is_not_lost_between_pages(portal: Portal, limit: int) -> None:
    visits = [{"code": {"text": f"Foot check {place}"}, "scheduledPeriod": {"start": day(3)}} for place in range(4)]
    chart = Chart(portal, care_plan(*visits), order("Blood test", occurrenceDateTime=day(3)))
    whole = titles(chart)
    assert len(whole) == 5
    seen, page = [], ask(chart, f"?limit={limit}").json
    seen += [one["title"] for one in page["items"]]
    while page["next_cursor"] is not None:
        page = ask(chart, f"?limit={limit}&cursor={quote(page['next_cursor'])}").json
        seen += [one["title"] for one in page["items"]]
    assert seen == whole


def test_a_walk_goes_on_with_its_days_past_midnight(portal: Portal) -> None:
    chart = Chart(portal, order("First", occurrenceDateTime=day(0)), order("Last", occurrenceDateTime=day(89)))
    cursor = ask(chart, "?limit=1").json["next_cursor"]
    chart.later(days=3)
    assert titles(chart, f"?limit=1&cursor={quote(cursor)}") == ["Last"]


def test_without_days_it_is_from_today_for_ninety_days(portal: Portal) -> None:
    days = {-1: "Yesterday", 0: "Today", 89: "Last", 90: "Later"}
    chart = Chart(portal, *(order(title, occurrenceDateTime=day(after)) for after, title in days.items()))
    assert titles(chart) == ["Today", "Last"]
    assert titles(chart, f"?to={day(0)}") == ["Today"]
    assert titles(chart, f"?from={day(-1)}") == ["Yesterday", "Today"]
    assert titles(chart, f"?from={day(-1)}&to={day(90)}") == list(days.values())


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-01-01&to=2025-12-31",
        "from=2026-01-01&to=2027-01-02",
        "from=tomorrow",
        "from=20260101",
        "from=1767225600",
        "from=2026-01-01T00:00:00Z",
        "to=2026-02-30",
        "until=2026-01-01",
        "limit=0",
    ],
)
def test_bad_days_are_refused_with_the_place(chart: Chart, query: str) -> None:
    refused = ask(chart, f"?{query}")
    assert refused.status == 422, refused.text
    (error,) = refused.json["errors"]
    assert error["pointer"].strip("?/") in {"to", "from", "until", "limit"}


@pytest.mark.parametrize(
    "query", ["from=2026-01-01&to=2027-01-01", "from=0001-01-01", "from=9999-12-31", "from=2024-02-29"]
)
def test_366_days_and_the_edges_of_the_calendar_are_taken(chart: Chart, query: str) -> None:
    assert ask(chart, f"?{query}").status == 200


def test_what_is_done_stopped_or_was_never_meant_is_not_there(portal: Portal) -> None:
    chart = Chart(
        portal,
        order("Done", occurrenceDateTime=day(1), status="completed"),
        order("Not to be done", occurrenceDateTime=day(1), doNotPerform=True),
        order("Only an idea", occurrenceDateTime=day(1), intent="proposal"),
        goal(day(1), lifecycleStatus="completed"),
        care_plan({"code": {"text": "Over"}, "status": "completed", "scheduledPeriod": {"start": day(1)}}),
        care_plan({"code": {"text": "Given up"}, "scheduledPeriod": {"start": day(1)}}, status="revoked"),
        fhir.prescription("", dispenseRequest={"validityPeriod": {"end": day(1)}}, status="stopped"),
        visit(f"{day(1)}T15:30:00Z", status="entered-in-error"),
        visit("2026", type=[{"text": "Some time"}]),
    )
    assert items(chart, f"?from={day(-300)}&to={day(60)}") == []


def test_what_moves_or_ends_leaves_its_day(portal: Portal) -> None:
    moving, ending = order("Moves", occurrenceDateTime=day(3)), order("Ends", occurrenceDateTime=day(4))
    chart = Chart(portal, moving, ending)
    (before, _) = items(chart)
    chart.take({**moving, "occurrenceDateTime": day(10)}, {**ending, "status": "completed"})
    (after,) = items(chart)
    assert (after["title"], after["date"], after["calendar_id"]) == ("Moves", day(10), before["calendar_id"])


def test_what_turns_out_to_be_another_patients_is_in_their_calendar_alone(portal: Portal) -> None:
    moved = order("Moves", occurrenceDateTime=day(3))
    wrong, right = Chart(portal, moved), Chart(portal)
    assert titles(wrong) == ["Moves"]
    right.take(moved)
    assert (titles(wrong), titles(right)) == ([], ["Moves"])


def test_a_span_that_began_before_stands_where_it_ends(portal: Portal) -> None:
    chart = Chart(portal, order("Within a month", occurrencePeriod={"start": day(-10), "end": day(20)}))
    (one,) = items(chart)
    assert (one["date"], one["end_date"]) == (day(-10), day(20))
    assert items(chart, f"?from={day(-30)}&to={day(60)}") == [one]
    assert items(chart, f"?from={day(-5)}&to={day(5)}") == []


def test_a_caregiver_sees_what_their_scopes_open(chart: Chart) -> None:
    def seen(*scopes: Scope) -> list[str]:
        return titles(chart, token=token_of(new_caregiver(chart.patient_id, *scopes)))

    assert seen(Scope.APPOINTMENTS) == seen(Scope.MESSAGES) == seen(Scope.RESULTS) == []
    assert seen(Scope.MEDICATIONS) == ["Metformin 500 mg"]
    whole = titles(chart)
    # Activities carry the words of other records, and show to those who see everything.
    assert seen(Scope.EVERYTHING) == [title for title in whole if title != "Foot check"]
    token = token_of(new_caregiver(chart.patient_id, Scope.EVERYTHING, sees_sensitive=True))
    assert titles(chart, token=token) == whole


def test_what_is_sensitive_is_not_there_for_those_who_do_not_see_it(portal: Portal) -> None:
    hidden = {"meta": {"security": ORDER_ONLY}}
    chart = Chart(
        portal,
        order("Open", occurrenceDateTime=day(1)),
        order("Secret order", occurrenceDateTime=day(1), **hidden),
        visit(f"{day(2)}T10:00:00Z", type=[{"text": "Secret visit"}], **hidden),
    )
    assert titles(chart, token=token_of(new_caregiver(chart.patient_id, Scope.EVERYTHING))) == ["Open"]
    assert set(titles(chart)) == {"Open", "Secret order", "Secret visit"}


def test_the_calendar_of_merged_patients_is_that_of_both(portal: Portal) -> None:
    kept, other = Chart(portal, order("Here", occurrenceDateTime=day(1))), Chart(portal, visit(f"{day(2)}T10:00:00Z"))
    assert titles(kept) == ["Here"]
    other_id = portal.new_patient(id=(twice := fhir.fresh("p"))).patient_id
    there = [
        {**one, "subject": fhir.about({"id": twice})}
        for one in (order("There", occurrenceDateTime=day(0)), goal(day(3)))
    ]
    assert portal.import_fhir(fhir.bundle(*there)).json["created"] == 2
    merging.merged(portal, kept.patient_id, other_id)
    assert titles(kept) == ["There", "Here", "Walk every day"]
    assert [len(ask(kept, "?limit=2").json["items"])] == [2]
    del other


def test_its_cost_does_not_grow_with_the_record(portal: Portal) -> None:
    chart = Chart(portal, *everything(Chart(portal)))
    token = token_of(chart.person.session["account"]["account_id"])

    def cost() -> int:
        # What the clinic has decided is read again every half a minute: not while it is counted.
        ask(chart, "", token)
        with recorded() as calls:
            assert ask(chart, "?limit=5", token).status == 200
        return len([call for call in calls if call.service == "dynamodb"])

    small = cost()
    old = [order(f"Old {place}", occurrenceDateTime=f"20{10 + place % 10}-05-05") for place in range(150)]
    past = [fhir.encounter("", period={"start": f"20{10 + place % 10}-06-07T10:00:00Z"}) for place in range(150)]
    chart.take(*old, *past)
    assert cost() == small <= 6
    assert [one["title"] for one, _ in pairwise(items(chart))][:2] == ["Eye exam", "Blood test"]

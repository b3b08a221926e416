"""What changed, and charts: a page costs the same at ten records of a patient and at very many."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import pytest

from chalicelib import clock
from tests.support import fhir
from tests.support.aws_calls import recorded
from tests.support.people import token_of
from tests.support.portal import Answer, Portal
from tests.support.promises import Promise
from tests.support.routes import somebody
from tests.support.sizes import size


@dataclass(frozen=True)
class Chart:
    """Somebody's record in which something has changed since a moment."""

    portal: Portal
    account_id: str
    moment: str

    def get(self, path: str, token: str) -> Answer:
        return self.portal.call("GET", path.format(since=self.moment), token=token)


@pytest.fixture(scope="module")
def charts(portal: Portal) -> list[Chart]:
    """A small record and a large one, in both of which the same has changed."""
    return [_chart(portal, 10), _chart(portal, size("Changes"))]


def _chart(portal: Portal, count: int) -> Chart:
    me = somebody(portal)
    subject = f"Patient/{me.person.patient.resource_id}"
    drug, panel = fhir.prescription(subject), _panel(subject)
    for part in _labs(subject, count):
        assert portal.import_fhir(fhir.bundle(*part)).json["refused"] == []
    assert portal.import_fhir(fhir.bundle(drug, panel)).json["created"] == 2
    # The clock is the right one again after each test, so that nothing may lie ahead of it.
    time.sleep(0.01)
    moment = clock.stamp(clock.now())
    time.sleep(0.01)
    assert portal.import_fhir(fhir.encounter(subject, period={"start": moment})).json["created"] == 1
    for status in ("on-hold", "stopped"):
        assert portal.import_fhir({**drug, "status": status}).json["updated"] == 1
    return Chart(portal, me.person.session["account"]["account_id"], moment)


def _labs(subject: str, count: int) -> list[list[fhir.Json]]:
    """Laboratory results of as many days, in bundles that one call takes."""
    days = [date(1970, 1, 1) + timedelta(hours=4 * place) for place in range(count)]
    labs = [fhir.lab(subject, effectiveDateTime=day.isoformat()) for day in days]
    return [labs[start : start + 500] for start in range(0, count, 500)]


def _panel(subject: str) -> fhir.Json:
    systolic = {"code": {"coding": [{"system": fhir.LOINC, "code": "8480-6"}]}, "valueInteger": 120}
    blood_pressure = {"coding": [{"system": fhir.LOINC, "code": "85354-9"}]}
    panel = fhir.lab(subject, code=blood_pressure, component=[systolic])
    return {name: value for name, value in panel.items() if name != "valueQuantity"}


@pytest.mark.promise
@pytest.mark.parametrize(
    ("what", "path", "asked"),
    [
        ("what changed since a moment", "changes?since={since}&limit=5", 3),
        ("what changed since long ago", "changes?since=2020-01-01&limit=5", 2),
        ("the changes of one category", "changes?since={since}&category=medication", 3),
        ("the changes of one category, since long ago", "changes?since=2020-01-01&category=condition", 2),
        ("what changed since the last visit", "changes?since=last_visit&limit=5", 4),
        ("the whole record, by changes", "changes?limit=5", 2),
        ("a chart", "trends/4548-4?limit=5", 4),
        ("a chart of values inside of others", "trends/8480-6", 6),
        ("the summary", "summary", 8),
    ],
)
def test_changes_and_trends_cost_the_same_whatever_the_size_of_the_record(
    charts: list[Chart], promise: Promise, what: str, path: str, asked: int
) -> None:
    """Of a chart's calls some are made at the same time: signing in, what holds the code, then two of each kind."""
    (few, few_rows), (many, many_rows) = [
        _cost(partial(chart.get, f"/v1/patients/me/{path}", token_of(chart.account_id))) for chart in charts
    ]
    promise("Changes", f"{what}: DynamoDB calls at {size('Changes')} records", asked=asked, measured=many)
    assert (few, few_rows) == (many, many_rows), what


def _cost(ask: Callable[[], Answer]) -> tuple[int, int]:
    """How many calls of DynamoDB an answer takes, and how many rows they may read at most."""
    # What the clinic has decided is read twice a minute, whoever asks.
    return min(_once(ask) for _ in range(3))


def _once(ask: Callable[[], Answer]) -> tuple[int, int]:
    with recorded() as calls:
        answer = ask()
    assert answer.status == 200, answer.text
    asked = [call.params for call in calls if call.service == "dynamodb"]
    limits = [params.get("Limit", 0) for params in asked]
    keys = [len(table["Keys"]) for params in asked for table in params.get("RequestItems", {}).values()]
    return len(asked), sum(limits) + sum(keys)

"""A page costs the same at ten records of a patient and at very many: in calls of DynamoDB, in rows, and in time.

A page that looks for what is seldom reads a hundred rows at most, and may be short; ten records have fewer than that,
so that its cost at many is compared to that at three hundred.

On the embedded AWS the calls count, and how many rows they may read at most. On a real engine (DYNAMODB_ENDPOINT) so do
the capacity units that it says were consumed, and the portal's own time: the engine is another process.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.models.base import connection
from tests.support import fhir
from tests.support.aws_calls import recorded
from tests.support.people import token_of
from tests.support.portal import Answer, Portal
from tests.support.promises import Promise
from tests.support.routes import somebody
from tests.support.sizes import is_full, size

pytestmark = [pytest.mark.slow, pytest.mark.promise, pytest.mark.dynamodb_local]

_IS_REAL = bool(os.environ.get("DYNAMODB_ENDPOINT"))
_TRIES = 15
_SLOWER_AT_MOST = 1.5
_OTHER_CODE = "718-7"
_FEW, _PAGES = 10, 300


@dataclass(frozen=True)
class Chart:
    """Somebody's record in which something has changed since a moment."""

    portal: Portal
    account_id: str
    patient_id: str
    encounter_id: str
    moment: str

    def get(self, path: str, token: str) -> Answer:
        """A page, with the ids of this record in its address."""
        filled = path.format(since=self.moment, pid=self.patient_id, encounter=self.encounter_id)
        return self.portal.call("GET", filled, token=token)


@dataclass(frozen=True)
class Cost:
    """What one page takes: calls of DynamoDB, rows that they may read at most, capacity units."""

    calls: int
    rows: int
    units: float


@pytest.fixture(scope="module")
def charts(portal: Portal) -> dict[int, Chart]:
    """Records of different sizes, in all of which the same has changed."""
    return {count: _chart(portal, count) for count in (_FEW, _PAGES, size("Costs"))}


def _chart(portal: Portal, count: int) -> Chart:
    me = somebody(portal)
    subject = f"Patient/{me.person.patient.resource_id}"
    visit = fhir.encounter(subject, period={"start": "2024-05-06T07:00:00Z"})
    drug, panel = fhir.prescription(subject), _panel(subject)
    for part in _labs(subject, count):
        assert portal.import_fhir(fhir.bundle(*part)).json["refused"] == []
    found = [_of_the_visit(subject, visit) for _ in range(8)]
    assert portal.import_fhir(fhir.bundle(visit, drug, panel, *found)).json["created"] == 11
    # The clock is the right one again after each test, so that nothing may lie ahead of it.
    time.sleep(0.01)
    moment = clock.stamp(clock.now())
    time.sleep(0.01)
    assert portal.import_fhir(fhir.encounter(subject, period={"start": moment})).json["created"] == 1
    for status in ("on-hold", "stopped"):
        assert portal.import_fhir({**drug, "status": status}).json["updated"] == 1
    visits = me.person.get("/v1/patients/me/records?category=encounter&to=2024-12-31").json["items"]
    account_id = me.person.session["account"]["account_id"]
    return Chart(portal, account_id, me.person.patient.patient_id, visits[0]["record_id"], moment)


def _labs(subject: str, count: int) -> list[list[fhir.Json]]:
    """Laboratory results of as many moments, in bundles that one call takes."""
    days = [date(1970, 1, 1) + timedelta(hours=4 * place) for place in range(count)]
    labs = [fhir.lab(subject, effectiveDateTime=day.isoformat()) for day in days]
    return [labs[start : start + 500] for start in range(0, count, 500)]


def _of_the_visit(subject: str, visit: fhir.Json) -> fhir.Json:
    code = {"coding": [{"system": fhir.LOINC, "code": _OTHER_CODE}], "text": "Hemoglobin"}
    return fhir.lab(subject, code=code, encounter={"reference": f"Encounter/{visit['id']}"})


def _panel(subject: str) -> fhir.Json:
    systolic = {"code": {"coding": [{"system": fhir.LOINC, "code": "8480-6"}]}, "valueInteger": 120}
    blood_pressure = {"coding": [{"system": fhir.LOINC, "code": "85354-9"}]}
    panel = fhir.lab(subject, code=blood_pressure, component=[systolic])
    return {name: value for name, value in panel.items() if name != "valueQuantity"}


@pytest.mark.parametrize(
    ("what", "path", "asked", "base"),
    [
        ("the record", "/v1/patients/me/records?limit=5", 2, _FEW),
        ("the record of some days", "/v1/patients/me/records?from=1970-01-01&to=1970-01-02&limit=5", 2, _FEW),
        ("the results", "/v1/patients/me/records?category=lab&limit=5", 2, _FEW),
        ("the results of one code", f"/v1/patients/me/records?code=http://loinc.org|{_OTHER_CODE}&limit=5", 2, _FEW),
        ("what a visit brought", "/v1/patients/me/records?encounter={encounter}&limit=5", 2, _FEW),
        ("one visit", "/v1/patients/me/records/{encounter}", 3, _FEW),
        ("one resource as sent", "/v1/patients/me/records/{encounter}?format=fhir", 2, _FEW),
        ("FHIR: one resource", "/fhir/R4/Encounter/{encounter}", 3, _FEW),
        ("FHIR: a search by patient", "/fhir/R4/Observation?patient={pid}&_count=5", 8, _FEW),
        ("FHIR: a search by code", f"/fhir/R4/Observation?patient={{pid}}&code={_OTHER_CODE}&_count=5", 8, _PAGES),
        ("FHIR: what is new", "/fhir/R4/Encounter?patient={pid}&_lastUpdated=ge{since}&_count=5", 4, _FEW),
        ("FHIR: everything", "/fhir/R4/Patient/{pid}/$everything?_count=5", 7, _FEW),
        ("what changed since a moment", "/v1/patients/me/changes?since={since}&limit=5", 3, _FEW),
        ("what changed since long ago", "/v1/patients/me/changes?since=2020-01-01&limit=5", 2, _PAGES),
        ("the changes of a category", "/v1/patients/me/changes?since={since}&category=medication", 3, _FEW),
        (
            "the changes of a category, since long ago",
            "/v1/patients/me/changes?since=2020-01-01&category=condition",
            2,
            _PAGES,
        ),
        ("what changed since the last visit", "/v1/patients/me/changes?since=last_visit&limit=5", 4, _FEW),
        ("the whole record, by changes", "/v1/patients/me/changes?limit=5", 2, _FEW),
        ("a chart", "/v1/patients/me/trends/4548-4?limit=5", 4, _FEW),
        ("a chart of values inside of others", "/v1/patients/me/trends/8480-6", 6, _FEW),
        ("the summary", "/v1/patients/me/summary", 17, _FEW),
    ],
)
def test_a_page_costs_the_same_whatever_the_size_of_the_record(
    charts: dict[int, Chart], promise: Promise, what: str, path: str, asked: int, base: int
) -> None:
    """Of a chart's calls some are made at the same time: signing in, what holds the code, then two of each kind."""
    compared = charts[base], charts[size("Costs")]
    few, many = (_cost(chart, path) for chart in compared)
    what = f"{what}, {size('Costs')} records against {base}"
    promise("Costs", f"{what}: DynamoDB calls", asked=asked, measured=many.calls)
    promise("Costs", f"{what}: calls, rows at most, units", asked=str(astuple(few)), measured=str(astuple(many)))
    if _IS_REAL and is_full():
        ratio = _slower(compared, path)
        is_even = ratio <= _SLOWER_AT_MOST
        promise("Costs", f"{what}: processor time", asked=f"at most {_SLOWER_AT_MOST}", measured=ratio, passed=is_even)


def _cost(chart: Chart, path: str) -> Cost:
    """What the clinic has decided is read twice a minute, whoever asks: the cheapest of a few counts."""
    token = token_of(chart.account_id)
    return min((_once(lambda: chart.get(path, token)) for _ in range(3)), key=astuple)


def _once(ask: Callable[[], Answer]) -> Cost:
    with recorded() as calls, _consumed() as units:
        answer = ask()
    assert answer.status == 200, answer.text
    asked = [call.params for call in calls if call.service == "dynamodb"]
    limits = [params.get("Limit", 0) for params in asked]
    keys = [len(table["Keys"]) for params in asked for table in params.get("RequestItems", {}).values()]
    return Cost(len(asked), sum(limits) + sum(keys), sum(units))


@contextmanager
def _consumed() -> Iterator[list[float]]:
    """The capacity units of every read as a real engine counts them. Moto makes them up, so that its are left out."""
    units: list[float] = []

    def ask(params: dict[str, Any], model: Any, **_rest: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def hear(parsed: dict[str, Any], **_rest: Any) -> None:
        told = parsed.get("ConsumedCapacity", [])
        units.extend(one["CapacityUnits"] for one in (told if isinstance(told, list) else [told]))

    events = connection().client.meta.events
    hooks = {"before-parameter-build.dynamodb": ask, "after-call.dynamodb": hear} if _IS_REAL else {}
    for event, hook in hooks.items():
        events.register(event, hook)
    yield units
    for event, hook in hooks.items():
        events.unregister(event, hook)


def _slower(charts: tuple[Chart, Chart], path: str) -> float:
    """How many times as long the large record takes, as medians of tries that take turns."""
    tokens = [token_of(chart.account_id) for chart in charts]
    times: tuple[list[float], list[float]] = [], []
    for _ in range(_TRIES):
        for chart, token, took in zip(charts, tokens, times, strict=True):
            began = time.process_time()
            chart.get(path, token)
            took.append(time.process_time() - began)
    few, many = (statistics.median(took) for took in times)
    return round(many / few, 2)

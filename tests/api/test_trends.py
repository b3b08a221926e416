"""GET /v1/patients/{pid}/trends/{code}: the numbers of one code over time."""

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.domain.caregivers import Scope
from tests.support import fhir
from tests.support.changing import Chart
from tests.support.fhir import Json
from tests.support.merging import merged
from tests.support.people import new_caregiver, token_of
from tests.support.portal import Answer, Portal

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "synthea"
UCUM = "http://unitsofmeasure.org"
A1C = "4548-4"
SYSTOLIC, DIASTOLIC = "8480-6", "8462-4"


def coded(code: str, text: str) -> Json:
    return {"coding": [{"system": fhir.LOINC, "code": code}], "text": text}


def quantity(value: Any, unit: str, code: str | None = None) -> Json:
    return {"value": value, "unit": unit, **({"system": UCUM, "code": code} if code else {})}


def weight(value: Any, unit: str, day: str, code: str | None = None, **changes: Any) -> Json:
    return fhir.lab(
        "",
        code=coded("29463-7", "Body weight"),
        valueQuantity=quantity(value, unit, code),
        effectiveDateTime=day,
        **changes,
    )


def pressure(high: int, low: int, day: str, **changes: Any) -> Json:
    components = [
        {"code": coded(SYSTOLIC, "Systolic blood pressure"), "valueQuantity": quantity(high, "mmHg", "mm[Hg]")},
        {"code": coded(DIASTOLIC, "Diastolic blood pressure"), "valueQuantity": quantity(low, "mmHg", "mm[Hg]")},
    ]
    panel = {"code": coded("85354-9", "Blood pressure"), "effectiveDateTime": day, "component": components, **changes}
    return {name: value for name, value in fhir.lab("", **panel).items() if name != "valueQuantity"}


def ask(chart: Chart, code: str, query: str = "", *, token: str | None = None) -> Answer:
    token = token or token_of(chart.person.session["account"]["account_id"])
    return chart.portal.call(
        "GET", f"/v1/patients/{chart.patient_id}/trends/{quote(code, safe='')}{query}", token=token
    )


def trend(chart: Chart, code: str, query: str = "", **more: Any) -> Json:
    answer = ask(chart, code, query, **more)
    assert answer.status == 200, answer.text
    found: Json = json.loads(answer.text, parse_float=Decimal)
    return found


def walk(chart: Chart, code: str, limit: int, query: str = "") -> list[Json]:
    points, cursor = list[Json](), ""
    while True:
        page = trend(chart, code, f"?limit={limit}{query}{cursor}")
        points += page["points"]
        if page["next_cursor"] is None:
            return points
        cursor = f"&cursor={quote(page['next_cursor'])}"


def test_numbers_come_the_oldest_first_with_range_and_interpretation(portal: Portal) -> None:
    normal = {"referenceRange": [{"low": {"value": 4.0, "unit": "%"}, "high": {"value": 5.6, "unit": "%"}}]}
    high = {"interpretation": [{"coding": [{"code": "H"}]}]}
    chart = Chart(
        portal,
        fhir.lab("", effectiveDateTime="2024-03-01", valueQuantity=quantity(6.5, "%"), **normal, **high),
        fhir.lab("", effectiveDateTime="2023-03-01", valueQuantity={"value": 7, "unit": "%", "comparator": ">"}),
        fhir.lab("", effectiveDateTime="2025-03-01", valueQuantity=quantity(5.5, "%")),
    )
    for code in (A1C, f"{fhir.LOINC}|{A1C}"):
        shown = trend(chart, code)
        assert (shown["title"], shown["unit"]) == ("Hemoglobin A1c", "%")
        assert shown["code"] == {"system": fhir.LOINC, "code": A1C}
        assert [(one["at"], one["value"]) for one in shown["points"]] == [
            ("2023-03-01", 7),
            ("2024-03-01", Decimal("6.5")),
            ("2025-03-01", Decimal("5.5")),
        ]
        assert shown["points"][0]["comparator"] == ">"
        assert shown["points"][1]["interpretation"] == {"code": "H", "text": "High"}
        assert shown["reference_range"] == shown["points"][1]["reference_range"]
        assert (shown["reference_range"]["low"], shown["reference_range"]["high"]) == (4, Decimal("5.6"))
        assert (shown["gaps"], shown["other_units"], shown["next_cursor"]) == ([], [], None)


def test_numbers_keep_their_digits(portal: Portal) -> None:
    chart = Chart(portal)
    chart.take(raw=fhir.json_text(chart.of(fhir.lab(""))).replace("6.5", "6.500"))
    assert '"value":6.500' in ask(chart, A1C).text


def test_other_units_are_turned_into_that_of_the_latest_and_what_cannot_be_stands_apart(portal: Portal) -> None:
    chart = Chart(
        portal,
        weight(150, "pounds", "2021-01-01", "[lb_av]"),
        weight(70500, "g", "2022-01-01", "g"),
        weight(24.5, "kg/m2", "2022-06-01", "kg/m2"),
        weight(155.4, "lbs", "2023-01-01"),
        weight(71.25, "kg", "2024-01-01", "kg", referenceRange=[{"low": {"value": 60}, "high": {"value": 80}}]),
        weight(72, "smoots", "2024-02-01"),
        fhir.lab("", code=coded("29463-7", "Body weight"), valueQuantity={"value": 73}, effectiveDateTime="2020-01-01"),
    )
    # The latest number has a unit that nobody knows; one more in kilograms is the latest then.
    chart.take(weight(71.5, "kg", "2024-03-01", "kg"))
    shown = trend(chart, "29463-7")
    assert shown["unit"] == "kg"
    assert [(one["value"], one["unit"]) for one in shown["points"]] == [
        (Decimal("68.0"), "kg"),
        (Decimal("70.500"), "kg"),
        (Decimal("70.49"), "kg"),
        (Decimal("71.25"), "kg"),
        (Decimal("71.5"), "kg"),
    ]
    assert [one.get("original") for one in shown["points"]] == [
        {"value": 150, "unit": "pounds"},
        {"value": 70500, "unit": "g"},
        {"value": Decimal("155.4"), "unit": "lbs"},
        None,
        None,
    ]
    apart = {other["unit"]: [one["value"] for one in other["points"]] for other in shown["other_units"]}
    assert apart == {None: [73], "kg/m2": [Decimal("24.5")], "smoots": [72]}
    texts = {other["unit"]: other["text"] for other in shown["other_units"]}
    assert texts["kg/m2"] == "These values are in kg/m2. They cannot be turned into kg."
    assert shown["reference_range"] == {"low": 60, "high": 80}


def test_mass_and_amount_of_substance_are_two_things_and_ranges_are_turned_with_their_numbers(portal: Portal) -> None:
    def glucose(value: Any, unit: str, day: str, low: Any) -> Json:
        limits = [{"low": {"value": low, "unit": unit}}]
        return fhir.lab(
            "",
            code=coded("2339-0", "Glucose"),
            valueQuantity=quantity(value, unit, unit),
            effectiveDateTime=day,
            referenceRange=limits,
        )

    chart = Chart(
        portal,
        glucose(5.5, "mmol/L", "2022-01-01", 3.9),
        glucose(0.99, "g/L", "2023-01-01", 0.7),
        glucose(100, "mg/dL", "2024-01-01", 70),
    )
    shown = trend(chart, "2339-0")
    assert [one["value"] for one in shown["points"]] == [99, 100]
    assert [one["reference_range"] for one in shown["points"]] == [
        {"low": 70, "unit": "mg/dL"},
        {"low": 70, "unit": "mg/dL"},
    ]
    (other,) = shown["other_units"]
    assert (other["unit"], [one["value"] for one in other["points"]]) == ("mmol/L", [Decimal("5.5")])


def test_values_inside_of_panels_are_found_by_their_own_code(portal: Portal) -> None:
    alone = fhir.lab(
        "",
        code=coded(SYSTOLIC, "Systolic blood pressure"),
        valueQuantity=quantity(18, "kPa", "kPa"),
        effectiveDateTime="2022-06-01",
    )
    late = pressure(160, 90, "2025-01-01", code=coded("55284-4", "Blood pressure, seated"))
    chart = Chart(portal, pressure(120, 80, "2022-01-01"), alone, pressure(130, 85, "2023-01-01"), late)
    shown = trend(chart, SYSTOLIC)
    assert shown["title"] == "Systolic blood pressure"
    assert [one["value"] for one in shown["points"]] == [120, Decimal(135), 130, 160]
    assert shown["points"][1]["original"] == {"value": 18, "unit": "kPa"}
    assert [one["value"] for one in walk(chart, DIASTOLIC, 1)] == [80, 85, 90]
    assert [one["value"] for one in walk(chart, SYSTOLIC, 1)] == [120, 135, 130, 160]
    panel = trend(chart, "85354-9")
    assert (panel["points"], len(panel["gaps"])) == ([], 2)


def test_what_is_no_number_leaves_a_gap_that_says_why(portal: Portal) -> None:
    absent = {"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}
    results = [
        fhir.lab("", effectiveDateTime="2024-01-01", valueQuantity=None, **absent),
        fhir.lab("", effectiveDateTime="2024-01-02", valueQuantity=None, valueString="Hemolyzed"),
        fhir.lab("", effectiveDateTime="2024-01-03", status="preliminary"),
        fhir.lab("", effectiveDateTime="2024-01-04", status="entered-in-error"),
        fhir.lab("", effectiveDateTime="2024-01-05", valueQuantity=None, valueBoolean=True),
        fhir.lab("", effectiveDateTime=None),
        fhir.lab("", effectiveDateTime="2024-01-06", valueQuantity=None, valueInteger=7),
        fhir.lab("", effectiveDateTime="2024-01-07", valueQuantity=None),
        fhir.lab("", effectiveDateTime="2024-01-08", status="corrected"),
    ]
    chart = Chart(portal, *({name: value for name, value in one.items() if value is not None} for one in results))
    shown = trend(chart, A1C)
    assert [one["value"] for one in shown["points"]] == [Decimal("6.5")]
    assert [[one["value"] for one in other["points"]] for other in shown["other_units"]] == [[7]]
    assert [(one["at"], one["text"]) for one in shown["gaps"]] == [
        (None, "It has no date."),
        ("2024-01-01", "No value: Not done"),
        ("2024-01-02", "Not a number: Hemolyzed"),
        ("2024-01-03", "Not final: not final yet"),
        ("2024-01-05", "Not a number: yes"),
        ("2024-01-07", "There is no value."),
    ]
    assert shown["gaps"][1]["data_absent_reason"] == "Not done"


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_any_size_make_one_chart_in_one_unit(portal: Portal, limit: int) -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 8)]
    chart = Chart(portal, *(weight(70000 + place, "g", day, "g") for place, day in enumerate(days)))
    chart.take(weight(71, "kg", "2025-01-01", "kg"))
    points = walk(chart, "29463-7", limit)
    assert [one["at"] for one in points] == [*days, "2025-01-01"]
    assert {one["unit"] for one in points} == {"kg"}
    assert [one["at"] for one in walk(chart, "29463-7", limit, "&from=2024-01-03&to=2024-01-05")] == days[2:5]


def test_a_code_that_the_record_does_not_have_is_an_empty_chart(portal: Portal) -> None:
    chart = Chart(portal, fhir.condition("", "Asthma", code=coded("9999-9", "Asthma")))
    for code in ("1234-5", "http://snomed.info/sct|1", "9999-9", "|"):
        shown = trend(chart, code)
        assert (shown["title"], shown["points"], shown["gaps"], shown["unit"]) == (None, [], [], None)
    assert ask(chart, A1C, "?from=2024-13-01").status == 422
    assert ask(chart, A1C, "?from=2025-01-01&to=2024-01-01").json["points"] == []


def test_a_caregiver_sees_the_numbers_of_what_shows_to_them(portal: Portal) -> None:
    secret = {"meta": {"security": [{"code": "R"}]}}
    days = [f"2024-01-{day:02}" for day in range(1, 7)]
    results = [fhir.lab("", effectiveDateTime=day, **(secret if place % 2 else {})) for place, day in enumerate(days)]
    chart = Chart(portal, *results, pressure(120, 80, "2024-01-01"), pressure(130, 80, "2024-01-02", **secret))
    labs = token_of(new_caregiver(chart.patient_id, Scope.RESULTS))
    drugs = token_of(new_caregiver(chart.patient_id, Scope.MEDICATIONS))
    assert [one["at"] for one in trend(chart, A1C, token=labs)["points"]] == days[::2]
    assert [one["value"] for one in trend(chart, SYSTOLIC, token=labs)["points"]] == [120]
    for code in (A1C, SYSTOLIC):
        shown = trend(chart, code, token=drugs)
        assert (shown["title"], shown["points"], shown["reference_range"]) == (None, [], None)


def test_the_numbers_of_merged_files_are_one_chart(portal: Portal) -> None:
    chart, other = Chart(portal, pressure(120, 80, "2024-01-01"), pressure(122, 80, "2024-01-03")), portal.new_patient()
    for day, high in (("2024-01-02", 121), ("2024-01-04", 123)):
        panel = {**pressure(high, 80, day), "subject": {"reference": f"Patient/{other.resource_id}"}}
        assert portal.import_fhir(panel).json["created"] == 1
    merged(portal, chart.patient_id, other.patient_id)
    assert [one["value"] for one in walk(chart, SYSTOLIC, 1)] == [120, 121, 122, 123]


# --- real bundles ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA.is_dir(), reason="there is no ../shared/data with real FHIR input")
def test_every_numeric_code_of_a_real_bundle_is_the_chart_that_the_bundle_says(portal: Portal) -> None:
    """Computed from the bundle alone, with the standard library."""
    path = min(DATA.glob("*_*.json"), key=lambda one: one.stat().st_size)
    resources = [one["resource"] for one in json.loads(path.read_text(), parse_float=Decimal)["entry"]]
    (patient,) = [one for one in resources if one["resourceType"] == "Patient"]
    assert portal.import_fhir(path.read_bytes()).json["refused"] == []
    number = patient["identifier"][0]["value"]
    found = portal.call("GET", f"/v1/clinic/patients?identifier={number}", token=portal.client_token()).json["items"]
    caregiver = token_of(new_caregiver(found[0]["patient_id"], Scope.EVERYTHING, sees_sensitive=True))
    expected = _expected(resources)
    assert len(expected) > 10
    for (system, code), numbers in expected.items():
        place = f"/v1/patients/{found[0]['patient_id']}/trends/{quote(f'{system}|{code}', safe='')}"
        points, cursor = list[Json](), ""
        while True:
            answer = portal.call("GET", f"{place}?limit=7{cursor}", token=caregiver)
            page = json.loads(answer.text, parse_float=Decimal)
            points += page["points"]
            assert (page["other_units"], page["gaps"]) == ([], [])
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={quote(page['next_cursor'])}"
        assert sorted((str(one["value"]), one["unit"]) for one in points) == sorted(numbers)


def _expected(resources: list[Json]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    numbers: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for one in resources:
        if one["resourceType"] == "Observation":
            for element in (one, *one.get("component", ())):
                if "valueQuantity" in element:
                    coding, value = element["code"]["coding"][0], element["valueQuantity"]
                    numbers[coding["system"], coding["code"]].append((str(value["value"]), value["unit"]))
    return numbers

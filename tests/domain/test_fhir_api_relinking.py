"""References rewritten wherever they stand; what is hidden takes with it what it says something about."""

from typing import Any

import pytest

from chalicelib.domain.fhir.references import Reference
from chalicelib.domain.fhir_api.names import fhir_id, portal_id, read_reference
from chalicelib.domain.fhir_api.relinking import HIDDEN, UNKNOWN, Link, references, relinked

KNOWN = {"reference": "A/known"}
GONE = {"reference": "A/hidden", "display": "Secret"}


def _find(reference: Reference, name: str) -> Link:
    return {"A/known": Link("A/ours"), "A/hidden": HIDDEN}.get(reference.text, UNKNOWN)


def _relinked(**elements: Any) -> dict[str, Any]:
    resource = {"resourceType": "Basic", **elements}
    return {name: value for name, value in relinked(resource, _find).items() if name != "resourceType"}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"one": KNOWN}, {"one": {"reference": "A/ours"}}),
        ({"one": {**KNOWN, "display": "d"}}, {"one": {"reference": "A/ours", "display": "d"}}),
        ({"one": GONE, "two": 1}, {"two": 1}),
        ({"many": [GONE, KNOWN]}, {"many": [{"reference": "A/ours"}]}),
        ({"many": [GONE]}, {}),
        ({"parts": [{"a": GONE, "b": 1}, {"a": KNOWN, "b": 2}]}, {"parts": [{"a": {"reference": "A/ours"}, "b": 2}]}),
        ({"parts": [{"a": [GONE], "b": 1}]}, {"parts": [{"b": 1}]}),
        ({"part": {"a": GONE, "b": 1}}, {"part": {"b": 1}}),
        ({"part": {"a": GONE}}, {}),
        ({"extension": [{"url": "u", "valueReference": GONE}, {"url": "v"}]}, {"extension": [{"url": "v"}]}),
        (
            {"contained": [{"resourceType": "B", "id": "x", "a": GONE}]},
            {"contained": [{"resourceType": "B", "id": "x"}]},
        ),
        ({"one": {"reference": "#x"}}, {"one": {"reference": "#x"}}),
        ({"one": {"identifier": {"value": "1", "assigner": GONE}}}, {"one": {"identifier": {"value": "1"}}}),
        (
            {"identifier": [{"value": "1", "assigner": KNOWN}]},
            {"identifier": [{"value": "1", "assigner": {"reference": "A/ours"}}]},
        ),
        ({"empty": [], "also": {}}, {"empty": [], "also": {}}),
        ({"_given": [None, {"id": "a"}]}, {"_given": [None, {"id": "a"}]}),
        (
            {"contact": {"identifier": {"value": "1"}, "role": "x"}},
            {"contact": {"identifier": {"value": "1"}, "role": "x"}},
        ),
    ],
)
def test_every_reference_is_rewritten_in_its_place(sent: dict[str, Any], shown: dict[str, Any]) -> None:
    assert _relinked(**sent) == shown


def test_every_reference_but_those_inside_is_found_with_its_element() -> None:
    resource = {
        "resourceType": "Basic",
        "subject": KNOWN,
        "parts": [
            {"who": {"identifier": {"value": "1", "assigner": {"reference": "A/1"}}}},
            {"what": {"reference": "#in"}},
        ],
    }
    assert [(found.text or found.value, name) for found, name in references(resource)] == [
        ("A/known", "subject"),
        ("1", "who"),
        ("A/1", "assigner"),
    ]


def test_ids_are_written_as_fhir_allows_and_read_in_both_forms() -> None:
    id, types, base = "rec_01ARZ3NDEKTSV4RRFFQ69G5FAV", frozenset({"Condition"}), "https://here.example/fhir/R4"
    assert fhir_id(id) == "rec-01ARZ3NDEKTSV4RRFFQ69G5FAV"
    assert portal_id(id) == portal_id(fhir_id(id)) == id
    assert [portal_id(one) for one in ("", "rec-1", "Rec-01ARZ3NDEKTSV4RRFFQ69G5FAV", f"{id}0")] == [None] * 4
    assert read_reference(id, types, base) == (None, id)
    assert read_reference(f"{base}/Condition/{fhir_id(id)}", types, base) == ("Condition", id)
    for other in (f"Patient/{id}", f"https://there.example/Condition/{id}", "Condition/", "Condition/x"):
        assert read_reference(other, types, base) is None

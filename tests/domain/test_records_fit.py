"""Rows are cut to a size that lists can carry."""

import copy
import json
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.fhir.text import dump
from chalicelib.domain.records.fit import LARGEST_ROW, fitted
from chalicelib.domain.records.rows import Row
from chalicelib.domain.records.view import view


def row(**parts: Any) -> Row:
    plain = view({"resourceType": "Observation", "status": "final", "code": {"text": "Glucose"}}, record_id="rec_1")
    return cast("Row", {**plain, **parts})


def test_a_row_of_ordinary_size_is_left_alone() -> None:
    ordinary = row(notes=["x" * 4_000] * 10)
    assert fitted(ordinary) is ordinary


@pytest.mark.parametrize(
    "parts",
    [
        {"notes": ["é" * 4_000] * 500},
        {"value": "x" * 1_000_000},
        {"items": [{"question": "Why?", "answers": ["y" * 900_000]}]},
        {"members": [{"record_id": f"rec_{at}", "title": "A member"} for at in range(5_000)]},
        {"code": {"system": "s" * 200_000, "code": "c" * 200_000, "display": "d" * 200_000}},
        {"status": "s" * 100_000},
        {f"field_{at}": "x" * 4_000 for at in range(60)},
    ],
    ids=lambda parts: next(iter(parts)),
)
def test_a_large_row_loses_of_its_largest_parts_and_says_so(parts: dict[str, Any]) -> None:
    large = row(**parts)
    before = copy.deepcopy(large)
    small = fitted(large)
    assert large == before
    assert len(dump(small)) <= LARGEST_ROW
    assert len(dump(small)) > LARGEST_ROW / 4
    assert small["truncated"] is True
    assert {name: small[name] for name in ("record_id", "title", "category")} == {
        "record_id": "rec_1",
        "title": "Glucose",
        "category": "lab" if large["category"] == "lab" else large["category"],
    }


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**12) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=20,
)


@given(parts=st.dictionaries(st.sampled_from(["notes", "items", "value", "components", "results"]), _JSON))
@settings(deadline=None, max_examples=40)
def test_whatever_a_row_holds_it_is_cut_and_stays_json(parts: dict[str, Any]) -> None:
    large = row(**{name: [value] * 2_000 for name, value in parts.items()}, description="x" * 70_000)
    assert len(json.dumps(json.loads(dump(fitted(large))), ensure_ascii=False)) <= LARGEST_ROW * 1.2

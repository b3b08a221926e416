import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.text import FhirDecimal, MalformedJson

decimals = st.from_regex(r"-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
members = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text() | decimals.map(FhirDecimal),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@given(decimals)
def test_a_number_is_written_as_it_was_sent(number: str) -> None:
    assert text.dump(text.parse(f'{{"value": {number}}}')) == f'{{"value":{number}}}'.encode()


@given(members)
def test_what_is_written_reads_as_the_same(value: Any) -> None:
    written = text.dump(value)
    assert text.parse(written) == value
    assert text.dump(text.parse(written)) == written
    json.loads(written)


@pytest.mark.parametrize("number", ["6.50", "1E2", "-0", "0.0", "1e-7", "123456789012345678901234567890", "-0.00"])
def test_digits_exponents_and_signs_survive(number: str) -> None:
    assert text.dump(text.parse(f"[{number}]")) == f"[{number}]".encode()


def test_a_decimal_is_a_number_and_shows_its_text() -> None:
    (number,) = text.parse("[6.50]")
    assert number == Decimal("6.5")
    assert (str(number), f"{number}", f"{number:.1f}") == ("6.50", "6.50", "6.5")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"id": "a", "id": "b"}', 'the name "id" stands twice'),
        (b'[{"a": [{"b": 1, "c": 2, "b": 1}]}]', 'the name "b" stands twice'),
        (b"[NaN]", "NaN is no JSON value"),
        (b"[-Infinity]", "-Infinity is no JSON value"),
        (b"[1e400]", "out of range"),
        (b"[-1e400]", "out of range"),
        (b"[1e-400]", "out of range"),
        (b"[0e99999999999999999999]", "out of range"),
        (b"[" + b"1" * 65 + b"]", "over 64 characters"),
        (b'["\\ud800"]', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b'{"a": ', "no valid JSON"),
        (b"", "no valid JSON"),
        (b"{'a': 1}", "no valid JSON"),
        (b'["\x01"]', "no valid JSON"),
        (b'["\xff"]', "not UTF-8"),
        (b'["\xed\xa0\x80"]', "not UTF-8"),
        (b"[" * 65 + b"]" * 65, "64 levels"),
        (b"[" * 1_000 + b"]" * 1_000, "64 levels"),
        (b'{"a":' * 100_000, "64 levels"),
    ],
)
def test_what_cannot_be_kept_as_sent_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedJson, match=reason):
        text.parse(body)


def test_the_place_of_a_mistake_is_given() -> None:
    with pytest.raises(MalformedJson) as caught:
        text.parse(b'{"a": 1,, "b": 2}')
    assert caught.value.position == 8


@pytest.mark.parametrize("body", [b'\xef\xbb\xbf{"a":1}', '\ufeff{"a":1}', b' {"a":1}\n'])
def test_a_byte_order_mark_and_space_around_are_skipped(body: bytes | str) -> None:
    assert text.parse(body) == {"a": 1}


def test_64_levels_and_whole_surrogate_pairs_are_fine() -> None:
    assert text.parse(b"[" * 64 + b"]" * 64)
    assert text.parse(b'["\\ud83d\\ude00"]') == ["😀"]


def test_the_order_of_the_keys_is_kept_in_writing_but_not_in_the_hash() -> None:
    one, other = {"b": 1, "a": {"d": 2, "c": 3}}, {"a": {"c": 3, "d": 2}, "b": 1}
    assert text.dump(one) == b'{"b":1,"a":{"d":2,"c":3}}'
    assert text.content_hash(one) == text.content_hash(other)


def test_only_the_version_and_its_time_are_no_content() -> None:
    bare = {"resourceType": "Patient", "id": "a"}
    stamped = {**bare, "meta": {"versionId": "7", "lastUpdated": "2024-01-01T00:00:00Z"}}
    tagged = {**bare, "meta": {"versionId": "7", "tag": [{"code": "x"}]}}
    assert text.content_hash(bare) == text.content_hash(stamped)
    assert text.content_hash(bare) != text.content_hash(tagged)
    assert stamped["meta"] == {"versionId": "7", "lastUpdated": "2024-01-01T00:00:00Z"}


def test_a_finer_measurement_is_another_content() -> None:
    assert text.content_hash(text.parse('{"value": 6.5}')) != text.content_hash(text.parse('{"value": 6.50}'))


def test_what_is_no_json_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        text.dump({"a": object()})

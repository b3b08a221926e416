"""Lines and entries cut out of files of any size, whatever the chunks that the files come in, and from any place on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.fhir import pieces
from chalicelib.domain.fhir.pieces import Broken, BundleFile, NdjsonFile, Place

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_HEAD = {"resourceType": "Bundle", "type": "batch"}


def _in_chunks(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def _bundle(entries: list[Any], *, plain: bool, indent: int | None, last: bool) -> bytes:
    more = {"meta": {"tag": [{"code": "}]"}]}, "total": 7}
    whole = {**more, "entry": entries, **_HEAD} if last else {**_HEAD, **more, "entry": entries}
    return json.dumps(whole, ensure_ascii=plain, indent=indent).encode()


@given(
    entries=st.lists(_JSON, max_size=5),
    size=st.integers(1, 60),
    plain=st.booleans(),
    indent=st.sampled_from([None, 1]),
    last=st.booleans(),
)
def test_the_entries_of_a_bundle_come_as_they_were_sent_in_chunks_of_any_size_and_from_any_place(
    entries: list[Any], size: int, plain: bool, indent: int | None, last: bool
) -> None:
    body = _bundle(entries, plain=plain, indent=indent, last=last)
    file = BundleFile(_in_chunks(body, size), Place())
    found = list(file.whole())
    assert [json.loads(piece.raw or b"") for piece in found] == entries
    assert [piece.place.number for piece in found] == list(range(1, len(entries) + 1))
    for start in [file.begins_at, *(piece.place for piece in found)]:
        rest = BundleFile(_in_chunks(body[start.offset :], size), start, file.head)
        assert list(rest.entries()) == found[start.number :]
        again = BundleFile(_in_chunks(body[start.offset :], size), start, {**file.head, **_HEAD})
        assert list(again.whole()) == found[start.number :]


@given(
    lines=st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")), max_size=8), size=st.integers(1, 30)
)
def test_the_lines_of_a_file_come_as_they_were_sent_and_empty_ones_are_counted(lines: list[bytes], size: int) -> None:
    body = b"\n".join(lines)
    found = list(NdjsonFile(_in_chunks(body, size), Place()).whole())
    wanted = [(number, line) for number, line in enumerate(lines, start=1) if line.strip(b"\r")]
    assert [(piece.place.number, piece.raw) for piece in found] == wanted
    for piece in found:
        rest = NdjsonFile(_in_chunks(body[piece.place.offset :], size), piece.place).entries()
        assert list(rest) == [one for one in found if one.place.number > piece.place.number]


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "{ was expected"),
        ("[]", "{ was expected"),
        ("{}", "a FHIR Bundle was expected"),
        ('{"resourceType": "Bundle", "type": "nothing", "entry": []}', "Bundle.type"),
        ('{"resourceType": "Patient", "type": "batch"}', "a FHIR Bundle was expected"),
        ('{"entry": {}}', "a list was expected"),
        ('{"entry": [], "entry": []}', "stands twice"),
        ('{"entry": [{}, ]}', "a value was expected"),
        ('{"entry": [{} {}]}', ", was expected"),
        ('{"entry": [{"a": [}]}', "brackets do not match"),
        ('{"entry": [{"a": "b', "ends in the middle"),
        ('{"entry": ["a\\', "ends in the middle"),
        ('{"entry": [{', "ends in the middle"),
        ('{"entry": [12', "ends in the middle"),
        ('{"entry"', ": was expected"),
        (f'{{"entry": [{"[" * 10_001}', "nested too deep"),
        ('{"resourceType": "Bundle", "type": "batch"} x', "nothing was expected"),
    ],
)
def test_a_bundle_that_is_broken_as_a_whole_is_named_with_its_place(body: str, said: str, size: int) -> None:
    with pytest.raises(Broken, match=said):
        list(BundleFile(_in_chunks(body.encode(), size), Place()).whole())


def test_what_is_too_long_is_passed_over_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MAX_PIECE", 100)
    longs = ["x" * 99, ["y\\" * 10] * 30, {"z": "]}" * 60}]
    entries = [1, *longs, {"fits": "x" * 80}]
    body = json.dumps({**_HEAD, "entry": entries}).encode()
    found = [piece.raw for piece in BundleFile(_in_chunks(body, 17), Place()).whole()]
    assert found == [b"1", None, None, None, json.dumps(entries[-1]).encode()]
    lines = b"\n".join([b"short", b"x" * 101, b"x" * 100])
    assert [piece.raw for piece in NdjsonFile(_in_chunks(lines, 17), Place()).entries()] == [b"short", None, b"x" * 100]


def test_an_endless_string_takes_no_memory() -> None:
    held: list[int] = []

    def chunks() -> Iterator[bytes]:
        import tracemalloc

        yield b'{"resourceType": "Bundle", "type": "batch", "entry": ["'
        tracemalloc.start()
        for _ in range(100):
            yield b"x" * 1_000_000
            held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        yield b'"]}'

    assert [piece.raw for piece in BundleFile(chunks(), Place()).whole()] == [None]
    assert max(held) < 12_000_000

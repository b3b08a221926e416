"""What a seal is made of: the same entry has the same digest however it was read, any other has another."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import sealing
from chalicelib.domain.sealing import GENESIS, Entry, Head, Link

_TEXT = st.text(max_size=8)
_VALUE = st.recursive(
    st.one_of(
        st.builds(lambda text: {"S": text}, _TEXT),
        st.builds(lambda number: {"N": str(number)}, st.integers()),
        st.builds(lambda truth: {"BOOL": truth}, st.booleans()),
        st.just({"NULL": True}),
        st.builds(lambda content: {"B": content}, st.binary(max_size=8)),
        st.builds(lambda texts: {"SS": sorted(texts)}, st.sets(_TEXT, min_size=1)),
        st.builds(lambda many: {"BS": sorted(many)}, st.sets(st.binary(max_size=4), min_size=1)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=3)),
        st.builds(lambda members: {"M": members}, st.dictionaries(_TEXT, inner, max_size=3)),
    ),
    max_leaves=6,
)
_ITEM = st.dictionaries(_TEXT, _VALUE, max_size=5)
_ENTRY = st.builds(Entry, _TEXT, _TEXT, _TEXT)


def _as_in_a_stream(value: Any) -> Any:
    """As Lambda's event has it: bytes in base64, sets and attributes in whatever order."""
    ((kind, content),) = value.items()
    if kind == "M":
        content = {name: _as_in_a_stream(content[name]) for name in reversed(content)}
    elif kind == "L":
        content = [_as_in_a_stream(one) for one in content]
    elif kind == "BS":
        content = [base64.b64encode(one).decode() for one in reversed(content)]
    elif kind == "SS":
        content = list(reversed(content))
    elif kind == "B":
        content = base64.b64encode(content).decode()
    return {kind: content}


@given(_ITEM)
def test_an_item_is_the_same_bytes_from_a_table_and_from_a_stream(item: dict[str, Any]) -> None:
    streamed = {name: _as_in_a_stream(item[name]) for name in reversed(item)}
    assert sealing.canonical(streamed) == sealing.canonical(item)


@given(_ITEM, _ITEM)
def test_two_items_are_the_same_bytes_only_where_they_are_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (sealing.canonical(one) == sealing.canonical(other)) == (one == other)


def test_the_digest_of_an_entry_never_changes_from_version_to_version() -> None:
    """What was sealed six years ago has to be verified by the portal of today."""
    item = {"pk": {"S": "patient#pat_1"}, "sk": {"S": "2026-11-23T17:12:29.015Z#aud_1"}, "about": {"S": '{"é":1}'}}
    entry = sealing.read_entry(item)
    assert sealing.canonical(item) == (
        '{"about":{"S":"{\\"é\\":1}"},"pk":{"S":"patient#pat_1"},"sk":{"S":"2026-11-23T17:12:29.015Z#aud_1"}}'.encode()
    )
    assert entry.digest == "b55ee406099738b5e1d0806c651f2c38fbf993f56926783e30fb6737a20cedb7"
    assert sealing.chain_of(entry.partition) == 7
    link = Link(3, 1, GENESIS, "2026-11-23T17:12:30.000Z", (entry,))
    assert link.hash == "165981b23ccf024185e1ff2d34263130ebbc7e3ae480cba4b4c643db7207ca58"


@given(st.lists(_ENTRY, max_size=4), st.data())
def test_the_hash_of_a_link_hangs_on_all_that_it_says(entries: list[Entry], data: st.DataObject) -> None:
    link = Link(1, 2, "a" * 64, "2026-11-23T17:12:30.000Z", tuple(entries))
    other = data.draw(
        st.sampled_from(
            [
                Link(2, 2, link.previous, link.sealed_at, link.entries),
                Link(1, 3, link.previous, link.sealed_at, link.entries),
                Link(1, 2, "b" * 64, link.sealed_at, link.entries),
                Link(1, 2, link.previous, "2026-11-23T17:12:30.001Z", link.entries),
                Link(1, 2, link.previous, link.sealed_at, (*link.entries, Entry("p", "s", "d"))),
                Link(1, 2, link.previous, link.sealed_at, (Entry("p", "s", "d"), *link.entries[1:], Entry("", "", ""))),
            ]
        )
    )
    assert link.hash != other.hash


@given(st.lists(_ENTRY))
def test_the_entries_of_a_link_come_back_as_they_were_kept(entries: list[Entry]) -> None:
    assert sealing.load(sealing.dump(entries)) == tuple(entries)


@pytest.mark.parametrize("text", ["", "{}x", "[[1]]", "null", "7", '[["a","b","c","d"]]'])
def test_what_was_not_kept_so_is_no_entries(text: str) -> None:
    with pytest.raises(ValueError, match="not the entries"):
        sealing.load(text)


@given(st.integers(0, sealing.CHAINS - 1), st.lists(st.integers(1, 10**11), unique=True))
def test_the_names_of_heads_stand_in_the_order_of_their_links(chain: int, sequences: list[int]) -> None:
    heads = [Head(chain, sequence, f"{sequence:064x}") for sequence in sequences]
    names = sorted(head.name for head in heads)
    assert [sealing.read_head(name) for name in names] == sorted(heads, key=lambda head: head.sequence)
    assert all(name.startswith(sealing.head_prefix(chain)) for name in names)


@pytest.mark.parametrize("name", ["", "heads/", "heads/01/", "heads/01/1-abc", "heads/1/000000000001-a", "heads/x/y-z"])
def test_no_other_name_is_a_heads(name: str) -> None:
    assert sealing.read_head(name) is None


@given(st.lists(_ENTRY))
def test_each_entry_is_in_one_chain_and_the_first_of_a_key_counts(entries: list[Entry]) -> None:
    found = sealing.by_chain(entries)
    sealed = [entry for members in found.values() for entry in members]
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        first.setdefault(entry.key, entry)
    assert sorted(sealed) == sorted(first.values())
    for chain, members in found.items():
        assert {sealing.chain_of(entry.partition) for entry in members} == {chain}


def test_partitions_are_spread_over_all_chains() -> None:
    assert {sealing.chain_of(f"patient#{number}") for number in range(200)} == set(range(sealing.CHAINS))

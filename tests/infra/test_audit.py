"""The command that verifies the audit's seals: what somebody does to an entry, a chain or a head is found (AC 5)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain import sealing
from chalicelib.domain.audit import KEPT
from chalicelib.domain.sealing import Link
from chalicelib.models import audit, seals
from chalicelib.services import sealing as service
from infra.audit import Trouble, Verifier, main
from tests.support.aws_calls import failing, unreachable
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.sealing import (
    Keys,
    entries_of,
    locked,
    partition_of,
    put_entries,
    settle,
    troubles,
    verify,
)

AUDIT, SEALS = "portal-local-audit", "portal-local-seals"
CHAIN = 2
Item = dict[str, Any]


class Chains:
    """Sealed entries, and somebody who may do anything to both tables, and to the bucket what S3 lets them."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.dynamodb, self.s3 = portal.aws.client("dynamodb"), portal.aws.client("s3")
        self.bucket: str = portal.aws.deployed.outputs["SealsBucketName"]
        accounts = [partition_of(CHAIN), partition_of(CHAIN + 1)]
        # Four links in each of two chains, all of them locked.
        for _ in range(4):
            service.seal(entries_of([key for account_id in accounts for key in put_entries(3, account_id)]))
            service.lock_heads()
            portal.advance(minutes=4)
        self.keys: Keys = [(row["pk"]["S"], row["sk"]["S"]) for row in portal.rows("audit")]

    @property
    def links(self) -> list[Link]:
        return [row.link() for row in seals.find_links(CHAIN)]

    def item(self, key: tuple[str, str]) -> Item:
        return dict(audit.find_items([key])[key])

    def put(self, table: str, item: Item) -> None:
        self.dynamodb.put_item(TableName=table, Item=item)

    def delete(self, table: str, pk: str, sk: str) -> None:
        self.dynamodb.delete_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}})

    def delete_link(self, sequence: int) -> None:
        self.delete(SEALS, f"chain#{CHAIN:02d}", f"link#{sequence:012d}")

    def delete_entries(self, link: Link) -> None:
        for entry in link.entries:
            self.delete(AUDIT, entry.partition, entry.place)
            self.delete(SEALS, f"mark#{entry.partition}", entry.place)

    def put_link(self, link: Link, **changes: str) -> None:
        texts = {
            "pk": f"chain#{link.chain:02d}",
            "sk": f"link#{link.sequence:012d}",
            "kind": "seal_link",
            "hash": link.hash,
            "previous": link.previous,
            "sealed_at": link.sealed_at,
            "entries": sealing.dump(link.entries),
            **changes,
        }
        self.put(SEALS, {name: {"S": text} for name, text in texts.items()})

    def rewrite(self, links: list[Link]) -> None:
        """Write a chain anew from its start, each link with the right hash."""
        previous = sealing.GENESIS
        for link in links:
            made = Link(link.chain, link.sequence, previous, link.sealed_at, link.entries)
            self.put_link(made)
            previous = made.hash


@pytest.fixture
def chains(portal: Portal) -> Iterator[Chains]:
    portal.aws.wipe()
    yield Chains(portal)
    portal.aws.wipe()


def test_chains_that_nobody_touched_are_found_right(chains: Chains, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--verify"], chains.s3) == 0
    said = capsys.readouterr().out
    assert f"chain {CHAIN:02d}: 4 links, 12 entries, 4 locked heads agree\n" in said
    assert said.endswith("24 sealed entries, 24 entries of the table, 0 findings\n")


def test_one_byte_of_any_attribute_of_an_entry_is_found(chains: Chains) -> None:
    key = chains.keys[5]
    item = chains.item(key)
    assert len(item) > 8
    for name, value in item.items():
        if name in {"pk", "sk"}:
            continue
        ((kind, text),) = value.items()
        chains.put(AUDIT, {**item, name: {kind: text[:-1] + ("1" if text[-1] != "1" else "2")}})
        (found,) = verify(chains.portal)
        assert found.startswith(f"ALTERED: entry {key[0]} {key[1]}, sealed in chain"), name
    chains.put(AUDIT, item)
    assert verify(chains.portal) == []


@pytest.mark.parametrize("change", [{"more": {"S": "x"}}, {"about": None}, {"kind": None}, {"ttl": {"S": "1"}}])
def test_an_attribute_more_or_less_is_found(chains: Chains, change: dict[str, Any]) -> None:
    item = {name: value for name, value in {**chains.item(chains.keys[0]), **change}.items() if value is not None}
    chains.put(AUDIT, item)
    assert troubles(chains.portal) == ["altered"]


def test_an_entry_that_was_removed_is_found_by_its_name(chains: Chains) -> None:
    for key in chains.keys[:2]:
        chains.delete(AUDIT, *key)
    found = [line.partition(",")[0] for line in verify(chains.portal)]
    assert sorted(found) == sorted(f"REMOVED: entry {pk} {sk}" for pk, sk in chains.keys[:2])


def _inserted(chains: Chains, minutes: float, **changes: Any) -> tuple[str, str]:
    """An entry of somebody's making, so many minutes old, behind the stream's back."""
    template = chains.item(chains.keys[0])
    at = clock.stamp(clock.now())
    item = {**template, "sk": {"S": f"{at}#aud_FORGED"}, "at": {"S": at}, **changes}
    chains.put(AUDIT, {name: value for name, value in item.items() if value is not None})
    chains.portal.advance(minutes=minutes)
    return item["pk"]["S"], item["sk"]["S"]


def test_an_entry_that_was_inserted_is_found_once_it_should_be_sealed(chains: Chains) -> None:
    key = _inserted(chains, minutes=1)
    assert verify(chains.portal) == []
    chains.portal.advance(minutes=1, seconds=1)
    assert verify(chains.portal) == [f"UNSEALED: entry {key[0]} {key[1]}"]


@pytest.mark.parametrize("changes", [{"kind": None}, {"sk": {"S": "x"}}, {"sk": {"S": "2999-01-01T00:00:00.000Z#a"}}])
def test_an_entry_of_no_known_kind_or_time_is_found_too(chains: Chains, changes: dict[str, Any]) -> None:
    _inserted(chains, minutes=5, **changes)
    assert troubles(chains.portal) == ["unsealed"]


def test_a_forged_mark_does_not_make_an_entry_sealed(chains: Chains) -> None:
    pk, sk = _inserted(chains, minutes=5)
    for link in (f"chain#{CHAIN:02d}/link#{1:012d}", f"chain#{CHAIN:02d}/link#{99:012d}", "nonsense"):
        mark = {"pk": f"mark#{pk}", "sk": sk, "kind": "seal_mark", "link": link}
        chains.put(SEALS, {name: {"S": text} for name, text in mark.items()})
        assert verify(chains.portal) == [f"UNSEALED: entry {pk} {sk}"]


def test_a_mark_that_was_taken_away_is_found(chains: Chains) -> None:
    pk, sk = chains.keys[3]
    chains.delete(SEALS, f"mark#{pk}", sk)
    assert troubles(chains.portal) == ["unmarked", "unsealed"]


def _cut_the_tail(chains: Chains) -> None:
    last = chains.links[-1]
    chains.delete_entries(last)
    chains.delete_link(last.sequence)


def _remove_the_chain(chains: Chains) -> None:
    for link in chains.links:
        chains.delete_entries(link)
        chains.delete_link(link.sequence)


def _remove_a_link(chains: Chains) -> None:
    second = chains.links[1]
    chains.delete_entries(second)
    chains.delete_link(second.sequence)


def _alter_a_link(chains: Chains) -> None:
    """An entry and its digest, but not the hash."""
    link = chains.links[1]
    chains.put_link(_with_another(chains, link), hash=link.hash)


def _rewrite_the_chain(chains: Chains) -> None:
    """An entry, its digest, and every hash from there on."""
    links = chains.links
    chains.rewrite([links[0], _with_another(chains, links[1]), *links[2:]])


def _rewrite_the_end(chains: Chains) -> None:
    links = chains.links
    chains.rewrite([*links[:3], _with_another(chains, links[3])])


def _leave_an_entry_out(chains: Chains) -> None:
    """One entry vanishes from table, marks and chain, and all hashes are right."""
    links = chains.links
    gone = links[1].entries[0]
    chains.delete(AUDIT, gone.partition, gone.place)
    chains.delete(SEALS, f"mark#{gone.partition}", gone.place)
    rest = links[1].entries[1:]
    chains.rewrite([links[0], Link(CHAIN, 2, "", links[1].sealed_at, rest), *links[2:]])


def _renumber(chains: Chains) -> None:
    """The second link vanishes, and those behind it move up."""
    links = chains.links
    chains.delete_entries(links[1])
    chains.delete_link(4)
    moved = [Link(CHAIN, link.sequence - 1, "", link.sealed_at, link.entries) for link in links[2:]]
    chains.rewrite([links[0], *moved])
    for link in moved:
        for entry in link.entries:
            at = f"chain#{CHAIN:02d}/link#{link.sequence:012d}"
            mark = {"pk": f"mark#{entry.partition}", "sk": entry.place, "kind": "seal_mark", "link": at}
            chains.put(SEALS, {name: {"S": text} for name, text in mark.items()})


def _break_a_link(chains: Chains) -> None:
    links = chains.links
    chains.put_link(Link(CHAIN, 3, "f" * 64, links[2].sealed_at, links[2].entries))


def _spoil_a_link(chains: Chains) -> None:
    chains.put_link(chains.links[2], entries="[]]")


def _put_no_link(chains: Chains) -> None:
    chains.put_link(chains.links[2], sk="link#0x")


def _with_another(chains: Chains, link: Link) -> Link:
    """A link whose first entry was altered, digest and all."""
    item = {**chains.item(link.entries[0].key), "about": {"S": '{"forged":true}'}}
    chains.put(AUDIT, item)
    return Link(link.chain, link.sequence, link.previous, link.sealed_at, (sealing.read_entry(item), *link.entries[1:]))


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (_cut_the_tail, ["cut"]),
        (_remove_the_chain, ["cut"]),
        (_remove_a_link, ["link-removed"]),
        (_alter_a_link, ["forked", "link-altered", "rewritten"]),
        (_rewrite_the_chain, ["rewritten"]),
        (_rewrite_the_end, ["rewritten"]),
        (_leave_an_entry_out, ["rewritten"]),
        (_renumber, ["cut", "rewritten"]),
        (_break_a_link, ["forked", "forked", "rewritten"]),
    ],
)
def test_what_is_done_to_a_chain_is_found(
    chains: Chains, tamper: Callable[[Chains], None], expected: list[str]
) -> None:
    tamper(chains)
    assert troubles(chains.portal) == expected


def test_a_link_that_cannot_be_read_is_found_with_its_entries(chains: Chains) -> None:
    _spoil_a_link(chains)
    assert set(troubles(chains.portal)) == {"link-altered", "unsealed"}


def test_a_row_that_is_no_link_is_found(chains: Chains) -> None:
    _put_no_link(chains)
    assert troubles(chains.portal) == ["link-altered"]


def test_a_rewritten_chain_is_named_by_the_last_link_that_is_right(chains: Chains) -> None:
    _rewrite_the_chain(chains)
    assert verify(chains.portal) == [f"REWRITTEN: chain {CHAIN:02d} after link 1, up to 4: 3 locked heads differ"]


def test_a_cut_chain_that_goes_on_is_a_rewritten_one(chains: Chains) -> None:
    _cut_the_tail(chains)
    put_entries(1, chains.links[0].entries[0].partition.removeprefix("account#"))
    chains.portal.drain()
    assert "rewritten" in troubles(chains.portal)


def test_a_chain_whose_heads_are_not_locked_is_found(chains: Chains) -> None:
    service.seal(entries_of(put_entries(1, partition_of(CHAIN))))
    assert verify(chains.portal) == []
    chains.portal.advance(minutes=4)
    assert troubles(chains.portal) == ["unlocked"]


def test_a_head_that_is_hidden_is_found_and_still_counts(chains: Chains) -> None:
    name = next(name for name in locked(chains.portal) if name.startswith(sealing.head_prefix(CHAIN)))
    chains.s3.delete_object(Bucket=chains.bucket, Key=name)
    assert troubles(chains.portal) == ["head-hidden"]
    _rewrite_the_chain(chains)
    assert troubles(chains.portal) == ["head-hidden", "rewritten"]


def test_a_head_of_somebody_elses_making_is_found(chains: Chains) -> None:
    chains.s3.put_object(Bucket=chains.bucket, Key=sealing.Head(CHAIN, 2, "0" * 64).name)
    chains.s3.put_object(Bucket=chains.bucket, Key=f"{sealing.head_prefix(CHAIN)}nothing")
    assert troubles(chains.portal) == ["head-strange", "rewritten"]


def test_a_bucket_that_does_not_lock_is_found(portal: Portal) -> None:
    # The embedded S3 changes the lock of an empty bucket only.
    portal.aws.wipe()
    s3, bucket = portal.aws.client("s3"), portal.aws.deployed.outputs["SealsBucketName"]
    before = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    for rule in ({"Mode": "GOVERNANCE", "Days": KEPT.days}, {"Mode": "COMPLIANCE", "Days": KEPT.days - 1}):
        changed = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": rule}}
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=changed)
        assert troubles(portal) == ["bucket-open"]
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=before)
    assert verify(portal) == []


def test_entries_may_be_gone_once_six_years_are_over_and_not_a_day_before(chains: Chains) -> None:
    for key in chains.keys:
        chains.delete(AUDIT, *key)
    chains.portal.advance(days=KEPT.days - 1)
    assert set(troubles(chains.portal)) == {"removed"}
    chains.portal.advance(days=2)
    assert verify(chains.portal) == []
    _rewrite_the_digests(chains)
    assert troubles(chains.portal) == ["rewritten"]


def _rewrite_the_digests(chains: Chains) -> None:
    links = chains.links
    forged = sealing.Entry(*links[0].entries[0].key, "0" * 64)
    chains.rewrite([Link(CHAIN, 1, "", links[0].sealed_at, (forged, *links[0].entries[1:])), *links[1:]])


def test_what_was_sealed_late_is_told_and_is_no_finding(chains: Chains) -> None:
    ((pk, sk),) = put_entries(1, partition_of(CHAIN))
    chains.portal.advance(hours=2)
    settle(chains.portal)
    said: list[str] = []
    assert Verifier(chains.s3, said.append).run([CHAIN]) == 0
    (note,) = [line for line in said if line.startswith("note: ")]
    assert f"entry {pk} {sk} was sealed at" in note


def test_one_chain_can_be_verified_alone(chains: Chains, capsys: pytest.CaptureFixture[str]) -> None:
    _cut_the_tail(chains)
    assert main(["--verify", "--chain", str(CHAIN + 1)], chains.s3) == 0
    assert main(["--verify", "--chain", str(CHAIN)], chains.s3) == 1
    assert f"CUT: chain {CHAIN:02d} ends at link 3; links 4 to 4 are locked\n" in capsys.readouterr().out


def test_what_cannot_be_read_to_the_end_is_not_called_right(chains: Chains, capsys: pytest.CaptureFixture[str]) -> None:
    with failing(lambda call: call.operation == "BatchGetItem", unreachable()):
        assert main(["--verify"], chains.s3) == 2
    assert "could not be read to the end" in capsys.readouterr().err


def test_links_that_come_while_the_chain_is_walked_are_no_findings(
    chains: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of heads is longer than the chain was when its links were read."""
    read, account_id = seals.find_links, partition_of(CHAIN)

    def read_then_grow(chain: int) -> Iterator[seals.SealLink]:
        yield from list(read(chain))
        if chain == CHAIN:
            service.seal(entries_of(put_entries(1, account_id)))
            service.lock_heads()

    monkeypatch.setattr(seals, "find_links", read_then_grow)
    # The heads are listed page by page, the last of them behind the last link.
    monkeypatch.setattr(Verifier, "_heads", lambda _self, chain: _late_list(chains, chain))
    assert verify(chains.portal) == []


def _late_list(chains: Chains, chain: int) -> Iterator[sealing.Head]:
    seen: set[str] = set()
    while names := sorted(
        name for name in locked(chains.portal) if name.startswith(sealing.head_prefix(chain)) and name not in seen
    ):
        seen.add(names[0])
        head = sealing.read_head(names[0])
        assert head is not None
        yield head


@pytest.mark.promise
def test_no_way_to_remove_or_alter_an_entry_stays_unseen(chains: Chains, promise: Promise) -> None:
    """AC 5."""
    ways: list[Callable[[Chains], None]] = [
        _cut_the_tail,
        _remove_the_chain,
        _remove_a_link,
        _alter_a_link,
        _rewrite_the_chain,
        _rewrite_the_end,
        _leave_an_entry_out,
        _renumber,
        lambda these: these.delete(AUDIT, *these.keys[0]),
        lambda these: these.put(AUDIT, {**these.item(these.keys[0]), "about": {"S": "{}"}}),
        lambda these: these.put(AUDIT, {**these.item(these.keys[0]), "ttl": {"N": "1"}}),
    ]
    unseen = 0
    for way in ways:
        chains.portal.aws.wipe()
        fresh = Chains(chains.portal)
        assert verify(fresh.portal) == []
        way(fresh)
        unseen += not verify(fresh.portal)
    promise("AC 5", f"{len(ways)} ways to remove or alter entries: not found", asked=0, measured=unseen)


def test_every_finding_has_its_words_in_the_runbook() -> None:
    from tests.architecture.sources import ROOT

    runbook = (ROOT / "infra" / "runbook.md").read_text(encoding="utf-8")
    assert {trouble for trouble in Trouble if f"`{trouble.upper()}`" not in runbook} == set()

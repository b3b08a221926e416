"""AC 5: entries are sealed within a minute, each exactly once, whatever is delivered twice, fails or crashes."""

import json
import random
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib import clock, observability
from chalicelib.domain import sealing
from chalicelib.domain.audit import KEPT
from chalicelib.models import audit, seals
from chalicelib.models.seals import Sweep
from chalicelib.services import sealing as service
from infra.local.lambda_proxy import LambdaContext
from tests.support.aws_calls import AwsCall, failing, recorded, refused, unreachable
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.sealing import (
    Crashed,
    Keys,
    ending_at,
    entries_of,
    locked,
    partition_of,
    put_entries,
    settle,
    times_sealed,
    verify,
)
from tests.support.sizes import size


@pytest.fixture(autouse=True)
def all_is_sealed(portal: Portal) -> None:
    """What another test left has been sealed, so that this one counts its own."""
    settle(portal)
    seals.note_sweep(Sweep())


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The metrics that were counted, by name."""
    found: dict[str, int] = {}
    monkeypatch.setattr(
        observability, "count", lambda name, number=1: found.update({name: found.get(name, 0) + number})
    )
    return found


def _event(keys: Keys, **changes: Any) -> dict[str, Any]:
    """What Lambda hands over of a stream: the records of these entries, numbered in their order."""
    items = audit.find_items(keys)
    return {
        "Records": [
            {
                "eventName": "INSERT",
                "dynamodb": {"SequenceNumber": str(number), "NewImage": items[key], "Keys": {}},
                **changes,
            }
            for number, key in enumerate(keys, 1)
        ]
    }


def _deliver(portal: Portal, event: dict[str, Any]) -> list[str]:
    """The sequence numbers that the function gives back."""
    answer = portal.app.seal_audit(event, LambdaContext("seal_audit"))
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def _tick(portal: Portal) -> int:
    names = ("version", "account", "region", "detail-type", "source", "time", "id")
    missed: int = portal.app.lock_seals(
        {**dict.fromkeys(names, "x"), "detail": {}, "resources": []}, LambdaContext("x")
    )
    return missed


def _unsealed(keys: Keys) -> Keys:
    sealed = times_sealed()
    return [key for key in keys if sealed[key] != 1]


@pytest.mark.promise
def test_every_entry_that_the_portal_writes_is_sealed_within_a_minute(
    portal: Portal, promise: Promise, counted: dict[str, int]
) -> None:
    person = portal.register()
    portal.sign_in(person.username, "wrong wrong wrong wrong")
    person.get(f"/v1/patients/{portal.new_patient().patient_id}/summary")
    portal.drain()
    put, sealed = [(row["pk"]["S"], row["sk"]["S"]) for row in portal.rows("audit")], times_sealed()
    portal.advance(minutes=1)
    portal.drain()
    heads = {chain: seals.find_last(chain) for chain in range(sealing.CHAINS)}
    ends = {sealing.Head(chain, row.sequence, row.hash).name for chain, row in heads.items() if row}
    what = f"{len(put)} entries"
    promise("AC 5", f"{what}: not sealed exactly once", asked=0, measured=sum(1 for key in put if sealed[key] != 1))
    promise("AC 5", f"{what}: sealed over a minute after they were put", asked=0, measured=counted.get("SealLate", 0))
    promise(
        "AC 5",
        f"{len(ends)} chains: heads not locked a minute later",
        asked=0,
        measured=len(ends - set(locked(portal))),
    )
    portal.advance(minutes=4)
    promise("AC 5", f"{what}: findings of the verification", asked=0, measured=len(verify(portal)))


def test_an_entry_is_kept_for_six_years_and_ends_by_itself(portal: Portal) -> None:
    ((key, item),) = audit.find_items(put_entries(1)).items()
    made = clock.read_stamp(key[1][:24])
    assert int(item["ttl"]["N"]) == int((made + KEPT).timestamp())
    assert made.replace(year=made.year + 6) <= made + KEPT


def test_what_is_delivered_again_in_another_order_is_sealed_once(portal: Portal) -> None:
    keys = put_entries(20)
    event = _event(keys)
    assert _deliver(portal, event) == []
    again = list(event["Records"])
    random.Random(4).shuffle(again)
    assert _deliver(portal, {"Records": [*again, *again[:5]]}) == []
    portal.drain()
    assert _unsealed(keys) == []


def test_a_batch_of_which_a_part_was_sealed_before_seals_the_rest(portal: Portal) -> None:
    keys = put_entries(9, partition_of(2))
    service.seal(entries_of(keys[:4]))
    assert _deliver(portal, _event(keys)) == []
    assert _unsealed(keys) == []


def test_more_entries_of_one_chain_than_a_transaction_holds_go_into_several_links(portal: Portal) -> None:
    before = seals.find_last(3)
    keys = put_entries(sealing.LINK_ENTRIES * 2 + 1, partition_of(3))
    assert service.seal(entries_of(keys)) == set()
    after = seals.find_last(3)
    assert after is not None
    assert after.sequence - (before.sequence if before else 0) == 3
    assert _unsealed(keys) == []


def test_only_what_could_not_be_sealed_goes_back(portal: Portal) -> None:
    """One chain's table does not answer; the other chains' entries are sealed."""
    good, bad = put_entries(3, partition_of(0)), put_entries(3, partition_of(5))
    keys = [good[0], bad[0], good[1], bad[1], good[2], bad[2]]

    def is_of_chain_5(call: AwsCall) -> bool:
        return any(item.get("Item", {}).get("pk") == {"S": "chain#05"} for _, item in call.items)

    with failing(is_of_chain_5, unreachable()):
        assert _deliver(portal, _event(keys)) == ["2", "4", "6"]
    assert _unsealed(keys) == bad
    portal.drain()
    assert _unsealed(keys) == []


def test_an_entry_that_is_put_again_under_its_key_does_not_take_the_first_ones_place(portal: Portal) -> None:
    (key,) = put_entries(1)
    event = _event([key])
    forged = json.loads(json.dumps(event["Records"][0]))
    forged["dynamodb"]["NewImage"]["about"] = {"S": "{}"}
    _deliver(portal, {"Records": [*event["Records"], forged]})
    _deliver(portal, {"Records": [forged]})
    assert times_sealed()[key] == 1
    assert verify(portal) == []


@pytest.mark.parametrize("name", ["MODIFY", "REMOVE"])
def test_who_changes_or_removes_an_entry_is_heard_of_at_once(
    portal: Portal, counted: dict[str, int], name: str
) -> None:
    keys = put_entries(2)
    assert _deliver(portal, _event(keys, eventName=name)) == []
    assert counted["AuditTampered"] == 2
    assert _unsealed(keys) == keys


def test_the_table_as_a_whole_tells_of_it(portal: Portal, counted: dict[str, int]) -> None:
    keys, dynamodb = put_entries(1), portal.aws.client("dynamodb")
    ((pk, sk), item), *_ = audit.find_items(keys).items()
    portal.drain()
    dynamodb.delete_item(TableName="portal-local-audit", Key={"pk": {"S": pk}, "sk": {"S": sk}})
    portal.drain()
    assert counted["AuditTampered"] == 1
    assert verify(portal) != []
    # As somebody might try who was seen: the table is as it was, and the alarm has rung.
    dynamodb.put_item(TableName="portal-local-audit", Item=item)
    portal.drain()
    assert verify(portal) == []


def test_an_entry_whose_time_is_over_may_go(portal: Portal, counted: dict[str, int]) -> None:
    by_dynamodb = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
    assert _deliver(portal, _event(put_entries(2), eventName="REMOVE", userIdentity=by_dynamodb)) == []
    assert "AuditTampered" not in counted


def test_a_chain_that_has_become_shorter_is_told_of(portal: Portal, counted: dict[str, int]) -> None:
    service.seal(entries_of(put_entries(1, partition_of(6))))
    _tick(portal)
    last = seals.find_last(6)
    assert last is not None
    seals.note_locked(seals.find_locked() | {6: last.sequence + 1})
    _tick(portal)
    assert counted["AuditTampered"] == 1
    seals.note_locked(seals.find_locked() | {6: last.sequence})


def test_late_seals_are_counted_for_the_alarm(portal: Portal, counted: dict[str, int]) -> None:
    keys = put_entries(2)
    portal.advance(seconds=61)
    keys += put_entries(1)
    assert service.seal(entries_of(keys)) == set()
    assert counted["SealLate"] == 2


def test_what_the_stream_missed_is_sealed_by_the_schedule(portal: Portal, counted: dict[str, int]) -> None:
    keys = put_entries(7)
    _skip_the_stream(portal)
    portal.advance(hours=1)
    young = put_entries(1)
    assert _tick(portal) == 7
    assert (_unsealed(keys), _unsealed(young)) == ([], young)
    assert counted["SealMissed"] == 7
    assert _tick(portal) == 0


def _skip_the_stream(portal: Portal) -> None:
    """The stream's function is given everything, and does nothing with it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(service, "seal", lambda _entries: set())
        portal.pump.step()


def test_a_round_over_all_entries_is_bounded_and_goes_on_where_it_stopped(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SWEPT_AT_ONCE", 5)
    monkeypatch.setattr(service, "SWEPT_IN_ALL", 10)
    keys = put_entries(23)
    _skip_the_stream(portal)
    portal.advance(hours=1)
    runs = 0
    while _unsealed(keys):
        with recorded() as calls:
            _tick(portal)
        assert sum(1 for call in calls if call.operation == "Scan") <= 2
        runs += 1
    assert runs > 1


def test_a_sweep_ends_when_its_time_is_over(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SWEPT_AT_ONCE", 1)
    put_entries(5)
    with recorded() as calls:
        service.sweep(0)
    assert [call.operation for call in calls].count("Scan") == 1
    assert not seals.find_sweep().is_done


def test_a_new_round_waits_for_its_hour(portal: Portal) -> None:
    portal.advance(hours=2)
    _tick(portal)
    with recorded() as calls:
        _tick(portal)
        portal.advance(minutes=59)
        _tick(portal)
    assert "Scan" not in [call.operation for call in calls]
    portal.advance(minutes=2)
    with recorded() as calls:
        _tick(portal)
    assert "Scan" in [call.operation for call in calls]


def test_a_head_that_could_not_be_locked_is_locked_a_minute_later(portal: Portal) -> None:
    service.seal(entries_of(put_entries(1, partition_of(1))))
    last = seals.find_last(1)
    assert last is not None
    name = sealing.Head(1, last.sequence, last.hash).name
    with failing(lambda call: call.operation == "PutObject", refused("ServiceUnavailable")), suppress(Exception):
        _tick(portal)
    assert name not in locked(portal)
    _tick(portal)
    assert locked(portal).count(name) == 1


def test_a_head_is_locked_once_and_only_where_its_chain_has_grown(portal: Portal) -> None:
    service.seal(entries_of(put_entries(2, partition_of(4))))
    with recorded() as calls:
        _tick(portal)
        _tick(portal)
    assert [call.params["Key"][:9] for call in calls if call.operation == "PutObject"] == ["heads/04/"]


def test_a_locked_head_can_be_removed_by_nobody(portal: Portal) -> None:
    put_entries(1)
    settle(portal)
    s3, bucket = portal.aws.client("s3"), portal.aws.deployed.outputs["SealsBucketName"]
    for version in s3.list_object_versions(Bucket=bucket)["Versions"]:
        with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def _seal_and_lock(portal: Portal) -> None:
    """Everything that follows from new entries within a minute."""
    portal.drain()
    portal.advance(minutes=1)
    portal.drain()


@pytest.mark.promise
def test_a_crash_at_any_step_leaves_no_entry_unsealed_and_none_sealed_twice(portal: Portal, promise: Promise) -> None:
    accounts = [partition_of(chain) for chain in (0, 1)]

    def put() -> Keys:
        return [key for account_id in accounts for key in put_entries(2, account_id)]

    put()
    portal.advance(hours=2)
    with ending_at(None) as steps:
        _seal_and_lock(portal)
    names = list(steps)
    assert any(".PutObject" in name for name in names)
    assert any(".TransactWriteItems" in name for name in names)
    crashes = 0
    for last in range(1, len(names) + 1, size("AC 5")):
        put()
        portal.advance(hours=2)
        with ending_at(last), suppress(Crashed):
            _seal_and_lock(portal)
        crashes += 1
    settle(portal)
    portal.advance(hours=2)
    settle(portal)
    keys = [(row["pk"]["S"], row["sk"]["S"]) for row in portal.rows("audit")]
    sealed = times_sealed()
    wrong = [key for key in keys if sealed[key] != 1]
    what = f"ended at {crashes} of {len(names)} steps"
    promise("AC 5", f"{what}: entries not sealed exactly once", asked=0, measured=len(wrong))
    promise("AC 5", f"{what}: findings of the verification", asked=0, measured=len(verify(portal)))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_happens_in_whatever_order_every_entry_is_sealed_once(portal: Portal, data: st.DataObject) -> None:
    """Entries, deliveries of some of them in any order, crashes, minutes that pass."""
    batches: list[Keys] = []
    accounts = [partition_of(chain) for chain in (0, 0, 7)]
    for _ in range(data.draw(st.integers(1, 4))):
        batches.append(put_entries(data.draw(st.integers(1, 4)), data.draw(st.sampled_from(accounts))))
        keys = data.draw(st.lists(st.sampled_from([key for batch in batches for key in batch]), max_size=8))
        with ending_at(data.draw(st.one_of(st.none(), st.integers(1, 12)))), suppress(Crashed):
            if keys:
                _deliver(portal, _event(keys))
            if data.draw(st.booleans()):
                _seal_and_lock(portal)
    settle(portal)
    assert _unsealed([key for batch in batches for key in batch]) == []
    assert verify(portal) == []


def test_an_entry_that_is_about_to_end_keeps_its_mark_for_longer(portal: Portal) -> None:
    (key,) = put_entries(1)
    portal.drain()
    (item,) = audit.find_items([key]).values()
    mark = seals.find_marks([key])[key]
    assert mark.ttl > int(item["ttl"]["N"]) + timedelta(days=7).total_seconds()

"""What moto's one endless shard never shows: shards that end, children, iterators that expire."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.functions import EventFunction, Retry
from infra.local.streams import Positions, StreamSource

_AT_ONCE = Retry(at_once=True)


class _GoneError(Exception):
    """The engine's ResourceNotFoundException."""


class _Engine:
    """A stream of two shards, the child before its parent in the listing, a page each; iterators serve only once."""

    exceptions = SimpleNamespace(ResourceNotFoundException=_GoneError)

    def __init__(self) -> None:
        self.shards = {"child": ["3", "4"], "parent": ["1", "2"]}
        self.open_iterators: set[str] = set()
        self.expire_next = False

    def client(self, _service: str) -> Any:
        return self

    @property
    def deployed(self) -> Any:
        return SimpleNamespace(named=lambda part: SimpleNamespace(name=part, ref=part))

    def get_queue_url(self, **_: Any) -> Any:
        return {"QueueUrl": "url"}

    def describe_table(self, **_: Any) -> Any:
        return {"Table": {"LatestStreamArn": "arn:stream"}}

    def describe_stream(self, ExclusiveStartShardId: str | None = None, **_: Any) -> Any:  # noqa: N803
        if ExclusiveStartShardId is None:
            child = {"ShardId": "child", "ParentShardId": "parent"}
            return {"StreamDescription": {"Shards": [child], "LastEvaluatedShardId": "child"}}
        return {"StreamDescription": {"Shards": [{"ShardId": "parent", "ParentShardId": "long gone"}]}}

    def get_shard_iterator(self, ShardId: str, SequenceNumber: str = "0", **_: Any) -> Any:  # noqa: N803
        return {"ShardIterator": self._iterator(ShardId, SequenceNumber)}

    def get_records(self, ShardIterator: str, Limit: int) -> Any:  # noqa: N803
        if self.expire_next or ShardIterator not in self.open_iterators:
            self.expire_next = False
            raise ClientError({"Error": {"Code": "ExpiredIteratorException", "Message": ""}}, "GetRecords")
        self.open_iterators.remove(ShardIterator)
        shard, after = ShardIterator.split("/")
        left = [number for number in self.shards[shard] if number > after]
        page = {"Records": [_record(number) for number in left[:Limit]]}
        return page | ({"NextShardIterator": self._iterator(shard, left[Limit - 1])} if len(left) > Limit else {})

    def _iterator(self, shard: str, after: str) -> str:
        self.open_iterators.add(f"{shard}/{after}")
        return f"{shard}/{after}"


def _record(number: str) -> dict[str, Any]:
    at = datetime(2027, 1, 1, tzinfo=UTC)
    return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": number, "ApproximateCreationDateTime": at}}


@pytest.fixture
def engine() -> _Engine:
    return _Engine()


def _source(engine: Any, seen: list[str], positions: Positions) -> StreamSource:
    def relay(event: Any, _context: Any) -> None:
        seen.extend(record["dynamodb"]["SequenceNumber"] for record in event["Records"])

    return StreamSource(EventFunction("relay", relay), engine, "outbox", 1, positions)


def _drain(source: StreamSource) -> None:
    while source.step(_AT_ONCE):
        pass


def test_a_shard_is_read_to_its_end_before_its_children_without_a_pause_between(engine: _Engine) -> None:
    seen: list[str] = []
    _drain(_source(engine, seen, Positions(None)))
    assert seen == ["1", "2", "3", "4"]


def test_an_expired_iterator_loses_and_repeats_nothing(engine: _Engine) -> None:
    seen: list[str] = []
    source = _source(engine, seen, Positions(None))
    source.step(_AT_ONCE)
    engine.expire_next = True
    assert source.step(_AT_ONCE) == 1
    _drain(source)
    assert seen == ["1", "2", "3", "4"]


def test_an_ended_shard_is_not_read_again_after_a_restart(engine: _Engine, tmp_path: Path) -> None:
    seen: list[str] = []
    first = _source(engine, seen, Positions(tmp_path / "positions.json"))
    for _ in range(3):
        first.step(_AT_ONCE)
    assert seen == ["1", "2", "3"]
    _drain(_source(engine, seen, Positions(tmp_path / "positions.json")))
    assert seen == ["1", "2", "3", "4"]

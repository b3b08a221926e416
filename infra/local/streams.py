"""From a DynamoDB stream into a function, as Lambda's event source mapping does it."""

import base64
import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.local.aws import Aws
from infra.local.functions import EventFunction, FunctionError, Record, Retry, failed_items

ON_FAILURE = {"outbox": "relay-dlq", "audit": "seals-dlq"}
"""By table, the queue for records that their function cannot take."""
TRIES = 3
"""How often a batch is tried before it is cut in half, and a record by itself before it is given up."""
_LOOK_AGAIN_SECONDS = 5.0
_LOST_PLACE = frozenset({"ExpiredIteratorException", "TrimmedDataAccessException", "ValidationException"})
_CLOSED = "closed"
_NEVER = float("-inf")


class Positions:
    """How far each shard has been handed over: in a file, where the tables survive a restart."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._positions: dict[str, str] = json.loads(file.read_text()) if file and file.exists() else {}

    def get(self, shard: str) -> str | None:
        return self._positions.get(shard)

    def set(self, shard: str, position: str) -> None:
        if self._positions.get(shard) == position:
            return
        self._positions[shard] = position
        if self._file:
            written = self._file.with_suffix(".new")
            written.write_text(json.dumps(self._positions))
            written.replace(self._file)


@dataclass
class _Batch:
    records: list[Record]
    tries: int = 0
    tried_at: float = 0.0


@dataclass
class _Shard:
    """Where one shard is being read, and the batches that were read and not yet taken."""

    shard_id: str
    parent: str | None
    iterator: str | None = None
    is_read: bool = False
    batches: deque[_Batch] = field(default_factory=deque)


class StreamSource:
    """Feeds one table's stream to one function: every shard in its order, a parent before its children.

    A batch that fails holds its shard up: it is tried again, then in halves, until the record that fails by itself
    goes to the on-failure queue, as the deployed mapping is set up.
    """

    def __init__(self, function: EventFunction, aws: Aws, table: str, batch_size: int, positions: Positions) -> None:
        self._function = function
        self._table = aws.deployed.named(table).name
        self._batch_size = batch_size
        self._positions = positions
        self._dynamodb = aws.client("dynamodb")
        self._streams = aws.client("dynamodbstreams")
        self._sqs = aws.client("sqs")
        self._on_failure = aws.deployed.named(ON_FAILURE[table]).ref
        self._arn = ""
        self._shards: dict[str, _Shard] = {}
        self._looked_at = _NEVER

    def step(self, retry: Retry) -> int:
        """Hand over one batch of every shard that may go on; the number of records that were tried."""
        if time.monotonic() >= self._looked_at + _LOOK_AGAIN_SECONDS:
            self._look_for_shards()
        ready = [shard for shard in self._shards.values() if shard.parent not in self._shards]
        handled = sum(self._step_shard(shard, retry) for shard in ready)
        # Where a shard has ended its children are ready now.
        return handled + self.step(retry) if self._must_look() else handled

    def _look_for_shards(self) -> None:
        self._looked_at = time.monotonic()
        arn = self._dynamodb.describe_table(TableName=self._table)["Table"]["LatestStreamArn"]
        if arn != self._arn:
            self._arn, self._shards = arn, {}
        for shard in self._describe_shards():
            shard_id = shard["ShardId"]
            if shard_id not in self._shards and self._positions.get(self._key(shard_id)) != _CLOSED:
                self._shards[shard_id] = _Shard(shard_id, shard.get("ParentShardId"))

    def _describe_shards(self) -> list[Any]:
        found: list[Any] = []
        start: dict[str, str] = {}
        while True:
            page = self._streams.describe_stream(StreamArn=self._arn, **start)["StreamDescription"]
            found += page.get("Shards", [])
            if not page.get("LastEvaluatedShardId"):
                return found
            start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}

    def _must_look(self) -> bool:
        return self._looked_at == _NEVER

    def _drop(self, shard: _Shard) -> None:
        del self._shards[shard.shard_id]
        self._looked_at = _NEVER

    def _step_shard(self, shard: _Shard, retry: Retry) -> int:
        if not shard.batches and not shard.is_read:
            self._read(shard)
        if shard.batches:
            return self._try(shard, retry)
        if shard.is_read:
            self._positions.set(self._key(shard.shard_id), _CLOSED)
            self._drop(shard)
        return 0

    def _read(self, shard: _Shard) -> None:
        try:
            page = self._get_records(shard)
        except self._streams.exceptions.ResourceNotFoundException:
            # The engine began anew with other tables, or the shard left the stream: the next round looks again.
            self._drop(shard)
            raise
        shard.iterator = page.get("NextShardIterator")
        shard.is_read = shard.iterator is None
        if page["Records"]:
            shard.batches.append(_Batch([_record(record, self._arn) for record in page["Records"]]))

    def _get_records(self, shard: _Shard) -> Any:
        try:
            iterator = shard.iterator or self._iterator(shard)
            return self._streams.get_records(ShardIterator=iterator, Limit=self._batch_size)
        except ClientError as error:
            if shard.iterator is None or error.response["Error"]["Code"] not in _LOST_PLACE:
                raise
        # The place was lost, which an iterator's is after 15 minutes; the position knows it still.
        return self._streams.get_records(ShardIterator=self._iterator(shard), Limit=self._batch_size)

    def _iterator(self, shard: _Shard) -> str:
        place = {"StreamArn": self._arn, "ShardId": shard.shard_id}
        position = self._positions.get(self._key(shard.shard_id))
        if position:
            try:
                answer = self._streams.get_shard_iterator(
                    **place, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=position
                )
                return str(answer["ShardIterator"])
            except ClientError as error:
                if error.response["Error"]["Code"] not in _LOST_PLACE:
                    raise
                # What came after that position has left the stream (after 24 hours): begin with what is left.
        return str(self._streams.get_shard_iterator(**place, ShardIteratorType="TRIM_HORIZON")["ShardIterator"])

    def _try(self, shard: _Shard, retry: Retry) -> int:
        batch = shard.batches[0]
        if not retry.is_due(batch.tries, batch.tried_at):
            return 0
        done = self._first_failure(batch.records)
        tried = len(batch.records)
        if done:
            self._positions.set(self._key(shard.shard_id), _sequence_number(batch.records[done - 1]))
        shard.batches.popleft()
        if done < tried:
            rest = _Batch(batch.records[done:], 1 if done else batch.tries + 1, time.monotonic())
            self._keep_or_give_up(shard, rest)
        return tried

    def _first_failure(self, records: Sequence[Record]) -> int:
        """How many records from the first on were taken."""
        numbers = [_sequence_number(record) for record in records]
        try:
            failed = failed_items(self._function({"Records": records}), numbers)
        except FunctionError:
            return 0
        return next((place for place, number in enumerate(numbers) if number in failed), len(numbers))

    def _keep_or_give_up(self, shard: _Shard, batch: _Batch) -> None:
        if batch.tries < TRIES:
            shard.batches.appendleft(batch)
        elif len(batch.records) > 1:
            half = len(batch.records) // 2
            shard.batches.extendleft([_Batch(batch.records[half:]), _Batch(batch.records[:half])])
        else:
            self._give_up(shard.shard_id, batch.records[0])

    def _give_up(self, shard_id: str, record: Record) -> None:
        number = _sequence_number(record)
        self._sqs.send_message(QueueUrl=self._on_failure, MessageBody=json.dumps(self._notice(shard_id, number)))
        self._positions.set(self._key(shard_id), number)

    def _notice(self, shard_id: str, number: str) -> dict[str, Any]:
        """Where the record lies, and not the record: what Lambda sends to an on-failure destination."""
        return {
            "requestContext": {
                "functionArn": self._function.name,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": TRIES,
            },
            "version": "1.0",
            "timestamp": datetime.now(UTC).isoformat(),
            "DDBStreamBatchInfo": {
                "shardId": shard_id,
                "startSequenceNumber": number,
                "endSequenceNumber": number,
                "batchSize": 1,
                "streamArn": self._arn,
            },
        }

    def _key(self, shard_id: str) -> str:
        return f"{self._arn}/{shard_id}"


def _sequence_number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _record(record: Mapping[str, Any], stream_arn: str) -> Record:
    """A stream's record as Lambda's event has it: seconds for its time, base64 for bytes, and where it comes from."""
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
    return {**record, "eventSource": "aws:dynamodb", "eventSourceARN": stream_arn, "dynamodb": _jsonable(change)}


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _jsonable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_jsonable(inner) for inner in value]
    return value

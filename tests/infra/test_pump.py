import base64
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from chalice.app import Chalice, Rate

from chalicelib import clock
from infra.local.aws import EmbeddedAws
from infra.local.functions import failed_items
from infra.local.pump import Pump
from infra.local.schedules import read_schedule

_QUEUE = "arn:aws:sqs:us-east-1:000000000000:email"
_STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/outbox/stream/0"
_MAX_RECEIVES = 5

Work = Callable[[list[dict[str, Any]]], Any]


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture
def aws(running: EmbeddedAws) -> EmbeddedAws:
    running.wipe()
    return running


class _Portal(ModuleType):
    """A portal of one event function of each kind, whose work a test chooses; it keeps the batches it was given."""

    def __init__(self) -> None:
        super().__init__("app")
        self.app = Chalice("pumped")
        self.streamed: list[list[dict[str, Any]]] = []
        self.queued: list[list[dict[str, Any]]] = []
        self.ticks: list[str] = []
        self.on_stream: Work = lambda _records: None
        self.on_queue: Work = lambda _records: None

        @self.app.on_dynamodb_record(stream_arn=_STREAM, batch_size=4)
        def relay(event: Any) -> Any:
            self.streamed.append(event.to_dict()["Records"])
            return self.on_stream(self.streamed[-1])

        @self.app.on_sqs_message(queue_arn=_QUEUE, batch_size=4)
        def deliver(event: Any) -> Any:
            self.queued.append(event.to_dict()["Records"])
            return self.on_queue(self.queued[-1])

        @self.app.schedule(Rate(1, unit=Rate.MINUTES))
        def sweep(event: Any) -> None:
            assert event.context.get_remaining_time_in_millis() > 0
            self.ticks.append(event.time)

        self.relay, self.deliver, self.sweep = relay, deliver, sweep


@pytest.fixture
def portal() -> Iterator[_Portal]:
    yield _Portal()
    clock.reset()


def _put(aws: EmbeddedAws, *names: str) -> None:
    for name in names:
        item = {"pk": {"S": name}, "sk": {"S": "-"}, "secret": {"B": b"\x00\xff"}, "parts": {"L": [{"B": b"\x01"}]}}
        aws.client("dynamodb").put_item(TableName=aws.deployed.named("outbox").name, Item=item)


def _send(aws: EmbeddedAws, *bodies: str) -> None:
    for body in bodies:
        attributes = {"kind": {"DataType": "String", "StringValue": "notice"}}
        aws.client("sqs").send_message(
            QueueUrl=aws.deployed.named("email").ref, MessageBody=body, MessageAttributes=attributes
        )


def _waiting(aws: EmbeddedAws, queue: str) -> list[str]:
    url = aws.deployed.named(queue).ref
    answer = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [message["Body"] for message in answer.get("Messages", [])]


def _names(batches: list[list[dict[str, Any]]]) -> list[list[str]]:
    return [[record["dynamodb"]["Keys"]["pk"]["S"] for record in batch] for batch in batches]


def _bodies(batches: list[list[dict[str, Any]]]) -> list[list[str]]:
    return [[record["body"] for record in batch] for batch in batches]


def _fail(records: list[dict[str, Any]]) -> Any:
    raise ConnectionError(f"Jane Doe could not be reached: {records}")


class _Reader(ModuleType):
    """A portal of one function, which reads one queue."""

    def __init__(self, queue: str) -> None:
        super().__init__("app")
        self.app = Chalice("pumped")
        self.bodies: list[str] = []

        @self.app.on_sqs_message(queue_arn=f"arn:aws:sqs:us-east-1:000000000000:{queue}", batch_size=10)
        def work(event: Any) -> None:
            self.bodies += [record["body"] for record in event.to_dict()["Records"]]

        self.work = work


@pytest.mark.parametrize(
    "queue",
    [
        *("notices", "email", "sms", "push", "events", "webhooks", "references", "exports", "purges", "imports"),
        *("feedback", "uploads", "pictures"),
    ],
)
def test_every_queue_of_the_template_reaches_its_function(aws: EmbeddedAws, queue: str) -> None:
    reader = _Reader(queue)
    aws.client("sqs").send_message(QueueUrl=aws.deployed.named(queue).ref, MessageBody=queue)
    assert Pump(reader, aws).drain() == 1
    assert reader.bodies == [queue]
    assert _waiting(aws, queue) == []


def test_a_change_reaches_the_streams_function_in_the_shape_of_a_lambda_event(
    aws: EmbeddedAws, portal: _Portal
) -> None:
    _put(aws, "one")
    assert Pump(portal, aws).drain() == 1
    record = portal.streamed[0][0]
    assert (record["eventName"], record["eventSource"], record["awsRegion"]) == ("INSERT", "aws:dynamodb", "us-east-1")
    assert record["eventSourceARN"] == aws.deployed.named("outbox").attributes["StreamArn"]
    change = record["dynamodb"]
    assert abs(change["ApproximateCreationDateTime"] - time.time()) < 60
    assert change["Keys"] == {"pk": {"S": "one"}, "sk": {"S": "-"}}
    assert base64.b64decode(change["NewImage"]["secret"]["B"]) == b"\x00\xff"
    assert base64.b64decode(change["NewImage"]["parts"]["L"][0]["B"]) == b"\x01"
    assert change["SequenceNumber"].isdigit()


def test_changes_arrive_once_in_their_order_and_in_batches(aws: EmbeddedAws, portal: _Portal) -> None:
    names = [f"n{number}" for number in range(10)]
    _put(aws, *names)
    pump = Pump(portal, aws)
    assert pump.drain() == 10
    assert _names(portal.streamed) == [names[:4], names[4:8], names[8:]]
    assert pump.drain() == 0
    _put(aws, "later")
    assert pump.drain() == 1


def test_a_failing_stream_record_is_retried_bisected_and_given_up_alone(aws: EmbeddedAws, portal: _Portal) -> None:
    portal.on_stream = lambda records: _fail(records) if "b" in _names([records])[0] else None
    _put(aws, "a", "b", "c", "d")
    Pump(portal, aws).drain()
    whole, left = [["a", "b", "c", "d"]] * 3, [["a", "b"]] * 3
    assert _names(portal.streamed) == [*whole, *left, ["a"], ["b"], ["b"], ["b"], ["c", "d"]]
    (notice,) = [json.loads(body) for body in _waiting(aws, "relay-dlq")]
    assert notice["DDBStreamBatchInfo"]["startSequenceNumber"] == portal.streamed[-2][0]["dynamodb"]["SequenceNumber"]
    assert notice["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert "secret" not in str(notice)


def test_a_stream_goes_on_from_the_first_record_that_is_reported_as_failed(aws: EmbeddedAws, portal: _Portal) -> None:
    def fail_second_once(records: list[dict[str, Any]]) -> Any:
        first_time = len(portal.streamed) == 1
        number = records[1]["dynamodb"]["SequenceNumber"] if first_time else None
        return {"batchItemFailures": [{"itemIdentifier": number}]} if number else None

    portal.on_stream = fail_second_once
    _put(aws, "a", "b", "c")
    Pump(portal, aws).drain()
    assert _names(portal.streamed) == [["a", "b", "c"], ["b", "c"]]


def test_a_message_reaches_the_queues_function_in_the_shape_of_a_lambda_event(
    aws: EmbeddedAws, portal: _Portal
) -> None:
    _send(aws, '{"id": "ntc_1"}')
    assert Pump(portal, aws).drain() == 1
    record = portal.queued[0][0]
    assert (record["body"], record["eventSource"], record["awsRegion"]) == ('{"id": "ntc_1"}', "aws:sqs", "us-east-1")
    assert record["eventSourceARN"] == aws.deployed.named("email").attributes["Arn"]
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"]["kind"]["stringValue"] == "notice"
    assert record["messageId"]
    assert record["receiptHandle"]
    assert _waiting(aws, "email") == []


def test_only_the_messages_that_are_reported_as_failed_come_back(aws: EmbeddedAws, portal: _Portal) -> None:
    def fail_poison(records: list[dict[str, Any]]) -> Any:
        failed = [record["messageId"] for record in records if record["body"] == "poison"]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    portal.on_queue = fail_poison
    _send(aws, "good", "poison", "fine")
    Pump(portal, aws).drain()
    assert _bodies(portal.queued) == [["good", "poison", "fine"], *[["poison"]] * (_MAX_RECEIVES - 1)]
    assert (_waiting(aws, "email"), _waiting(aws, "email-dlq")) == ([], ["poison"])


def test_a_queues_function_that_raises_keeps_its_whole_batch_and_the_pump_goes_on(
    aws: EmbeddedAws, portal: _Portal, caplog: pytest.LogCaptureFixture
) -> None:
    portal.on_queue = _fail
    _send(aws, "one", "two")
    pump = Pump(portal, aws)
    with caplog.at_level(logging.WARNING):
        assert pump.step() == 2
    assert "event_function_failed deliver ConnectionError" in caplog.text
    assert "Jane" not in caplog.text
    portal.on_queue = lambda _records: None
    assert pump.drain() == 2
    assert _waiting(aws, "email-dlq") == []


def test_what_failed_waits_before_it_is_tried_again_in_the_background(aws: EmbeddedAws, portal: _Portal) -> None:
    portal.on_queue = portal.on_stream = _fail
    _send(aws, "one")
    _put(aws, "one")
    pump = Pump(portal, aws)
    assert pump.step(at_once=False) == 2
    assert pump.step(at_once=False) == 0


def test_a_schedule_runs_when_the_portals_clock_says_so(aws: EmbeddedAws, portal: _Portal) -> None:
    with clock.frozen(datetime(2027, 3, 14, 9, 26, 53, tzinfo=UTC)):
        pump = Pump(portal, aws)
        clock.advance(timedelta(seconds=59))
        assert pump.drain() == 0
        clock.advance(timedelta(seconds=1))
        assert (pump.drain(), portal.ticks) == (1, ["2027-03-14T09:27:53Z"])
        clock.advance(timedelta(hours=1))
        assert (pump.drain(), len(portal.ticks)) == (1, 2)


@pytest.mark.parametrize(
    ("expression", "last", "now", "due"),
    [
        ("rate(5 minutes)", "09:00:00", "09:04:59", False),
        ("rate(5 minutes)", "09:00:00", "09:05:00", True),
        ("rate(1 hour)", "09:00:00", "10:00:00", True),
        ("cron(*/15 * * * ? *)", "09:01:00", "09:14:59", False),
        ("cron(*/15 * * * ? *)", "09:01:00", "09:15:00", True),
        ("cron(0 8-10 * * ? *)", "10:30:00", "11:30:00", False),
        ("cron(0 6 ? * 1,7 *)", "05:00:00", "07:00:00", True),
        ("cron(0 6 ? * 2-6 *)", "05:00:00", "07:00:00", False),
        ("cron(0 6 14 3 ? 2027)", "05:00:00", "07:00:00", True),
    ],
)
def test_schedules_are_read_as_eventbridge_reads_them(expression: str, last: str, now: str, due: bool) -> None:
    # 14 March 2027 is a Sunday, the first day of EventBridge's week.
    times = [datetime.fromisoformat(f"2027-03-14T{time_of_day}+00:00") for time_of_day in (last, now)]
    assert read_schedule(expression)(*times) is due


def test_a_schedule_that_the_runner_does_not_know_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"cron\(0 6 L \* \? \*\)|invalid literal"):
        read_schedule("cron(0 6 L * ? *)")
    with pytest.raises(ValueError, match="no schedule"):
        read_schedule("every minute")


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": "stranger"}]}, {"a", "b"}),
        ({"batchItemFailures": ["a"]}, {"a", "b"}),
    ],
)
def test_a_report_of_failures_is_read_as_lambda_reads_it(answer: Any, failed: set[str]) -> None:
    assert failed_items(answer, ["a", "b"]) == failed


def test_what_a_stream_relays_to_a_queue_is_delivered_within_one_round(aws: EmbeddedAws, portal: _Portal) -> None:
    portal.on_stream = lambda records: _send(aws, *(name for (name,) in _names([[record] for record in records])))
    _put(aws, "one", "two")
    assert Pump(portal, aws).step() == 4
    assert _bodies(portal.queued) == [["one", "two"]]


def test_the_pump_delivers_in_the_background_until_it_is_stopped(aws: EmbeddedAws, portal: _Portal) -> None:
    with Pump(portal, aws):
        _put(aws, "one")
        deadline = time.monotonic() + 5
        while not portal.streamed and time.monotonic() < deadline:
            time.sleep(0.01)
    assert _names(portal.streamed) == [["one"]]
    _put(aws, "two")
    time.sleep(0.3)
    assert len(portal.streamed) == 1


def test_an_endless_stream_of_work_is_an_error_and_not_a_hang(aws: EmbeddedAws, portal: _Portal) -> None:
    portal.on_queue = lambda _records: _send(aws, "again")
    _send(aws, "first")
    with pytest.raises(RuntimeError, match="after 5 rounds"):
        Pump(portal, aws).drain(limit=5)


def test_positions_in_a_file_let_the_next_pump_go_on_from_there(
    aws: EmbeddedAws, portal: _Portal, tmp_path: Path
) -> None:
    file = tmp_path / "positions.json"
    _put(aws, "one", "two")
    assert Pump(portal, aws, positions=file).drain() == 2
    _put(aws, "three")
    assert Pump(portal, aws, positions=file).drain() == 1
    assert _names(portal.streamed) == [["one", "two"], ["three"]]


def test_a_record_that_was_given_up_does_not_come_back(aws: EmbeddedAws, portal: _Portal, tmp_path: Path) -> None:
    portal.on_stream = _fail
    _put(aws, "poison")
    Pump(portal, aws, positions=tmp_path / "positions.json").drain()
    tried = len(portal.streamed)
    assert Pump(portal, aws, positions=tmp_path / "positions.json").drain() == 0
    assert len(portal.streamed) == tried


def test_an_event_source_of_another_kind_is_refused(aws: EmbeddedAws, portal: _Portal) -> None:
    @portal.app.on_sns_message(topic="alarms")
    def on_alarm(_event: Any) -> None: ...

    with pytest.raises(ValueError, match="SNSEventConfig"):
        Pump(portal, aws)


def test_a_queue_that_the_template_does_not_make_is_refused(aws: EmbeddedAws, portal: _Portal) -> None:
    @portal.app.on_sqs_message(queue_arn="arn:aws:sqs:us-east-1:000000000000:nowhere")
    def deliver(_event: Any) -> None: ...

    with pytest.raises(KeyError, match="portal-local-nowhere"):
        Pump(portal, aws)

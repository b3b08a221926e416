"""The redrive command: dead letters go back to their queue, and an operator sees how many."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from infra.local.aws import EmbeddedAws
from infra.local.template import load
from infra.redrive import QUEUES, RELAY, REPORTS, SEALS, Redrive, RedriveError, main


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture
def aws(running: EmbeddedAws) -> EmbeddedAws:
    running.wipe()
    return running


def _put(aws: EmbeddedAws, queue: str, *bodies: str) -> None:
    for body in bodies:
        aws.client("sqs").send_message(QueueUrl=aws.deployed.named(queue).ref, MessageBody=body)


def _bodies(aws: EmbeddedAws, queue: str) -> list[str]:
    found = aws.client("sqs").receive_message(QueueUrl=aws.deployed.named(queue).ref, MaxNumberOfMessages=10)
    return sorted(message["Body"] for message in found.get("Messages", []))


def test_every_dead_letter_queue_of_the_template_has_its_name() -> None:
    names = [
        resource["Properties"]["QueueName"]["Fn::Sub"].removeprefix("${Stack}-")
        for resource in load().resources.values()
        if resource["Type"] == "AWS::SQS::Queue"
    ]
    assert {name for name in names if name.endswith("-dlq")} == {f"{name}-dlq" for name in (*QUEUES, *REPORTS)}


@pytest.mark.parametrize("name", QUEUES)
def test_dead_letters_go_back_to_the_queue_that_they_came_from(
    aws: EmbeddedAws, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _put(aws, f"{name}-dlq", "one", "two")
    assert main([name], aws.client("sqs")) == 0
    assert _bodies(aws, name) == ["one", "two"]
    assert _bodies(aws, f"{name}-dlq") == []
    assert capsys.readouterr().out == f"{name}: 2 of 2 moved, done\n"


def test_an_empty_queue_is_no_error(aws: EmbeddedAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["email"], aws.client("sqs")) == 0
    assert "0 of 0 moved" in capsys.readouterr().out


def test_an_unknown_name_is_refused_with_those_that_there_are(
    aws: EmbeddedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mail"], aws.client("sqs")) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in (*QUEUES, *REPORTS))


def test_another_stack_is_refused_by_its_name(
    aws: EmbeddedAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK", "elsewhere")
    assert main(["email"], aws.client("sqs")) == 1
    assert "elsewhere-email-dlq" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--list"], []])
def test_the_list_counts_what_waits_and_what_is_dead(
    aws: EmbeddedAws, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    _put(aws, "sms", "waiting")
    _put(aws, "sms-dlq", "one", "two", "three")
    _put(aws, "relay-dlq", "{}")
    assert main(arguments, aws.client("sqs")) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()[1:]}
    assert rows == {**{name: ["0", "0"] for name in QUEUES}, "sms": ["1", "3"], RELAY: ["1"], SEALS: ["0"]}


@pytest.mark.parametrize("name", REPORTS)
def test_reports_of_a_stream_are_told_and_cleared_since_nothing_goes_back_into_one(
    aws: EmbeddedAws, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = '{"DDBStreamBatchInfo": {"shardId": "shard-%d", "startSequenceNumber": "42", "batchSize": 1}}'
    _put(aws, f"{name}-dlq", *(report % place for place in range(12)))
    assert main([name], aws.client("sqs")) == 0
    said = capsys.readouterr().out
    assert all(f"1 records of shard-{place} from 42\n" in said for place in range(12))
    assert f"12 reports cleared. {REPORTS[name]}" in said
    assert _bodies(aws, f"{name}-dlq") == []


def _answering(aws: EmbeddedAws, *tasks: dict[str, Any]) -> tuple[Any, Stubber]:
    """A client whose message move tasks are as given, one after another."""
    from botocore.session import Session

    sqs = Session().create_client("sqs", region_name="us-east-1")
    stubber = Stubber(sqs)
    arn = aws.deployed.named("email-dlq").attributes["Arn"]
    stubber.add_response("get_queue_url", {"QueueUrl": "https://q"})
    stubber.add_response("get_queue_attributes", {"Attributes": {"QueueArn": arn}})
    for task in tasks:
        stubber.add_response("list_message_move_tasks", {"Results": [{"SourceArn": arn, **task}]})
    stubber.activate()
    return sqs, stubber


def test_the_progress_of_a_move_is_told_and_one_that_runs_already_is_joined(aws: EmbeddedAws) -> None:
    told: list[str] = []
    runs = [{"Status": "RUNNING", "ApproximateNumberOfMessagesMoved": moved} for moved in (1, 1, 2)]
    sqs, stubber = _answering(aws, *runs, {"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 3})
    Redrive(sqs, "portal-local", told.append, poll_seconds=0).run("email")
    assert told == ["email: 1 moved", "email: 2 moved", "email: 3 moved, done"]
    stubber.assert_no_pending_responses()


def test_a_move_that_fails_says_why(aws: EmbeddedAws) -> None:
    failed = {"Status": "FAILED", "FailureReason": "AWS.SimpleQueueService.AccessDenied"}
    sqs, _ = _answering(aws, {"Status": "RUNNING"}, failed)
    with pytest.raises(RedriveError, match="AccessDenied"):
        Redrive(sqs, "portal-local").run("email")

"""Moves a dead-letter queue back to where its messages came from: `python -m infra.redrive NAME`, or `--list`.

It needs STACK and AWS credentials in the environment. Do it once the cause is mended: a message that fails five more
times is back here. One that was worked meanwhile does nothing, since the worker looks at its row first.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import boto3

from chalicelib import settings

QUEUES = (*settings.QUEUES, "feedback")
"""The queues that have a dead-letter queue of their own."""

RELAY, SEALS = "relay", "seals"
REPORTS = {
    RELAY: "Their rows are pending: sweep_outbox queues them within minutes.",
    SEALS: "Their entries are in no chain: lock_seals seals them with its next round, within the hour.",
}
"""Where Lambda reports what a stream's function could not take; nothing can be moved back into a stream. By name, what
becomes of it."""

_POLL_SECONDS = 2.0
_BATCH = 10


class RedriveError(Exception):
    """A queue's messages cannot be moved; the message says why."""


def main(arguments: Sequence[str] | None = None, sqs: Any = None) -> int:
    """Do what the command line says; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.redrive", description=__doc__)
    parser.add_argument("name", nargs="?", help=f"one of {', '.join((*QUEUES, *REPORTS))}")
    parser.add_argument("--list", action="store_true", help="how many messages each queue and its dead letters have")
    given = parser.parse_args(arguments)
    redrive = Redrive(sqs or boto3.client("sqs"), os.environ.get("STACK", "portal-local"))
    try:
        if given.list or given.name is None:
            redrive.list()
        else:
            redrive.run(given.name)
    except RedriveError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class Redrive:
    """Moves the dead letters of one deployment; what happens is told by `say`."""

    def __init__(
        self, sqs: Any, stack: str, say: Callable[[str], None] = print, *, poll_seconds: float = _POLL_SECONDS
    ) -> None:
        self._sqs, self._stack, self._say, self._poll_seconds = sqs, stack, say, poll_seconds

    def list(self) -> None:
        """Tell how many messages wait in each queue, and how many are dead."""
        self._say(f"{'queue':<12}{'waiting':>9}{'dead':>7}")
        for name in QUEUES:
            self._say(f"{name:<12}{self._count(name):>9}{self._count(f'{name}-dlq'):>7}")
        for name in REPORTS:
            self._say(f"{name:<12}{'':>9}{self._count(f'{name}-dlq'):>7}")

    def run(self, name: str) -> None:
        """Move one queue's dead letters and wait until it is done; raises RedriveError."""
        if name in REPORTS:
            self._clear_reports(name)
        elif name in QUEUES:
            self._move(name)
        else:
            raise RedriveError(f"There is no queue {name!r}. There are: {', '.join((*QUEUES, *REPORTS))}.")

    def _move(self, name: str) -> None:
        arn = self._attributes(f"{name}-dlq", "QueueArn")["QueueArn"]
        running = self._task(arn)
        if running.get("Status") != "RUNNING":
            self._sqs.start_message_move_task(SourceArn=arn)
        while (task := self._task(arn)).get("Status") in {"RUNNING", "CANCELLING"}:
            self._say(f"{name}: {_progress(task)}")
            time.sleep(self._poll_seconds)
        if task.get("Status") != "COMPLETED":
            raise RedriveError(f"{name}: {task.get('FailureReason') or task.get('Status')}, after {_progress(task)}")
        self._say(f"{name}: {_progress(task)}, done")

    def _task(self, arn: str) -> Any:
        """The newest task of a dead-letter queue."""
        return next(iter(self._sqs.list_message_move_tasks(SourceArn=arn, MaxResults=1)["Results"]), {})

    def _clear_reports(self, name: str) -> None:
        """A report names a place in the stream, and no row: the schedule finds the rows by itself."""
        url, cleared = self._url(f"{name}-dlq"), 0
        while found := self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=_BATCH).get("Messages", []):
            for message in found:
                self._say(f"{name}: {_place(message['Body'])}")
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            cleared += len(found)
        self._say(f"{name}: {cleared} reports cleared. {REPORTS[name]}")

    def _count(self, name: str) -> int:
        return int(self._attributes(name, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"])

    def _attributes(self, name: str, attribute: str) -> Any:
        return self._sqs.get_queue_attributes(QueueUrl=self._url(name), AttributeNames=[attribute])["Attributes"]

    def _url(self, name: str) -> str:
        full = f"{self._stack}-{name}"
        try:
            url: str = self._sqs.get_queue_url(QueueName=full)["QueueUrl"]
        except self._sqs.exceptions.QueueDoesNotExist as missing:
            raise RedriveError(f"There is no queue {full} here. Is STACK right?") from missing
        return url


def _progress(task: Any) -> str:
    moved, to_move = task.get("ApproximateNumberOfMessagesMoved", 0), task.get("ApproximateNumberOfMessagesToMove")
    return f"{moved} moved" if to_move is None else f"{moved} of {to_move} moved"


def _place(report: str) -> str:
    batch = json.loads(report)["DDBStreamBatchInfo"]
    return f"{batch['batchSize']} records of {batch['shardId']} from {batch['startSequenceNumber']}"


if __name__ == "__main__":
    sys.exit(main())

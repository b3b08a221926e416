"""From an SQS queue into a function, as Lambda's event source mapping does it."""

import time
from collections.abc import Sequence
from typing import Any

from infra.local.aws import Aws
from infra.local.functions import EventFunction, FunctionError, Record, Retry, failed_items
from infra.local.lambda_proxy import REGION

_RECEIVE_LIMIT = 10


class QueueSource:
    """Feeds one queue's messages to one function in batches.

    What the function took is deleted. What failed becomes visible again, until the queue's own redrive policy moves it
    to the dead-letter queue.
    """

    def __init__(self, function: EventFunction, aws: Aws, queue: str, batch_size: int) -> None:
        self._function = function
        self._batch_size = batch_size
        self._sqs = aws.client("sqs")
        deployed = aws.deployed.named(queue)
        self._url, self._arn = deployed.ref, deployed.attributes["Arn"]

    def step(self, retry: Retry) -> int:
        """Hand over one batch; the number of its messages, 0 where the queue is quiet."""
        messages = self._receive()
        if not messages:
            return 0
        failed = self._failed_of([_record(message, self._arn) for message in messages])
        self._delete([message for message in messages if message["MessageId"] not in failed])
        self._give_back([message for message in messages if message["MessageId"] in failed], retry)
        return len(messages)

    def _receive(self) -> list[Any]:
        messages: list[Any] = []
        while len(messages) < self._batch_size:
            received = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(_RECEIVE_LIMIT, self._batch_size - len(messages)),
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
                WaitTimeSeconds=0,
            ).get("Messages", [])
            if not received:
                break
            messages += received
        return messages

    def _failed_of(self, records: Sequence[Record]) -> set[str]:
        ids = [record["messageId"] for record in records]
        try:
            return failed_items(self._function({"Records": records}), ids)
        except FunctionError:
            return set(ids)

    def _delete(self, messages: Sequence[Any]) -> None:
        for start in range(0, len(messages), _RECEIVE_LIMIT):
            batch = messages[start : start + _RECEIVE_LIMIT]
            entries = [{"Id": message["MessageId"], "ReceiptHandle": message["ReceiptHandle"]} for message in batch]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def _give_back(self, messages: Sequence[Any], retry: Retry) -> None:
        for message in messages:
            seconds = retry.seconds(int(message["Attributes"]["ApproximateReceiveCount"]))
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
            )
        if messages and retry.at_once:
            # A message is visible again only once the millisecond of its return is over.
            time.sleep(0.002)


def _record(message: Any, queue_arn: str) -> Record:
    """A message as Lambda's event has it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: _message_attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def _message_attribute(value: Any) -> dict[str, Any]:
    return {
        "stringValue": value.get("StringValue"),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }

"""Queues (Amazon SQS). Messages carry ids and nothing else."""

import json

from chalicelib.clients.aws import Permanent, Retryable, client, translated

_BATCH = 10


def send_ids(queue_url: str, ids: list[str], *, delay: int = 0) -> list[str]:
    """Queue one message for each id; returns the ids that the queue did not take, for whatever reason.

    `delay` is in seconds, at most 900: so long the messages stay hidden.
    """
    refused: list[str] = []
    for start in range(0, len(ids), _BATCH):
        chunk = ids[start : start + _BATCH]
        try:
            refused += _send(queue_url, chunk, delay)
        except (Retryable, Permanent):
            refused += chunk
    return refused


def _send(queue_url: str, chunk: list[str], delay: int) -> list[str]:
    hidden = {"DelaySeconds": delay} if delay else {}
    entries = [{"Id": str(place), "MessageBody": json.dumps({"id": one}), **hidden} for place, one in enumerate(chunk)]
    with translated():
        answer = client("sqs").send_message_batch(QueueUrl=queue_url, Entries=entries)
    return [chunk[int(failed["Id"])] for failed in answer.get("Failed", ())]

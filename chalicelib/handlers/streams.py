"""The bodies behind app.py's stream sources."""

from typing import Any

from chalicelib.domain.notices import Topic
from chalicelib.handlers.functions import contained
from chalicelib.services import delivery


@contained
def relay_outbox(event: dict[str, Any]) -> dict[str, Any]:
    """Queue the outbox rows that a stream brings, for their workers.

    What shall wait for the morning is left to the schedule. What cannot be queued comes again with the stream; so does
    a row of no known topic, until it is set aside alone.
    """
    rows, sequence, failed = [], {}, []
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        if record["eventName"] != "INSERT" or image is None:
            continue
        number = record["dynamodb"]["SequenceNumber"]
        if delivery.is_for_later(image.get("not_before", {}).get("S")):
            continue
        try:
            row_id, topic = image["pk"]["S"], Topic(image["topic"]["S"])
        except (KeyError, ValueError):
            failed.append(number)
            continue
        rows.append((row_id, topic))
        sequence[row_id] = number
    failed += [sequence[row_id] for row_id in delivery.relay(rows)]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}

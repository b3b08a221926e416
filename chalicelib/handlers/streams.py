"""The bodies behind app.py's stream sources."""

from typing import Any

from chalicelib.domain.notices import Topic
from chalicelib.services import delivery


def relay_outbox(event: dict[str, Any]) -> dict[str, Any]:
    """Queue the outbox rows that a stream brings, for their workers.

    What cannot be queued comes again with the stream.
    """
    rows, sequence = [], {}
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        if record["eventName"] == "INSERT" and image is not None:
            row_id = image["pk"]["S"]
            rows.append((row_id, Topic(image["topic"]["S"])))
            sequence[row_id] = record["dynamodb"]["SequenceNumber"]
    left = delivery.relay(rows)
    return {"batchItemFailures": [{"itemIdentifier": sequence[row_id]} for row_id in left]}

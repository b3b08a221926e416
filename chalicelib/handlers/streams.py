"""The bodies behind app.py's stream sources."""

from typing import Any

from chalicelib import observability
from chalicelib.domain.notices import Topic
from chalicelib.domain.sealing import Entry, read_entry
from chalicelib.handlers.functions import contained
from chalicelib.services import delivery, sealing

_EXPIRY = "dynamodb.amazonaws.com"
"""Who removes what a table's time to live has ended."""


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


@contained
def seal_audit(event: dict[str, Any]) -> dict[str, Any]:
    """Seal the audit entries that a stream brings. What could not be sealed comes again with the stream."""
    entries: list[Entry] = []
    numbers: dict[tuple[str, str], str] = {}
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        if record["eventName"] != "INSERT" or image is None:
            _tell_of_tampering(record)
            continue
        entry = read_entry(image)
        entries.append(entry)
        numbers.setdefault(entry.key, record["dynamodb"]["SequenceNumber"])
    failed = sealing.seal(entries)
    return {"batchItemFailures": [{"itemIdentifier": numbers[key]} for key in numbers if key in failed]}


def _tell_of_tampering(record: dict[str, Any]) -> None:
    """An entry is put once: whoever changes or removes one is heard of at once, but DynamoDB when its time is over."""
    if record.get("userIdentity", {}).get("principalId") == _EXPIRY:
        return
    observability.event("audit.tampered", code=str(record["eventName"]))
    observability.count("AuditTampered")

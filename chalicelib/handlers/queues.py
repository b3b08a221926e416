"""The bodies behind app.py's queue sources: each message on its own, so that a poison one blocks nobody."""

import json
from collections.abc import Callable
from typing import Any

from chalicelib import observability
from chalicelib.handlers.functions import contained
from chalicelib.services import delivery


@contained
def deliver_email(event: dict[str, Any]) -> dict[str, Any]:
    """Send the notices that a queue names."""
    return _each(event, "deliver_email", delivery.deliver_email)


@contained
def refresh_references(event: dict[str, Any]) -> dict[str, Any]:
    """Bring records up to date whose references have arrived."""
    from chalicelib.services import imports  # noqa: PLC0415  app.py loads this module for the API too.

    return _each(event, "refresh_references", imports.bring_up_to_date)


def _each(event: dict[str, Any], function: str, work: Callable[[str], None]) -> dict[str, Any]:
    failures = []
    for record in event["Records"]:
        observability.set_request_id(record["messageId"])
        try:
            work(json.loads(record["body"])["id"])
        except Exception as failed:  # noqa: BLE001  One message's fault must not take the others along; it goes back alone.
            observability.fault("queue.message_failed", failed, function=function)
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}

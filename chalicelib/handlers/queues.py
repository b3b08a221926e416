"""The bodies behind app.py's queue sources: each message on its own, so that a poison one blocks nobody.

What may take long comes one at a time (`batch_size=1`): a file, a copy, a receiver that is slow hold up nobody else.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from chalicelib import observability
from chalicelib.handlers.functions import contained
from chalicelib.services import addressing, delivery, events, exports, feedback, purges, webhook_delivery

_BATCH_SECONDS = 40
"""After so long a batch begins nothing new: its function has 60 seconds."""


@contained
def address_notices(event: dict[str, Any]) -> dict[str, Any]:
    """Write the messages of the notices that a queue names."""
    return _each(event, "address_notices", addressing.address)


@contained
def deliver_email(event: dict[str, Any]) -> dict[str, Any]:
    """Send the emails that a queue names."""
    return _each(event, "deliver_email", delivery.deliver)


@contained
def deliver_sms(event: dict[str, Any]) -> dict[str, Any]:
    """Send the text messages that a queue names."""
    return _each(event, "deliver_sms", delivery.deliver)


@contained
def deliver_push(event: dict[str, Any]) -> dict[str, Any]:
    """Send the pushes that a queue names."""
    return _each(event, "deliver_push", delivery.deliver)


@contained
def receive_feedback(event: dict[str, Any]) -> dict[str, Any]:
    """Act on what the channels tell of messages: each body is a notification of SNS."""
    return _each(event, "receive_feedback", feedback.receive, read=_whole)


@contained
def record_events(event: dict[str, Any]) -> dict[str, Any]:
    """Give the events that a queue names their places in the log."""
    return _each(event, "record_events", events.record)


@contained
def deliver_webhooks(event: dict[str, Any]) -> dict[str, Any]:
    """Send the events that a queue names to the clinic's systems."""
    return _each(event, "deliver_webhooks", webhook_delivery.deliver)


@contained
def refresh_references(event: dict[str, Any]) -> dict[str, Any]:
    """Bring records up to date whose references have arrived."""
    from chalicelib.services import imports  # noqa: PLC0415  app.py loads this module for the API too.

    return _each(event, "refresh_references", imports.bring_up_to_date)


@contained
def build_exports(event: dict[str, Any]) -> dict[str, Any]:
    """Build the copies that a queue names, or remove them once they were kept for long enough."""
    return _each(event, "build_exports", exports.work)


@contained
def purge_accounts(event: dict[str, Any]) -> dict[str, Any]:
    """Remove the closed accounts that a queue names."""
    return _each(event, "purge_accounts", purges.work)


@contained
def import_files(event: dict[str, Any]) -> dict[str, Any]:
    """Take in the files that a queue names: S3's word of an upload, or an import to go on with."""
    from chalicelib.services.import_files import worker  # noqa: PLC0415  See refresh_references().

    return _each(event, "import_files", worker.receive, read=_whole)


@contained
def clean_uploads(event: dict[str, Any]) -> dict[str, Any]:
    """See to files that people sent: what is heard of them in quarantine, or one that a queue names."""
    from chalicelib.services.uploads import worker  # noqa: PLC0415  See refresh_references().

    return _each(event, "clean_uploads", worker.receive, read=_whole)


@contained
def read_pictures(event: dict[str, Any]) -> dict[str, Any]:
    """Read the pictures that a queue names."""
    from chalicelib.services.picture_readings import worker  # noqa: PLC0415  See refresh_references().

    return _each(event, "read_pictures", worker.work)


def _id_of(body: str) -> str:
    row_id: str = json.loads(body)["id"]
    return row_id


def _whole(body: str) -> str:
    return body


def _each(
    event: dict[str, Any], function: str, work: Callable[[str], None], *, read: Callable[[str], str] = _id_of
) -> dict[str, Any]:
    failures, until = [], time.monotonic() + _BATCH_SECONDS
    for record in event["Records"]:
        observability.set_request_id(record["messageId"])
        if time.monotonic() > until:
            # Ended by its time-out, the function would take along what it has done.
            failures.append({"itemIdentifier": record["messageId"]})
            continue
        try:
            work(read(record["body"]))
        except Exception as failed:  # noqa: BLE001  One message's fault must not take the others along; it goes back alone.
            observability.fault("queue.message_failed", failed, function=function)
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}

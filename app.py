"""The portal's entry point: wiring only. Every function that AWS calls is here, and enters the portal in one line."""

from typing import Any

from chalice.app import Chalice, CloudWatchEvent, DynamoDBEvent, SQSEvent

from chalicelib.handlers import accounts, clinic, edge, pages, public, queues, records, schedules, sessions, streams

# The merge template puts the deployed ARNs in the place of these, whose last part names the resource.
_QUEUES = "arn:aws:sqs:us-east-1:000000000000"
_OUTBOX = "arn:aws:dynamodb:us-east-1:000000000000:table/outbox/stream/0"

app = Chalice(app_name="portal")
# Chalice logs raw paths of what it could not serve; the middleware logs the route instead.
app.log.disabled = True
app.register_middleware(edge.middleware, "http")
for feature in (public, accounts, sessions, records, clinic, pages):
    app.register_blueprint(feature.routes)


@app.on_dynamodb_record(stream_arn=_OUTBOX, batch_size=100, starting_position="TRIM_HORIZON")
def relay_outbox(event: DynamoDBEvent) -> dict[str, Any]:
    """Outbox rows to their queues."""
    return streams.relay_outbox(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:email", batch_size=10)
def deliver_email(event: SQSEvent) -> dict[str, Any]:
    """Notices to mailboxes."""
    return queues.deliver_email(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:references", batch_size=10)
def refresh_references(event: SQSEvent) -> dict[str, Any]:
    """Records whose references have arrived."""
    return queues.refresh_references(event.to_dict())


@app.schedule("rate(1 minute)")
def sweep_outbox(_event: CloudWatchEvent) -> int:
    """Outbox rows that were left."""
    return schedules.sweep_outbox()

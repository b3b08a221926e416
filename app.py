"""The portal's entry point: wiring only. Every function that AWS calls is here, and enters the portal in one line."""

from typing import Any

from chalice.app import Chalice, CloudWatchEvent, DynamoDBEvent, SQSEvent

from chalicelib.handlers import edge, features, queues, schedules, streams

# The merge template puts the deployed ARNs in the place of these, whose last part names the resource.
_QUEUES = "arn:aws:sqs:us-east-1:000000000000"
_OUTBOX = "arn:aws:dynamodb:us-east-1:000000000000:table/outbox/stream/0"
_AUDIT = "arn:aws:dynamodb:us-east-1:000000000000:table/audit/stream/0"

app = Chalice(app_name="portal")
# Chalice logs raw paths of what it could not serve; the middleware logs the route instead.
app.log.disabled = True
app.register_middleware(edge.middleware, "http")
for routes in features.ALL:
    app.register_blueprint(routes)


@app.on_dynamodb_record(stream_arn=_OUTBOX, batch_size=100, starting_position="TRIM_HORIZON")
def relay_outbox(event: DynamoDBEvent) -> dict[str, Any]:
    return streams.relay_outbox(event.to_dict())


@app.on_dynamodb_record(stream_arn=_AUDIT, batch_size=100, starting_position="TRIM_HORIZON")
def seal_audit(event: DynamoDBEvent) -> dict[str, Any]:
    return streams.seal_audit(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:notices", batch_size=10)
def address_notices(event: SQSEvent) -> dict[str, Any]:
    return queues.address_notices(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:email", batch_size=10)
def deliver_email(event: SQSEvent) -> dict[str, Any]:
    return queues.deliver_email(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:sms", batch_size=10)
def deliver_sms(event: SQSEvent) -> dict[str, Any]:
    return queues.deliver_sms(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:push", batch_size=10)
def deliver_push(event: SQSEvent) -> dict[str, Any]:
    return queues.deliver_push(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:feedback", batch_size=10)
def receive_feedback(event: SQSEvent) -> dict[str, Any]:
    return queues.receive_feedback(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:events", batch_size=10)
def record_events(event: SQSEvent) -> dict[str, Any]:
    return queues.record_events(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:webhooks", batch_size=1)
def deliver_webhooks(event: SQSEvent) -> dict[str, Any]:
    return queues.deliver_webhooks(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:references", batch_size=10)
def refresh_references(event: SQSEvent) -> dict[str, Any]:
    return queues.refresh_references(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:exports", batch_size=1)
def build_exports(event: SQSEvent) -> dict[str, Any]:
    return queues.build_exports(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:purges", batch_size=1)
def purge_accounts(event: SQSEvent) -> dict[str, Any]:
    return queues.purge_accounts(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:imports", batch_size=1)
def import_files(event: SQSEvent) -> dict[str, Any]:
    return queues.import_files(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:uploads", batch_size=1)
def clean_uploads(event: SQSEvent) -> dict[str, Any]:
    return queues.clean_uploads(event.to_dict())


@app.on_sqs_message(queue_arn=f"{_QUEUES}:pictures", batch_size=1)
def read_pictures(event: SQSEvent) -> dict[str, Any]:
    return queues.read_pictures(event.to_dict())


@app.schedule("rate(1 minute)")
def sweep_outbox(_event: CloudWatchEvent) -> int:
    return schedules.sweep_outbox()


@app.schedule("rate(1 minute)")
def lock_seals(_event: CloudWatchEvent) -> int:
    return schedules.lock_seals()

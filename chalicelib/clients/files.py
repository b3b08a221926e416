"""Files (Amazon S3)."""

from chalicelib.clients.aws import client, translated
from chalicelib.settings import settings


def put_record(key: str, body: bytes) -> None:
    """Keep a resource that is too large for a row. Raises Retryable or Permanent."""
    with translated():
        client("s3").put_object(Bucket=settings().records_bucket, Key=key, Body=body)


def get_record(key: str) -> bytes:
    """A resource that `put_record` kept. Raises Retryable or Permanent."""
    with translated():
        body: bytes = client("s3").get_object(Bucket=settings().records_bucket, Key=key)["Body"].read()
    return body

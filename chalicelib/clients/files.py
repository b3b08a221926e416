"""Files (Amazon S3)."""

from typing import BinaryIO

from chalicelib.clients.aws import client, signer, translated
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


def put_export(key: str, body: BinaryIO, media_type: str) -> None:
    """Keep a file that somebody asked for; the bucket encrypts it. Raises Retryable or Permanent."""
    with translated():
        client("s3").put_object(Bucket=settings().records_bucket, Key=key, Body=body, ContentType=media_type)


def get_export(key: str) -> bytes:
    """A file that `put_export` kept, for one that is known to be small. Raises Retryable or Permanent."""
    return get_record(key)


def remove_export(key: str) -> None:
    """Take a file away, if it is there; the version that is left behind goes a day later. Raises as `put_export`."""
    with translated():
        client("s3").delete_object(Bucket=settings().records_bucket, Key=key)


def download_url(key: str, name: str, seconds: int) -> str:
    """An address from which whoever has it may download a file for so long: under a name, and never shown inline."""
    asked = {
        "Bucket": settings().records_bucket,
        "Key": key,
        "ResponseContentDisposition": f'attachment; filename="{name}"',
        "ResponseCacheControl": "no-store",
    }
    with translated():
        url: str = signer("s3", settings().s3_public_endpoint).generate_presigned_url(
            "get_object", Params=asked, ExpiresIn=seconds
        )
    return url


def lock_away(key: str) -> None:
    """Put a name where nobody can take it away for six years; all that it says is the name. Raises as `put_export`."""
    with translated():
        client("s3").put_object(Bucket=settings().seals_bucket, Key=key, Body=b"", ChecksumAlgorithm="SHA256")

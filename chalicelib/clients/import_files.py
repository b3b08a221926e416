"""The bucket in which the clinic's systems drop files to import, and find what was refused (Amazon S3)."""

import io
from collections.abc import Iterable
from typing import Any, NamedTuple

from chalicelib.clients.aws import Permanent, Refusal, client, signer, translated
from chalicelib.settings import settings

CHUNK = 1024 * 1024
"""Bytes that are read at once."""

_PART = 8 * 1024 * 1024
"""Bytes of each part of a file that is written in parts; S3 asks for 5 MB at least."""


class Uploaded(NamedTuple):
    """A file that was uploaded, and the tag that tells it from another under the same name."""

    size: int
    etag: str


def upload_url(key: str, size: int | None, seconds: int) -> str:
    """An address to which whoever has it may PUT a file for so long: one of that size, where it is given."""
    asked = {"Bucket": settings().imports_bucket, "Key": key, **({"ContentLength": size} if size is not None else {})}
    return _signed("put_object", asked, seconds)


def rejects_url(key: str, name: str, seconds: int) -> str:
    """An address from which whoever has it may download what was refused for so long: never shown inline."""
    asked = {
        "Bucket": settings().imports_bucket,
        "Key": key,
        "ResponseContentDisposition": f'attachment; filename="{name}"',
        "ResponseCacheControl": "no-store",
    }
    return _signed("get_object", asked, seconds)


def find(key: str) -> Uploaded | None:
    """A file that was uploaded, if it is there. Raises Retryable or Permanent."""
    try:
        with translated(_is_missing):
            found = client("s3").head_object(Bucket=settings().imports_bucket, Key=key)
    except Permanent:
        return None
    return Uploaded(found["ContentLength"], found["ETag"])


def read(key: str, etag: str, begin: int, end: int) -> bytes:
    """The bytes of a file from one place to before another.

    Raises Retryable, and Permanent where it is no longer the file with this tag.
    """
    wanted = {"Bucket": settings().imports_bucket, "Key": key, "IfMatch": etag, "Range": f"bytes={begin}-{end - 1}"}
    with translated(_is_missing):
        body: bytes = client("s3").get_object(**wanted)["Body"].read()
    return body


def put(key: str, body: bytes) -> None:
    """Keep what belongs to an import. Raises Retryable or Permanent."""
    with translated():
        client("s3").put_object(Bucket=settings().imports_bucket, Key=key, Body=body)


def get(key: str) -> bytes:
    """What `put` kept. Raises Retryable or Permanent."""
    with translated():
        body: bytes = client("s3").get_object(Bucket=settings().imports_bucket, Key=key)["Body"].read()
    return body


def remove(key: str) -> None:
    """Take a file away, if it is there. Raises Retryable or Permanent."""
    with translated():
        client("s3").delete_object(Bucket=settings().imports_bucket, Key=key)


def write(bodies: Iterable[bytes], key: str) -> None:
    """Write one file out of several bodies, with no more of it in memory than a part. Raises Retryable or Permanent."""
    whole = {"Bucket": settings().imports_bucket, "Key": key}
    with translated():
        upload = client("s3").create_multipart_upload(**whole, ContentType="application/x-ndjson")["UploadId"]
        parts: list[dict[str, Any]] = []
        for number, body in enumerate(_large(bodies), start=1):
            part = client("s3").upload_part(**whole, UploadId=upload, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": part["ETag"]})
        client("s3").complete_multipart_upload(**whole, UploadId=upload, MultipartUpload={"Parts": parts})


def _large(bodies: Iterable[bytes]) -> Iterable[bytes]:
    held = io.BytesIO()
    for body in bodies:
        held.write(body)
        if held.tell() >= _PART:
            yield held.getvalue()
            held = io.BytesIO()
    if held.tell():
        yield held.getvalue()


def _signed(operation: str, asked: dict[str, Any], seconds: int) -> str:
    with translated():
        url: str = signer("s3", settings().s3_public_endpoint).generate_presigned_url(
            operation, Params=asked, ExpiresIn=seconds
        )
    return url


def _is_missing(refusal: Refusal) -> str | None:
    """There is no such file, or another has taken its place."""
    return refusal.code if refusal.code in {"404", "NoSuchKey", "412", "PreconditionFailed"} else None

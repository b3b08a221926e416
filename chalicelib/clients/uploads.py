"""Where files that people send lie: first in a bucket that nobody can read from, then clean among what is kept (S3)."""

from chalicelib.clients.aws import Permanent, Refusal, client, signer, translated
from chalicelib.domain.uploads import Form
from chalicelib.settings import settings

_CLEAN = "uploads/"


def form(upload_id: str, seconds: int, most: int) -> Form:
    """A form by which whoever has it may send a file of at most so many bytes, for so long. Raises Retryable.

    Its policy allows no field but its own: the key is the upload's id, and the bucket's encryption cannot be changed.
    """
    with translated():
        made = signer("s3", settings().s3_public_endpoint).generate_presigned_post(
            settings().quarantine_bucket,
            upload_id,
            Conditions=[["content-length-range", 1, most]],
            ExpiresIn=seconds,
        )
    return Form(made["url"], made["fields"])


def find_tag(upload_id: str) -> str | None:
    """The tag of a file in quarantine, if it is there. Raises Retryable."""
    try:
        with translated(_is_missing):
            found = client("s3").head_object(Bucket=settings().quarantine_bucket, Key=upload_id)
    except Permanent:
        return None
    return tag(found["ETag"])


def read(upload_id: str, etag: str) -> bytes | None:
    """A file in quarantine, if it is still the one of that tag. Raises Retryable."""
    wanted = {"Bucket": settings().quarantine_bucket, "Key": upload_id, "IfMatch": f'"{etag}"'}
    try:
        with translated(_is_missing):
            body: bytes = client("s3").get_object(**wanted)["Body"].read()
    except Permanent:
        return None
    return body


def tag(etag: str) -> str:
    """An ETag without the quotes that HTTP wants and events leave out."""
    return etag.strip('"')


def keep(upload_id: str, body: bytes, media_type: str) -> None:
    """Keep a clean file; written again it is the same. Raises Retryable or Permanent."""
    with translated():
        client("s3").put_object(
            Bucket=settings().records_bucket,
            Key=f"{_CLEAN}{upload_id}",
            Body=body,
            ContentType=media_type,
            ContentDisposition="attachment",
        )


def read_clean(upload_id: str) -> bytes | None:
    """A clean file, if it is there. Raises Retryable."""
    try:
        with translated(_is_missing):
            body: bytes = (
                client("s3").get_object(Bucket=settings().records_bucket, Key=f"{_CLEAN}{upload_id}")["Body"].read()
            )
    except Permanent:
        return None
    return body


def remove_raw(upload_id: str) -> None:
    """Take a file out of quarantine, if it is there. Raises Retryable or Permanent."""
    with translated():
        client("s3").delete_object(Bucket=settings().quarantine_bucket, Key=upload_id)


def remove_clean(upload_id: str) -> None:
    """Take a clean file away, if it is there; the version left behind goes a day later. Raises as `remove_raw`."""
    with translated():
        client("s3").delete_object(Bucket=settings().records_bucket, Key=f"{_CLEAN}{upload_id}")


def download_url(upload_id: str, name: str, media_type: str, seconds: int) -> str:
    """An address from which whoever has it may download a clean file for so long: under a name, never shown inline."""
    asked = {
        "Bucket": settings().records_bucket,
        "Key": f"{_CLEAN}{upload_id}",
        "ResponseContentDisposition": f'attachment; filename="{name}"',
        "ResponseContentType": media_type,
        "ResponseCacheControl": "no-store",
    }
    with translated():
        url: str = signer("s3", settings().s3_public_endpoint).generate_presigned_url(
            "get_object", Params=asked, ExpiresIn=seconds
        )
    return url


def _is_missing(refusal: Refusal) -> str | None:
    """There is no such file, or another has taken its place."""
    return refusal.code if refusal.code in {"404", "NoSuchKey", "412", "PreconditionFailed"} else None

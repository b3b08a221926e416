"""What is heard of files in quarantine, as events of Amazon EventBridge: that one has come, and what its scan found.

S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html. GuardDuty's Malware Protection:
https://docs.aws.amazon.com/guardduty/latest/ug/monitor-with-eventbridge-s3-malware-protection.html
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from chalicelib.domain.uploads import ScanResult
from chalicelib.settings import settings

_ARRIVED: Final = ("aws.s3", "Object Created")
_SCANNED: Final = ("aws.guardduty", "GuardDuty Malware Protection Object Scan Result")
_RESULTS: Final = {"NO_THREATS_FOUND": ScanResult.CLEAN, "THREATS_FOUND": ScanResult.THREAT}


class NotOurs(Exception):
    """An event of another kind, or of another bucket."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Of which file something is heard; the result is None where it has only come."""

    upload_id: str
    etag: str
    result: ScanResult | None


def read(event: dict[str, Any]) -> Heard:
    """What an event says. Raises NotOurs, and KeyError for one that is not shaped as its kind is."""
    kind = event["source"], event["detail-type"]
    if kind == _ARRIVED:
        heard, bucket = _arrived(event["detail"]), event["detail"]["bucket"]["name"]
    elif kind == _SCANNED:
        heard, bucket = _scanned(event["detail"]), event["detail"]["s3ObjectDetails"]["bucketName"]
    else:
        raise NotOurs
    if bucket != settings().quarantine_bucket:
        raise NotOurs
    return heard


def _arrived(detail: dict[str, Any]) -> Heard:
    found = detail["object"]
    return Heard(unquote_plus(found["key"]), found["etag"].strip('"'), None)


def _scanned(detail: dict[str, Any]) -> Heard:
    """Only what was scanned to its end and found harmless is harmless; each other result, a new one too, is not."""
    found, said = detail["s3ObjectDetails"], detail["scanResultDetails"]["scanResultStatus"]
    result = _RESULTS.get(said, ScanResult.UNKNOWN)
    if result is ScanResult.CLEAN and detail["scanStatus"] != "COMPLETED":
        result = ScanResult.UNKNOWN
    return Heard(found["objectKey"], found["eTag"].strip('"'), result)

"""What becomes of files in quarantine, as Amazon S3 and GuardDuty's Malware Protection tell it through EventBridge.

It knows one threat: the EICAR test file, which every scanner takes for one and which does no harm
(https://www.eicar.org/download-anti-malware-testfile/).
"""

import json
from typing import Any
from uuid import uuid4

from chalicelib import clock
from infra.local.aws import REGION, Aws
from infra.local.functions import Retry

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""In two parts, so that no scanner takes this module for it."""

_ACCOUNT = "123456789012"


class Scanner:
    """Looks for files that it has not told of, and sends what it finds to the queue that the rules name."""

    def __init__(self, aws: Aws) -> None:
        self._bucket = aws.deployed.outputs["QuarantineBucketName"]
        self._queue = aws.deployed.outputs["UploadsQueueUrl"]
        self._s3, self._sqs = aws.client("s3"), aws.client("sqs")
        self._told: set[tuple[str, str]] = set()

    def step(self, _retry: Retry) -> int:
        """Scan what is new; how many files that were."""
        listed = self._s3.list_objects_v2(Bucket=self._bucket).get("Contents", ())
        there = {(one["Key"], one["ETag"].strip('"')): one["Size"] for one in listed}
        new = [place for place in there if place not in self._told]
        for key, etag in new:
            self._send(arrived(self._bucket, key, etag, there[key, etag]))
            self._send(scanned(self._bucket, key, etag, self._result(key)))
        # What is gone may come again under the same name.
        self._told = set(there)
        return len(new)

    def _result(self, key: str) -> str:
        content = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return "THREATS_FOUND" if EICAR in content else "NO_THREATS_FOUND"

    def _send(self, event: dict[str, Any]) -> None:
        self._sqs.send_message(QueueUrl=self._queue, MessageBody=json.dumps(event))


def arrived(bucket: str, key: str, etag: str, size: int) -> dict[str, Any]:
    """S3's word of a new file (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html)."""
    detail = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": {"key": key, "size": size, "etag": etag, "sequencer": uuid4().hex[:16].upper()},
        "request-id": uuid4().hex[:16].upper(),
        "requester": _ACCOUNT,
        "source-ip-address": "127.0.0.1",
        "reason": "PostObject",
    }
    return _event("aws.s3", "Object Created", f"arn:aws:s3:::{bucket}", detail)


def scanned(bucket: str, key: str, etag: str, result: str) -> dict[str, Any]:
    """GuardDuty's word of a scan (guardduty/latest/ug/monitor-with-eventbridge-s3-malware-protection.html)."""
    statuses = {"NO_THREATS_FOUND": "COMPLETED", "THREATS_FOUND": "COMPLETED", "FAILED": "FAILED"}
    detail = {
        "schemaVersion": "1.0",
        "scanStatus": statuses.get(result, "SKIPPED"),
        "resourceType": "S3_OBJECT",
        "s3ObjectDetails": {
            "bucketName": bucket,
            "objectKey": key,
            "eTag": etag,
            "versionId": None,
            "s3Throttled": False,
        },
        "scanResultDetails": {
            "scanResultStatus": result,
            "threats": [{"name": "EICAR-Test-File (not a virus)"}] if result == "THREATS_FOUND" else None,
        },
    }
    plan = f"arn:aws:guardduty:{REGION}:{_ACCOUNT}:malware-protection-plan/local"
    return _event("aws.guardduty", "GuardDuty Malware Protection Object Scan Result", plan, detail)


def _event(source: str, kind: str, resource: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": kind,
        "source": source,
        "account": _ACCOUNT,
        "time": clock.stamp(clock.now()),
        "region": REGION,
        "resources": [resource],
        "detail": detail,
    }

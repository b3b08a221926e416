"""Each function's IAM policy allows what the function does, and nothing else.

What it does is recorded from its own AWS clients, while the portal is used in every way that it can be.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.clients import keys
from chalicelib.handlers.operations import REGISTRY
from infra.local.functions import EventFunction
from infra.local.lambda_proxy import LambdaContext
from tests.architecture.sources import ROOT, chalicelib
from tests.support.aws_calls import SERVICES, AwsCall, hooked
from tests.support.everything import do_everything, late_and_large
from tests.support.portal import Answer, Portal

FUNCTIONS = (
    "api_handler",
    "relay_outbox",
    "seal_audit",
    "address_notices",
    "deliver_email",
    "deliver_sms",
    "deliver_push",
    "record_events",
    "deliver_webhooks",
    "receive_feedback",
    "refresh_references",
    "build_exports",
    "purge_accounts",
    "import_files",
    "clean_uploads",
    "read_pictures",
    "sweep_outbox",
    "lock_seals",
)

Permission = tuple[str, str]
"""An action and its resource, by the names of the templates."""

_ITEMS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
_KMS = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
_LOGS = {("logs:CreateLogStream", "log group"), ("logs:PutLogEvents", "log group")}
_TRACES = {("xray:PutTelemetryRecords", "*"), ("xray:PutTraceSegments", "*")}


def _consumes(queue: str) -> set[Permission]:
    return {(f"sqs:{action}", queue) for action in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")}


# What Lambda itself does with a function's role: "Using AWS Lambda with Amazon SQS", "… with DynamoDB Streams".
SOURCES: dict[str, set[Permission]] = {
    # What is signed here is asked for by whoever has the address, with the function's own rights.
    "api_handler": {
        ("s3:PutObject", "ImportsBucketArn/uploads/*"),
        ("s3:GetObject", "ImportsBucketArn/rejects/*"),
        ("s3:PutObject", "QuarantineBucketArn/*"),
    },
    "relay_outbox": {
        ("dynamodb:DescribeStream", "OutboxStreamArn"),
        ("dynamodb:GetRecords", "OutboxStreamArn"),
        ("dynamodb:GetShardIterator", "OutboxStreamArn"),
        ("dynamodb:ListStreams", "OutboxTableArn/stream/*"),
        ("sqs:SendMessage", "RelayDeadLettersArn"),
    },
    "seal_audit": {
        ("dynamodb:DescribeStream", "AuditStreamArn"),
        ("dynamodb:GetRecords", "AuditStreamArn"),
        ("dynamodb:GetShardIterator", "AuditStreamArn"),
        ("dynamodb:ListStreams", "AuditTableArn/stream/*"),
        ("sqs:SendMessage", "SealsDeadLettersArn"),
    },
    "address_notices": _consumes("NoticesQueueArn"),
    "deliver_email": _consumes("EmailQueueArn"),
    "deliver_sms": _consumes("SmsQueueArn"),
    "deliver_push": _consumes("PushQueueArn"),
    "record_events": _consumes("EventsQueueArn"),
    "deliver_webhooks": _consumes("WebhooksQueueArn"),
    "receive_feedback": _consumes("FeedbackQueueArn"),
    "refresh_references": _consumes("ReferencesQueueArn"),
    "build_exports": _consumes("ExportsQueueArn"),
    "purge_accounts": _consumes("PurgesQueueArn"),
    "import_files": _consumes("ImportsQueueArn"),
    "clean_uploads": _consumes("UploadsQueueArn"),
    "read_pictures": _consumes("PicturesQueueArn"),
    "sweep_outbox": set(),
    "lock_seals": set(),
}


# What sends text messages is a setting, so that whoever may use the one service may do the same through the other.
_BY_OTHER = {
    "send": {
        ("sms-voice:SendTextMessage", kind) for kind in ("configuration-set", "phone-number", "pool", "sender-id")
    },
    "opt in": {("sms-voice:DeleteOptedOutNumber", "opt-out-list")},
}
_UPLOADS, _WORKING, _REJECTS = (f"ImportsBucketArn/{name}/*" for name in ("uploads", "working", "rejects"))
_PLAIN: dict[tuple[str, str], set[Permission]] = {
    ("s3", "GetObject"): {("s3:GetObject", "RecordsBucketArn/*")},
    ("s3", "PutObject"): {("s3:PutObject", "RecordsBucketArn/*")},
    ("s3", "PutObject of a head"): {("s3:PutObject", "SealsBucketArn/heads/*")},
    ("s3", "PutObject of an export"): {("s3:PutObject", "RecordsBucketArn/exports/*")},
    ("s3", "DeleteObject of an export"): {("s3:DeleteObject", "RecordsBucketArn/exports/*")},
    ("s3", "GetObject of a share"): {("s3:GetObject", "RecordsBucketArn/*")},
    ("s3", "PutObject of a share"): {("s3:PutObject", "RecordsBucketArn/shares/*")},
    ("s3", "DeleteObject of a share"): {("s3:DeleteObject", "RecordsBucketArn/shares/*")},
    # Whether a file is there is told only to those who may list the bucket.
    ("s3", "HeadObject of an upload"): {("s3:GetObject", _UPLOADS), ("s3:ListBucket", "ImportsBucketArn")},
    ("s3", "GetObject of an upload"): {("s3:GetObject", _UPLOADS)},
    ("s3", "DeleteObject of an upload"): {("s3:DeleteObject", _UPLOADS)},
    ("s3", "GetObject of a note"): {("s3:GetObject", _WORKING)},
    ("s3", "PutObject of a note"): {("s3:PutObject", _WORKING)},
    ("s3", "DeleteObject of a note"): {("s3:DeleteObject", _WORKING)},
    ("s3", "GetObject of rejects"): {("s3:GetObject", _REJECTS)},
    ("s3", "PutObject of rejects"): {("s3:PutObject", _REJECTS)},
    ("s3", "CreateMultipartUpload of rejects"): {("s3:PutObject", _REJECTS)},
    ("s3", "UploadPart of rejects"): {("s3:PutObject", _REJECTS)},
    ("s3", "CompleteMultipartUpload of rejects"): {("s3:PutObject", _REJECTS)},
    ("s3", "HeadObject of a file in quarantine"): {
        ("s3:GetObject", "QuarantineBucketArn/*"),
        ("s3:ListBucket", "QuarantineBucketArn"),
    },
    ("s3", "GetObject of a file in quarantine"): {("s3:GetObject", "QuarantineBucketArn/*")},
    ("s3", "DeleteObject of a file in quarantine"): {("s3:DeleteObject", "QuarantineBucketArn/*")},
    ("s3", "PutObject of a clean file"): {("s3:PutObject", "RecordsBucketArn/uploads/*")},
    ("s3", "GetObject of a clean file"): {("s3:GetObject", "RecordsBucketArn/uploads/*")},
    ("s3", "DeleteObject of a clean file"): {("s3:DeleteObject", "RecordsBucketArn/uploads/*")},
    ("secretsmanager", "GetSecretValue"): {("secretsmanager:GetSecretValue", "RootKeySecretArn")},
    ("sesv2", "SendEmail"): {("ses:SendEmail", "identity"), ("ses:SendEmail", "configuration-set")},
    ("sesv2", "DeleteSuppressedDestination"): {("ses:DeleteSuppressedDestination", "*")},
    ("sns", "CreatePlatformEndpoint"): {("sns:CreatePlatformEndpoint", "app")},
    ("sns", "SetEndpointAttributes"): {("sns:SetEndpointAttributes", "endpoint")},
    ("sns", "OptInPhoneNumber"): {("sns:OptInPhoneNumber", "*"), *_BY_OTHER["opt in"]},
    ("bedrock-runtime", "Converse"): {("bedrock:InvokeModel", "foundation-model")},
    ("textract", "DetectDocumentText"): {("textract:DetectDocumentText", "*")},
}


_KINDS = {
    "exports": "an export",
    "shares": "a share",
    "uploads": "an upload",
    "working": "a note",
    "rejects": "rejects",
    "heads": "a head",
}
"""What a file is, by how its name begins."""


def _permissions(call: AwsCall) -> set[Permission]:
    """What IAM asks for a call; a transaction asks for each of its items. A call that nobody expects is a KeyError."""
    params = call.params
    match call.service, call.operation:
        case "dynamodb", "TransactWriteItems":
            return {(_ITEMS[kind], _table(item["TableName"])) for kind, item in call.items}
        case "dynamodb", "BatchGetItem":
            return {("dynamodb:BatchGetItem", _table(name)) for name in params["RequestItems"]}
        case "dynamodb", operation:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            return {(f"dynamodb:{operation}", _table(params["TableName"]) + index)}
        case "sqs", "SendMessageBatch":
            return {("sqs:SendMessage", _queue(params["QueueUrl"]))}
        case "sns", "Publish":
            to_device = {("sns:Publish", "endpoint")}
            return to_device if "TargetArn" in params else {("sns:Publish", "no topic, no device"), *_BY_OTHER["send"]}
        case _:
            kind = _kind(str(params.get("Bucket")), str(params.get("Key")))
            return _PLAIN[call.service, f"{call.operation} of {kind}" if kind else call.operation]


def _kind(bucket: str, key: str) -> str | None:
    if "-quarantine-" in bucket:
        return "a file in quarantine"
    if "-records-" in bucket and key.startswith("uploads/"):
        return "a clean file"
    return _KINDS.get(key.partition("/")[0])


def _table(name: str) -> str:
    return f"{name.rpartition('-')[2].capitalize()}TableArn"


def _queue(url: str) -> str:
    return f"{url.rpartition('-')[2].capitalize()}QueueArn"


def _through(permissions: set[Permission]) -> set[str]:
    """The services that use the data key on the function's behalf."""
    services = {action.partition(":")[0] for action, _ in permissions}
    return services & {"dynamodb", "s3", "secretsmanager", "sqs"}


def _allowed(function: str) -> tuple[set[Permission], set[str]]:
    """The permissions of a function's policy file without the key's, and the services that may use the key."""
    policy = json.loads((ROOT / ".chalice" / f"policy-{function}.json").read_text(encoding="utf-8"))
    permissions: set[Permission] = set()
    through: set[str] = set()
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        resources = [_resource(one) for one in statement.get("Resource", [])] or [_excluded(statement["NotResource"])]
        found = {(action, one) for action in statement["Action"] for one in resources}
        if "Condition" in statement:
            assert found == {(f"kms:{action}", "DataKeyArn") for action in _KMS}
            via = statement["Condition"]["StringEquals"]["kms:ViaService"]
            through = {service["Fn::Sub"].partition(".")[0] for service in via}
        else:
            permissions |= found
    return permissions, through


def _resource(resource: str | Mapping[str, str]) -> str:
    if isinstance(resource, str):
        return resource
    if "Ref" in resource:
        return resource["Ref"]
    text = resource["Fn::Sub"]
    if not text.startswith("arn:"):
        return text.replace("${", "").replace("}", "")
    # Of another service: by the kind of resource, which is the account's own or, by its name, this stack's.
    kind, _, name = text.rpartition("${AWS::AccountId}:" if "AccountId" in text else "::")[2].partition("/")
    if kind.startswith("log-group:"):
        return "log group"
    assert name in _NAMES[kind], text
    return kind


# End User Messaging's are the account's own; an operator makes them, and names them as they like.
_NAMES = {
    # AWS's own, of no account.
    "foundation-model": {"${LanguageModel}"},
    "identity": {"${EmailSender}"},
    "configuration-set": {"${EmailConfigurationSet}", "*"},
    "app": {"*/${Stack}-*"},
    "endpoint": {"*/${Stack}-*"},
    "phone-number": {"*"},
    "pool": {"*"},
    "sender-id": {"*"},
    "opt-out-list": {"Default"},
}


def _excluded(not_resources: list[Mapping[str, str]]) -> str:
    """A telephone number is no resource: whoever may publish to nothing that is one may publish to numbers alone."""
    assert not_resources == [{"Fn::Sub": "arn:${AWS::Partition}:sns:*:*:*"}]
    return "no topic, no device"


class _Recorder:
    """Who calls what: the event function that runs, else the API."""

    def __init__(self) -> None:
        self.running = "api_handler"
        self.done: dict[str, set[Permission]] = {name: set() for name in FUNCTIONS}
        self.routes: set[str] = set()

    def __call__(self, call: AwsCall) -> None:
        self.done[self.running] |= _permissions(call)

    @contextmanager
    def function(self, name: str) -> Iterator[None]:
        self.running = name
        # A new instance of a function knows no key.
        keys.forget()
        try:
            yield
        finally:
            self.running = "api_handler"
            keys.forget()


@pytest.fixture(scope="module")
def recorder(portal: Portal) -> _Recorder:
    """What each function did in the walk."""
    recorder = _Recorder()
    entered, called = EventFunction.__call__, portal.call

    def enter(function: EventFunction, event: Mapping[str, Any]) -> Any:
        with recorder.function(function.name):
            return entered(function, event)

    def call(method: str, path: str, *arguments: Any, **more: Any) -> Answer:
        recorder.routes.add(_route(method, path.partition("?")[0]))
        return called(method, path, *arguments, **more)

    portal.drain()
    with pytest.MonkeyPatch.context() as patched, hooked(recorder):
        patched.setattr(EventFunction, "__call__", enter)
        patched.setattr(portal, "call", call)
        keys.forget()
        do_everything(portal)
        portal.drain()
        # These rows wait for the schedule.
        portal.register()
        late_and_large(portal)
        portal.advance(days=1)
        for _ in range(2):
            with recorder.function("sweep_outbox"):
                portal.app.sweep_outbox(_tick(), LambdaContext("sweep_outbox"))
        with recorder.function("seal_audit"):
            _deliver_again(portal)
    return recorder


def _deliver_again(portal: Portal) -> None:
    """A stream's record for the second time."""
    item = portal.rows("audit")[0]
    record = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": item, "Keys": {}}}
    portal.app.seal_audit({"Records": [record]}, LambdaContext("seal_audit"))


def _route(method: str, path: str) -> str:
    """The operation that serves a request; one in plain words goes before one with a parameter in its place."""
    fitting = [
        operation
        for operation in REGISTRY
        if operation.method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", operation.path), path)
    ]
    return min(fitting, key=lambda operation: operation.path.count("{")).id


@pytest.fixture(scope="module")
def done(recorder: _Recorder) -> dict[str, set[Permission]]:
    return recorder.done


def _tick() -> dict[str, Any]:
    names = ("version", "account", "region", "detail-type", "source", "time", "id")
    return {**dict.fromkeys(names, "x"), "detail": {}, "resources": []}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_policy_allows_what_its_function_does_and_nothing_else(
    done: dict[str, set[Permission]], function: str
) -> None:
    needed = done[function] | SOURCES[function] | _LOGS | _TRACES
    allowed, through = _allowed(function)
    assert {"missing": _sorted(needed - allowed), "unused": _sorted(allowed - needed)} == {"missing": [], "unused": []}
    assert through == _through(done[function] | SOURCES[function])


def _sorted(permissions: set[Permission]) -> list[Permission]:
    return sorted(permissions)


def test_the_walk_takes_every_route(recorder: _Recorder) -> None:
    assert {operation.id for operation in REGISTRY} - recorder.routes == set()


def test_every_function_of_the_configuration_has_its_own_policy(portal: Portal) -> None:
    configured = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))["lambda_functions"]
    declared = {source.handler_string.rpartition(".")[2] for source in portal.app.app.event_sources}
    assert set(configured) == declared | {"api_handler"} == set(FUNCTIONS)
    assert {name: entry["iam_policy_file"] for name, entry in configured.items()} == {
        name: f"policy-{name}.json" for name in FUNCTIONS
    }
    assert {path.name for path in Path(ROOT / ".chalice").glob("policy-*.json")} == {
        f"policy-{name}.json" for name in FUNCTIONS
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_may_change_or_remove_an_audit_entry(function: str) -> None:
    allowed, _ = _allowed(function)
    audit = {action for action, resource in allowed if resource.startswith("AuditTableArn")}
    of_stream = {"dynamodb:ListStreams"} if function == "seal_audit" else set()
    assert audit <= {"dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"} | of_stream


@pytest.mark.parametrize("function", FUNCTIONS)
def test_who_writes_entries_may_not_touch_the_seals_and_who_seals_may_write_none(function: str) -> None:
    allowed, _ = _allowed(function)
    seals = {action for action, resource in allowed if resource.startswith("Seals")}
    writes = {("dynamodb:PutItem", "AuditTableArn")} & allowed
    if function in {"seal_audit", "lock_seals"}:
        assert writes == set()
        assert {action for action in seals if "Delete" in action or "Update" in action} == set()
    else:
        assert seals == set()


def test_every_client_that_the_portal_makes_is_recorded() -> None:
    made = {name for source in chalicelib() for name in re.findall(r'client\("([a-z0-9-]+)"\)', source.text)}
    assert made == set(SERVICES)


def test_the_gateway_keeps_no_url(portal: Portal) -> None:
    """AC 4: its trace segments and its logs would hold raw paths, and with them the tokens of links."""
    stage = yaml.safe_load((ROOT / "infra" / "app.yaml").read_text(encoding="utf-8"))["Resources"]["RestAPI"][
        "Properties"
    ]
    assert stage["TracingEnabled"] is False
    assert set(stage) & {"AccessLogSetting", "MethodSettings"} == set()

"""Each function's IAM policy allows what the function does, and nothing else.

What it does is recorded from its own AWS clients, while the portal is used in every way that it can be.
"""

import json
import uuid
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
from tests.support.portal import Portal
from tests.support.routes import bodies, condition, send, somebody

FUNCTIONS = ("api_handler", "relay_outbox", "deliver_email", "refresh_references", "sweep_outbox")

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
    "api_handler": set(),
    "relay_outbox": {
        ("dynamodb:DescribeStream", "OutboxStreamArn"),
        ("dynamodb:GetRecords", "OutboxStreamArn"),
        ("dynamodb:GetShardIterator", "OutboxStreamArn"),
        ("dynamodb:ListStreams", "OutboxTableArn/stream/*"),
        ("sqs:SendMessage", "RelayDeadLettersArn"),
    },
    "deliver_email": _consumes("EmailQueueArn"),
    "refresh_references": _consumes("ReferencesQueueArn"),
    "sweep_outbox": set(),
}


_PLAIN: dict[tuple[str, str], Permission] = {
    ("s3", "GetObject"): ("s3:GetObject", "RecordsBucketArn/*"),
    ("s3", "PutObject"): ("s3:PutObject", "RecordsBucketArn/*"),
    ("secretsmanager", "GetSecretValue"): ("secretsmanager:GetSecretValue", "RootKeySecretArn"),
    ("sesv2", "SendEmail"): ("ses:SendEmail", "sender"),
}


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
        case _:
            return {_PLAIN[call.service, call.operation]}


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
        found = {(action, _resource(one)) for action in statement["Action"] for one in statement["Resource"]}
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
    if ":log-group:" in text:
        return "log group"
    return "sender" if ":identity/" in text else text.replace("${", "").replace("}", "")


class _Recorder:
    """Who calls what: the event function that runs, else the API."""

    def __init__(self) -> None:
        self.running = "api_handler"
        self.done: dict[str, set[Permission]] = {name: set() for name in FUNCTIONS}

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
def done(portal: Portal) -> dict[str, set[Permission]]:
    """What each function did in the walk."""
    recorder = _Recorder()
    entered = EventFunction.__call__

    def enter(function: EventFunction, event: Mapping[str, Any]) -> Any:
        with recorder.function(function.name):
            return entered(function, event)

    portal.drain()
    with pytest.MonkeyPatch.context() as patched, hooked(recorder):
        patched.setattr(EventFunction, "__call__", enter)
        keys.forget()
        _walk(portal)
        portal.drain()
        # These rows wait for the schedule.
        portal.register()
        _late_and_large(portal)
        portal.advance(days=1)
        for _ in range(2):
            with recorder.function("sweep_outbox"):
                portal.app.sweep_outbox(_tick(), LambdaContext("sweep_outbox"))
    return recorder.done


def _tick() -> dict[str, Any]:
    names = ("version", "account", "region", "detail-type", "source", "time", "id")
    return {**dict.fromkeys(names, "x"), "detail": {}, "resources": []}


def _walk(portal: Portal) -> None:
    """Everything that the API does, and everything that the event functions do after it."""
    for operation in REGISTRY:
        if operation.body is not None or operation.raw:
            me = somebody(portal)
            body = bodies(portal, me)[operation.id]()
            token = {"account": me.person.token, "client": portal.client_token()}.get(operation.policy.kind)
            assert send(portal, operation, body.pop("_path", {}), body, token).status == operation.status
    me = somebody(portal)
    _read_and_leave(portal, me.person.token, me.record_id)
    _late_and_large(portal)
    person = portal.register(email=None)
    for _ in range(2):
        portal.sign_in(person.username, "wrong wrong wrong wrong", source_ip="198.51.100.230")
    _wrong(portal)
    _move(portal)


def _read_and_leave(portal: Portal, token: str, record_id: str) -> None:
    large = portal.register(portal.new_patient(id="p-large", resources=(_large("p-large"),)))
    (record,) = large.get("/v1/patients/me/records").json["items"]
    assert large.get(f"/v1/patients/me/records/{record['record_id']}?format=fhir").status == 200
    filters = ("", "?category=condition", "?q=hay", f"?encounter=rec_{'0' * 26}", "?code=x", "?limit=1")
    paths = [f"/v1/patients/me/records{one}" for one in filters]
    paths += [f"/v1/patients/me/records/{record_id}{one}" for one in ("", "?format=fhir")]
    for path in ("/v1/me", "/v1/sessions", "/v1/sessions/current", "/v1/patients/me/summary", *paths):
        assert portal.call("GET", path, token=token).status == 200, path
    assert portal.call("GET", f"/v1/patients/{large.patient.patient_id}/summary", token=token).status == 404
    for path in ("/v1/sessions/others", "/v1/sessions/current"):
        assert portal.call("DELETE", path, token=token).status == 204


def _large(resource_id: str) -> dict[str, Any]:
    import random

    data = random.Random(3).randbytes(400_000).hex()
    return condition(f"Patient/{resource_id}", note=[{"text": data}])


def _late_and_large(portal: Portal) -> None:
    """A record that refers to what arrives later, one whose large content lies in S3."""
    patient = portal.new_patient()
    late = f"late-{uuid.uuid4().hex[:8]}"
    subject = f"Patient/{patient.resource_id}"
    for extra in ({}, _note("large")):
        waits = condition(subject, recorder={"reference": f"Practitioner/{late}"}, **extra)
        assert portal.import_fhir(waits).json["created"] == 1
    assert portal.import_fhir(_crowded(subject, late)).json["created"] == 1
    practitioner = {"resourceType": "Practitioner", "id": late, "name": [{"family": "Late"}]}
    assert portal.import_fhir(practitioner).json["created"] == 1


def _crowded(subject: str, late: str) -> dict[str, Any]:
    """A report that waits for more people than one transaction has room for."""
    names = [late, *(f"{late}-{place}" for place in range(150))]
    return {
        "resourceType": "DiagnosticReport",
        "id": f"crowded-{late}",
        "status": "final",
        "code": {"text": "Second opinions"},
        "subject": {"reference": subject},
        "performer": [{"reference": f"Practitioner/{name}"} for name in names],
    }


def _note(seed: str) -> dict[str, Any]:
    import random

    return {"note": [{"text": random.Random(seed).randbytes(400_000).hex()}]}


def _move(portal: Portal) -> None:
    """A patient whose identifier changes, and a record that turns out to be another patient's."""
    one, other = portal.new_patient(), portal.new_patient()
    changed = {"resourceType": "Patient", "id": one.resource_id, "name": [{"family": "Moved"}]}
    assert portal.import_fhir(changed).json["updated"] == 1
    record = condition(f"Patient/{one.resource_id}")
    assert portal.import_fhir(record).json["created"] == 1
    assert portal.import_fhir({**record, "subject": {"reference": f"Patient/{other.resource_id}"}}).status == 200


def _wrong(portal: Portal) -> None:
    patient = portal.new_patient()
    portal.issue_code(patient)
    assert portal.start_registration(patient, "ZZZZ-ZZZZ-ZZZZ").status == 422


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
    assert {action for action, resource in allowed if resource.startswith("AuditTableArn")} <= {"dynamodb:PutItem"}


def test_every_client_that_the_portal_makes_is_recorded() -> None:
    made = {
        name
        for source in chalicelib()
        for name in ("s3", "secretsmanager", "sesv2", "sqs", "sns", "kms", "ses", "lambda", "events", "dynamodb")
        if f'client("{name}")' in source.text
    }
    assert made == set(SERVICES)


def test_the_gateway_keeps_no_url(portal: Portal) -> None:
    """AC 4: its trace segments and its logs would hold raw paths, and with them the tokens of links."""
    stage = yaml.safe_load((ROOT / "infra" / "app.yaml").read_text(encoding="utf-8"))["Resources"]["RestAPI"][
        "Properties"
    ]
    assert stage["TracingEnabled"] is False
    assert set(stage) & {"AccessLogSetting", "MethodSettings"} == set()

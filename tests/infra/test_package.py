"""What runs here deploys: the package is built with no network, and works with nothing but what is in it."""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from chalicelib import errors, settings
from chalicelib.handlers import problems
from infra.build import package
from tests.architecture.sources import chalicelib

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("health_of_the_zip.py")

pytestmark = [
    pytest.mark.package,
    pytest.mark.skipif(not (ROOT / "app.py").exists(), reason="there is no app.py yet"),
    pytest.mark.skipif(not package.WHEELHOUSE.is_dir(), reason="needs the wheels that `make test` downloads once"),
]
on_lambdas_platform = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the package holds Linux x86_64 wheels"
)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    package.build("prod", folder)
    return folder


@pytest.fixture(scope="module")
def template(packaged: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((packaged / "sam.yaml").read_text(encoding="utf-8"))
    return loaded


def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert set(found) >= {"APIHandler", "RelayOutbox", "DeliverEmail", "RefreshReferences", "SweepOutbox"}
    return found


def statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        statement
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def references(node: object) -> Iterator[str]:
    """Every name that a Ref or Fn::Sub uses; cfn-lint does not look into the events of a SAM function."""
    if isinstance(node, list):
        yield from (name for item in node for name in references(item))
    if isinstance(node, dict):
        if isinstance(name := node.get("Ref"), str):
            yield name
        if "Fn::Sub" in node:
            yield from (name.partition(".")[0] for name in re.findall(r"\$\{([^}!]+)}", json.dumps(node["Fn::Sub"])))
        yield from (name for item in node.values() for name in references(item))


@on_lambdas_platform
def test_the_unpacked_zip_alone_answers_for_its_health(packaged: Path, tmp_path: Path) -> None:
    unpacked, empty = tmp_path / "task", tmp_path / "empty"
    empty.mkdir()
    with ZipFile(packaged / "deployment.zip") as archive:
        archive.extractall(unpacked)
    # Isolated (-I) and without site (-S), so nothing of this environment is importable; and no variable is set.
    command = [sys.executable, "-I", "-S", "-B", str(SCRIPT), str(unpacked)]
    done = subprocess.run(command, cwd=empty, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["status"] == 200
    assert answer["foreign"] == []
    assert list(empty.iterdir()) == []


def test_the_zip_holds_the_program_and_nothing_of_the_workshop(packaged: Path) -> None:
    with ZipFile(packaged / "deployment.zip") as archive:
        names = archive.namelist()
    parts = {name.split("/", 1)[0] for name in names}
    assert {"app.py", "chalicelib", "chalice"} <= parts
    assert parts & {"infra", "tests", "moto", "pytest", "flask", "pip", "setuptools", "wheels", ".chalice"} == set()
    assert [name for name in names if name.startswith("chalicelib/") and ("__pycache__" in name or "/." in name)] == []


def test_every_file_of_chalicelib_is_in_the_zip(packaged: Path) -> None:
    files = (path.relative_to(ROOT) for path in (ROOT / "chalicelib").rglob("*") if path.is_file())
    expected = {path.as_posix() for path in files if "__pycache__" not in path.parts}
    with ZipFile(packaged / "deployment.zip") as archive:
        assert expected - set(archive.namelist()) == set()


def test_the_zip_fits_into_lambda(packaged: Path) -> None:
    with ZipFile(packaged / "deployment.zip") as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    assert unpacked < 250 * 1024 * 1024


def test_no_placeholder_is_left_in_the_template(template: dict[str, Any]) -> None:
    assert "000000000000" not in json.dumps(template)


def test_every_queue_and_stream_reports_the_items_that_failed(template: dict[str, Any]) -> None:
    events = [event for function in functions(template).values() for event in function.get("Events", {}).values()]
    sources = [event["Properties"] for event in events if event["Type"] in {"SQS", "DynamoDB"}]
    assert len(sources) >= 3
    assert [source for source in sources if source.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]] == []
    streams = [event["Properties"] for event in events if event["Type"] == "DynamoDB"]
    assert all(stream["BisectBatchOnFunctionError"] and stream["DestinationConfig"] for stream in streams)


def test_the_api_answers_before_its_gateway_gives_up(template: dict[str, Any]) -> None:
    assert functions(template)["APIHandler"]["Timeout"] < 29
    assert template["Resources"]["RestAPI"]["Properties"]["EndpointConfiguration"] == "REGIONAL"


def test_what_the_gateway_answers_by_itself_is_a_problem_of_the_catalogue(template: dict[str, Any]) -> None:
    """AP 1: the same codes and statuses as the portal's own, let in where the portal's page is."""
    status_of = {kind.code: problems.status_of(kind) for kind in errors.all_errors()}
    found = [one["Properties"] for one in template["Resources"].values() if one["Type"].endswith("GatewayResponse")]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN"} <= {one["ResponseType"] for one in found}
    for one in found:
        headers = {name.rpartition(".")[2] for name in one["ResponseParameters"]}
        assert {"Access-Control-Allow-Origin", "Content-Type", "X-Request-Id"} <= headers
        for body in one["ResponseTemplates"].values():
            problem = json.loads(body["Fn::Sub"])
            assert str(problem["status"]) == one["StatusCode"]
            assert status_of[problem["code"]] == problem["status"]
            assert problem.keys() >= {"type", "title", "detail", "request_id"}


def test_every_function_is_traced_and_has_memory_a_role_and_a_log_group_of_its_own(template: dict[str, Any]) -> None:
    found = functions(template).values()
    assert all(function["Tracing"] == "Active" and function["MemorySize"] >= 1024 for function in found)
    assert len({json.dumps(function["Role"]) for function in found}) == len(found)
    groups = {function["LoggingConfig"]["LogGroup"]["Ref"] for function in found}
    assert len(groups) == len(found)
    assert all(template["Resources"][group]["Properties"]["RetentionInDays"] for group in groups)


def test_no_role_may_do_everything_or_touch_everything(template: dict[str, Any]) -> None:
    actions = {action for statement in statements(template) for action in statement["Action"]}
    assert {action for action in actions if "*" in action} == set()
    # These actions know no resource: X-Ray's two, Textract's, and those of lists of telephone numbers and addresses.
    boundless = [statement["Sid"] for statement in statements(template) if "*" in statement.get("Resource", [])]
    assert set(boundless) <= {"Traces", "OptIn", "ForgetSuppression", "ReadsText"}


def test_who_may_text_numbers_may_publish_to_no_topic_and_no_device(template: dict[str, Any]) -> None:
    """A telephone number is no resource; AWS's own way to allow them alone is to exclude whatever is one."""
    excluding = [statement for statement in statements(template) if "NotResource" in statement]
    assert {statement["Sid"] for statement in excluding} == {"SendToNumbersOnly"}
    for statement in excluding:
        assert statement["Action"] == ["sns:Publish"]
        assert statement["NotResource"] == [{"Fn::Sub": "arn:${AWS::Partition}:sns:*:*:*"}]


def test_audit_entries_cannot_be_changed_by_any_role(template: dict[str, Any]) -> None:
    audit = [
        statement for statement in statements(template) if {"Ref": "AuditTableArn"} in statement.get("Resource", [])
    ]
    allowed = {action for statement in audit for action in statement["Action"]}
    assert allowed
    reads = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"}
    assert allowed <= {"dynamodb:PutItem"} | reads


def test_nothing_may_take_a_seal_or_a_locked_head_away(template: dict[str, Any]) -> None:
    of_seals = [one for one in statements(template) if "SealsTableArn" in json.dumps(one.get("Resource"))]
    of_heads = [one for one in statements(template) if "SealsBucketArn" in json.dumps(one.get("Resource"))]
    assert {action for one in of_seals for action in one["Action"]} == {
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
    }
    assert [one["Action"] for one in of_heads] == [["s3:PutObject"]]


def test_an_alarm_rings_where_an_entry_waits_for_its_seal_for_over_a_minute(template: dict[str, Any]) -> None:
    (lag,) = [one for one in _alarms(template, "AWS/Lambda").values() if one["MetricName"] == "IteratorAge"]
    name = functions(template)["SealAudit"]["FunctionName"]
    assert lag["Dimensions"] == [{"Name": "FunctionName", "Value": name}]
    assert (lag["Threshold"], lag["Period"], lag["EvaluationPeriods"], lag["Statistic"]) == (60_000, 60, 1, "Maximum")
    assert lag["ComparisonOperator"] == "GreaterThanThreshold"
    source = functions(template)["SealAudit"]["Events"]["SealAuditDynamodbEventSource"]["Properties"]
    assert source["MaximumBatchingWindowInSeconds"] <= 10


def test_every_reference_names_something_of_the_template_and_every_parameter_is_used(template: dict[str, Any]) -> None:
    known = set(template["Parameters"]) | set(template["Resources"])
    used = set(references(template))
    assert {name for name in used - known if not name.startswith("AWS::")} == {
        "RestAPIId"
    }  # A variable of its Fn::Sub.
    assert set(template["Parameters"]) - used == set()


def test_every_parameter_without_a_default_is_an_output_of_the_data_stack(template: dict[str, Any]) -> None:
    data = yaml.safe_load((ROOT / "infra" / "data.yaml").read_text(encoding="utf-8"))
    asked = {name for name, parameter in template["Parameters"].items() if "Default" not in parameter}
    assert asked
    assert asked - set(data["Outputs"]) == set()


class _Asked(dict[str, str]):
    """An environment that notes what is looked up in it."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


# Only the local portal is its own S3 and its own SNS.
_LOCAL_ONLY = {"S3_PUBLIC_ENDPOINT", "SNS_SIGNING_CERTIFICATE"}

# Where its Python finds its libraries is for Lambda to say.
_LAMBDAS_OWN = {"LD_LIBRARY_PATH"}


def test_the_functions_are_given_every_variable_that_settings_reads_and_no_other(template: dict[str, Any]) -> None:
    given = set(template["Globals"]["Function"]["Environment"]["Variables"]) | {"STAGE"}
    asked = _Asked({})
    settings.read(asked)
    assert (given - asked.names, asked.names - given) == (set(), _LOCAL_ONLY | _LAMBDAS_OWN)


def test_the_parameters_defaults_are_settings_that_can_be_read(template: dict[str, Any]) -> None:
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    defaults = {name: rule.get("Default", "given") for name, rule in template["Parameters"].items()}
    read = settings.read({name: str(defaults[value["Ref"]]) for name, value in variables.items()})
    assert read.push_applications == {}
    assert (read.email_configuration_set, read.sms_origination, read.sms_configuration_set) == ("given", None, None)
    assert {read.queue_url(topic) for topic in ("notices", "email", "sms", "push", "events", "webhooks")} == {"given"}
    assert read.security_contact.startswith("mailto:")


def _alarms(template: dict[str, Any], namespace: str) -> dict[str, dict[str, Any]]:
    found = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert all(alarm["AlarmActions"] == [{"Ref": "AlarmsTopicArn"}] for alarm in found)
    names = [json.dumps(alarm["AlarmName"]) for alarm in found]
    assert len(set(names)) == len(names)
    return {json.dumps(alarm["AlarmName"]): alarm for alarm in found if alarm["Namespace"] == namespace}


def test_an_alarm_watches_the_errors_of_every_function_and_of_the_api(template: dict[str, Any]) -> None:
    alarms = _alarms(template, "AWS/Lambda").values()
    watched = [alarm["Dimensions"] for alarm in alarms if alarm["MetricName"] == "Errors"]
    names = [function["FunctionName"] for function in functions(template).values()]
    key = json.dumps
    assert sorted(watched, key=key) == sorted([[{"Name": "FunctionName", "Value": name}] for name in names], key=key)
    (api,) = _alarms(template, "AWS/ApiGateway").values()
    gateway = template["Resources"]["RestAPI"]["Properties"]
    assert {one["Name"]: one["Value"] for one in api["Dimensions"]} == {
        "ApiName": gateway["DefinitionBody"]["info"]["title"],
        "Stage": gateway["StageName"],
    }


def test_an_alarm_watches_every_metric_of_the_portal_that_means_trouble(template: dict[str, Any]) -> None:
    watched = {alarm["MetricName"] for alarm in _alarms(template, "portal").values()}
    counted = {name for source in chalicelib() for name in re.findall(r'observability\.count\("(\w+)"', source.text)}
    counted |= {"Faults"}  # Counted by observability itself.
    assert {name for name in counted if not name.endswith(_FINE)} == watched
    for alarm in _alarms(template, "portal").values():
        assert alarm["Dimensions"] == [{"Name": "service", "Value": "portal"}]


_FINE = ("Sent", "Taken", "Delivered")
"""How the names of metrics end that count what went well."""


@pytest.mark.slow
def test_the_template_is_valid_cloudformation(packaged: Path) -> None:
    lint = [sys.executable, "-c", "import sys; from cfnlint.runner import main; sys.exit(main())"]
    done = subprocess.run(
        [*lint, "--regions", "us-east-1", "--", packaged / "sam.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout

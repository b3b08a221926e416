"""What is logged and counted, as CloudWatch gets it."""

import io
import json
import logging
from typing import Any

import pytest

from chalicelib import observability
from infra.local.lambda_proxy import LambdaContext
from tests.support.aws_calls import failing, unreachable
from tests.support.portal import Portal


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The lines of the portal's logger."""
    stream = io.StringIO()
    handler = observability.logger().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    monkeypatch.setattr(handler, "stream", stream)
    return stream


def _metrics(out: str) -> list[dict[str, Any]]:
    """The lines in the embedded metric format."""
    return [json.loads(line) for line in out.splitlines() if line.startswith('{"_aws"')]


def test_a_metric_is_one_line_in_the_embedded_format_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    observability.count("Anything", 3)
    (line,) = _metrics(capsys.readouterr().out)
    (declared,) = line["_aws"]["CloudWatchMetrics"]
    assert declared == {
        "Namespace": "portal",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "Anything", "Unit": "Count"}],
    }
    assert (line["Anything"], line["service"]) == ([3.0], "portal")
    assert line["_aws"]["Timestamp"] > 1_600_000_000_000


def test_the_api_counts_what_fails(portal: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    person = portal.register()
    capsys.readouterr()
    with failing(lambda call: call.service == "dynamodb", unreachable()):
        assert person.get("/v1/me").status == 503
    names = [
        metric["Name"]
        for line in _metrics(capsys.readouterr().out)
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    ]
    assert sorted(names) == ["Faults", "StorageUnavailable"]


def test_an_event_function_counts_what_fails(portal: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    event = {"Records": [{"messageId": "m", "body": "no JSON"}]}
    assert portal.app.deliver_email(event, LambdaContext("deliver_email"))["batchItemFailures"]
    assert [line["Faults"] for line in _metrics(capsys.readouterr().out)] == [[1.0]]


def test_a_line_has_its_event_its_request_and_allowed_fields_only(lines: io.StringIO) -> None:
    observability.set_request_id("req-1")
    observability.event("something.happened", count=2, route="/v1/me")
    line = json.loads(lines.getvalue())
    assert (line["message"], line["request_id"], line["count"], line["route"]) == (
        "something.happened",
        "req-1",
        2,
        "/v1/me",
    )
    assert set(line) == {"level", "location", "message", "timestamp", "service", "request_id", "count", "route"}


def test_a_field_that_is_not_on_the_list_is_a_bug() -> None:
    with pytest.raises(KeyError, match="allow-list"):
        observability.event("something.happened", first_name="Ingrid")
    with pytest.raises(KeyError, match="allow-list"):
        observability.fault("something.failed", ValueError(), token="x")


def test_a_fault_names_its_kind_and_place_and_never_its_words(lines: io.StringIO) -> None:
    from chalicelib import clock

    try:
        clock.read_stamp("Ingrid Solberg")
    except ValueError as wrong:
        observability.fault("something.failed", wrong)
    line = json.loads(lines.getvalue())
    assert line["error_kind"] == "ValueError"
    assert line["place"].startswith("chalicelib.clock:")
    assert "Ingrid" not in lines.getvalue()
    assert "exception" not in line


def test_libraries_that_log_requests_stay_silent_whatever_the_level_of_the_function() -> None:
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        names = ("botocore.parsers", "botocore.endpoint", "pynamodb.connection.base", "urllib3.connectionpool")
        assert [name for name in names if logging.getLogger(name).isEnabledFor(logging.WARNING)] == []
    finally:
        root.setLevel(before)

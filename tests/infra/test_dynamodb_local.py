"""Starting and stopping Amazon's own engine, and a portal whose tables live there."""

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.build.needed import Unavailable
from infra.local.aws import EmbeddedAws
from infra.local.dynamodb_local import JAR, PACKAGE, DynamoDBLocal, find_jar, find_java, main

needs_engine = pytest.mark.skipif(
    os.environ.get("RUN_DYNAMODB_LOCAL") != "1",
    reason="RUN_DYNAMODB_LOCAL=1 runs this on DynamoDB Local (a Java 17 JDK and npm)",
)


@pytest.fixture
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)


@pytest.mark.usefixtures("_bare_machine")
def test_a_machine_without_java_is_told_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unavailable, match="Java 17 JDK"):
        find_java()
    assert main(["true"]) == os.EX_UNAVAILABLE
    assert "Java 17 JDK" in capsys.readouterr().err


@pytest.mark.usefixtures("_bare_machine")
def test_where_asked_a_missing_engine_is_a_line_and_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--if-available", "false"]) == 0
    assert capsys.readouterr().err.startswith("Skipped: ")


def test_an_old_java_is_refused_by_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Unavailable, match=r"11\.0\.2"):
        find_java()


@pytest.mark.usefixtures("_bare_machine")
def test_a_machine_without_npm_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"nodejs\.org"):
        find_jar(tmp_path / "cache")


def test_a_jar_that_is_not_the_pinned_one_is_not_run(tmp_path: Path) -> None:
    jar = tmp_path / "node_modules" / PACKAGE / "lib" / "any" / JAR
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"something else")
    with pytest.raises(Unavailable, match="delete the folder"):
        find_jar(tmp_path)


def _portal(engine: DynamoDBLocal, data: Path) -> EmbeddedAws:
    return EmbeddedAws(dynamodb_endpoint=engine.endpoint, data_folder=data)


@needs_engine
@pytest.mark.dynamodb_local
def test_tables_objects_and_root_key_survive_a_restart_of_portal_and_engine(tmp_path: Path) -> None:
    tables, data = tmp_path / "tables", tmp_path / "data"
    row = {"pk": {"S": "kept"}, "sk": {"S": "kept"}}
    with DynamoDBLocal(folder=tables) as engine, _portal(engine, data) as aws:
        before = dict(aws.deployed.outputs)
        secret = aws.client("secretsmanager").get_secret_value(SecretId="portal-local-root-key")["SecretString"]
        aws.client("dynamodb").put_item(TableName="portal-local-audit", Item=row)
    with DynamoDBLocal(folder=tables) as engine, _portal(engine, data) as aws:
        after = dict(aws.deployed.outputs)
        assert aws.client("dynamodb").scan(TableName="portal-local-audit")["Items"] == [row]
        assert aws.client("secretsmanager").get_secret_value(SecretId="portal-local-root-key")["SecretString"] == secret
    # The stream goes on, too, so that the pump can.
    assert after["OutboxStreamArn"] == before["OutboxStreamArn"]


@needs_engine
@pytest.mark.dynamodb_local
def test_the_engine_answers_on_loopback_only_and_a_taken_port_is_named() -> None:
    with DynamoDBLocal() as engine:
        port = urlsplit(engine.endpoint).port
        assert port is not None
        listening = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout
        (line,) = [line for line in listening.splitlines() if line.split()[3].endswith(f":{port}")]
        assert "127.0.0.1" in line.split()[3]
        with pytest.raises(Unavailable, match=f"Port {port} is taken"):
            DynamoDBLocal(port=port).start()


_PARENT = """
import time
from infra.local.dynamodb_local import DynamoDBLocal
print(DynamoDBLocal().start(), flush=True)
time.sleep(60)
"""


@needs_engine
@pytest.mark.dynamodb_local
def test_the_engine_ends_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        endpoint = parent.stdout.readline().strip()
        assert _answers(endpoint)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _answers(endpoint) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _answers(endpoint)


def _answers(endpoint: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


@needs_engine
@pytest.mark.dynamodb_local
def test_a_command_runs_with_the_engines_endpoint_and_its_status_is_passed_on() -> None:
    script = "import os, sys; sys.exit(7 if os.environ['DYNAMODB_ENDPOINT'].startswith('http://127.0.0.1:') else 1)"
    assert main([sys.executable, "-c", script]) == 7

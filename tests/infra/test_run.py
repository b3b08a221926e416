import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

_PROJECT = Path(__file__).resolve().parents[2]
_READY = re.compile(r"ready http://127\.0\.0\.1:(\d+) console http://127\.0\.0\.1:(\d+)\n")


@contextmanager
def _run(port: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "infra.local.run"]
    env = {**os.environ, "PORT": port}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=_PROJECT, env=env, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _refusal(port: str) -> tuple[int, str]:
    with _run(port) as process:
        _, errors = process.communicate(timeout=20)
        return process.returncode, errors


def test_a_run_serves_portal_and_console_says_so_on_one_line_and_stops_when_asked() -> None:
    with _run("0") as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("ready"):
                break
        ready = _READY.fullmatch(lines[-1])
        assert ready is not None, (lines, process.communicate())
        portal, console = int(ready[1]), int(ready[2])
        assert console == portal + 1
        assert _get(f"http://127.0.0.1:{portal}/v1/health")
        patients = _get(f"http://127.0.0.1:{console}/sample.json")["patients"]
        assert len(patients) >= 6
        process.send_signal(signal.SIGTERM)
        # Half a second where nothing else runs; a busy machine may take several.
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("offset", [0, -1], ids=["the portal's", "the console's"])
def test_a_port_in_use_is_named_with_a_way_out(offset: int) -> None:
    with closing(_beside_a_free_port(offset)) as taken:
        port = taken.getsockname()[1]
        status, errors = _refusal(str(port + offset))
    assert status == 1
    assert f"port {port} of 127.0.0.1" in errors
    assert "make run PORT=" in errors
    assert "Traceback" not in errors


def _beside_a_free_port(offset: int) -> socket.socket:
    """Listens on a port, so that the one at the offset is nobody's: on a busy machine it may be another test's."""
    while True:
        taken = socket.create_server(("127.0.0.1", 0))
        try:
            if offset:
                socket.create_server(("127.0.0.1", taken.getsockname()[1] + offset)).close()
        except OSError:
            taken.close()
        else:
            return taken


@pytest.mark.parametrize("port", ["web", "65535", "-1"])
def test_a_port_that_is_none_is_refused_in_words(port: str) -> None:
    status, errors = _refusal(port)
    assert (status, "Traceback" in errors) == (1, False)
    assert f"not '{port}'" in errors

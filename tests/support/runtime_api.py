"""Lambda's Runtime API on loopback, and functions of the unpacked package behind it: each a process, as in Lambda.

A process has the package, the standard library and Lambda's own runtime client, and can import nothing else.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SECONDS = 60.0
"""How long a function may take, its start included."""

_RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
_BOOTSTRAP = "import sys; sys.path[:0] = sys.argv[1:3]; from awslambdaric.__main__ import main; main(sys.argv[2:4])"


class FunctionFailed(Exception):
    """A function answered with an error, or not in time; the message is what the runtime client told of it."""


class Functions:
    """The functions of an unpacked package, by their handlers; a context manager that ends their processes.

    Args:
        task: The folder of the unpacked package.
        runtime: An empty folder, for the runtime client.
        variables: The environment that every function gets.
    """

    def __init__(self, task: Path, runtime: Path, variables: Mapping[str, str]) -> None:
        self._task, self._runtime, self._variables = task, runtime, variables
        self._running: dict[str, _Function] = {}
        self._ends = ExitStack()
        for package in _RUNTIME:
            _copy(package, runtime)

    def invoke(self, handler: str, event: Mapping[str, Any]) -> Any:
        """What the function of a handler, such as `app.build_exports`, answers. Raises FunctionFailed."""
        if handler not in self._running:
            function = _Function(handler, (self._task, self._runtime), self._variables)
            self._running[handler] = self._ends.enter_context(function)
        return self._running[handler].invoke(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ends.close()


def _copy(package: str, folder: Path) -> None:
    for file in files(package) or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), target)


class _Function:
    """A process of one function, and the server that it asks for its events."""

    def __init__(self, handler: str, folders: tuple[Path, Path], variables: Mapping[str, str]) -> None:
        self._name = handler.rpartition(".")[2]
        self._server = _Server(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        environment = {
            **variables,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": self._name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
            "LAMBDA_TASK_ROOT": str(folders[0]),
        }
        # Isolated (-I) and without site (-S): nothing of this environment can be imported.
        command = [sys.executable, "-I", "-S", "-B", "-c", _BOOTSTRAP, *map(str, folders), handler]
        self._process = subprocess.Popen(command, cwd=folders[0], env=environment, stdout=subprocess.DEVNULL)

    def invoke(self, event: Mapping[str, Any]) -> Any:
        self._server.events.put(json.dumps(event).encode())
        try:
            is_answer, body = self._server.answers.get(timeout=SECONDS)
        except queue.Empty:
            raise FunctionFailed(f"{self._name} did not answer; its process: {self._process.poll()}") from None
        if not is_answer:
            raise FunctionFailed(f"{self._name}: {body.decode()}")
        return json.loads(body)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.events: queue.Queue[bytes] = queue.Queue()
        self.answers: queue.Queue[tuple[bool, bytes]] = queue.Queue()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """The next event, as soon as there is one."""
        event = self.server.events.get()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4()))
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + SECONDS) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:x")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self) -> None:
        """An answer, or an error."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.answers.put((self.path.endswith("/response"), body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

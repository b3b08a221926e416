"""The embedded AWS as a process of its own, on loopback: what ends the portal's process does not end its database.

`python -m infra.local.aws_server` prints `ready http://127.0.0.1:PORT` once it serves, until SIGINT or SIGTERM.
A portal in another process attaches to it by remote_aws.RemoteAws, or by the variables of /_portal/environment.json.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from types import FrameType, MappingProxyType, TracebackType
from typing import Any, NoReturn, Self
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.sqs.models import sqs_backends
from werkzeug.serving import ThreadedWSGIServer

from infra.local.aws import ACCESS_KEY, REGION, SECRET_KEY, EmbeddedAws

CONTROL = "/_portal/"
"""Where the server answers for itself; no bucket may have an underscore in its name."""

BACKLOG = 1024
"""Connections that may wait to be accepted; the usual 128 loses some of a burst."""

_SQS_HERE = f"https://sqs.{REGION}.amazonaws.com"

Answer = tuple[HTTPStatus, Any]


class AwsServer:
    """Serves the started AWS of this process on a loopback port, until closed; a context manager.

    Raises SystemExit, with a word on stderr, where the port is taken.
    """

    def __init__(self, aws: EmbeddedAws, port: int = 0) -> None:
        self._server = _Server("127.0.0.1", port, _Front(aws, self), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="aws-server", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The endpoint of every service, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Server(ThreadedWSGIServer):
    request_queue_size = BACKLOG


class _Handler(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Says nothing: paths name buckets and objects, and queries sign them."""


class _Services(DomainDispatcherApplication):
    """moto's server application, which finds a request's service by listing its own folder each time."""

    def __init__(self, create_app: Callable[[Any], Flask]) -> None:
        super().__init__(create_app)
        self._found: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """The name of moto's backend for a host, None for none."""
        if host not in self._found:
            self._found[host] = super().get_backend_for_host(host)
        return self._found[host]


class _Front:
    """moto's own server application for every service, and the server's own few answers beside it."""

    def __init__(self, aws: EmbeddedAws, server: AwsServer) -> None:
        self._aws, self._server = aws, server
        self._services: WSGIApplication = _Services(create_backend_app)
        self._answers: Mapping[tuple[str, str], Callable[[], Any]] = MappingProxyType(
            {
                ("GET", "environment.json"): self._environment,
                ("GET", "deployed.json"): self._deployed,
                ("GET", "outbox.json"): self._outbox,
                ("POST", "wipe"): aws.wipe,
                ("POST", "end-visibility-timeouts"): self._end_visibility_timeouts,
            }
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if not path.startswith(CONTROL):
            return self._services(environ, start_response)
        status, found = self._answer(environ["REQUEST_METHOD"], path.removeprefix(CONTROL))
        body = json.dumps(found).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    def _answer(self, method: str, name: str) -> Answer:
        answer = self._answers.get((method, name))
        return (HTTPStatus.NOT_FOUND, None) if answer is None else (HTTPStatus.OK, answer())

    def _environment(self) -> dict[str, str]:
        endpoints = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS")
        return {
            **dict.fromkeys(endpoints, self._server.url),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            **self._reachable(self._aws.variables),
        }

    def _deployed(self) -> dict[str, Any]:
        deployed = self._aws.deployed
        resources = {
            name: {
                "type": made.type,
                "name": made.name,
                "ref": self._reachable({"ref": made.ref})["ref"],
                "attributes": self._reachable(made.attributes),
            }
            for name, made in deployed.resources.items()
        }
        return {"stack": deployed.stack, "resources": resources, "outputs": self._reachable(deployed.outputs)}

    def _reachable(self, texts: Mapping[str, str]) -> dict[str, str]:
        """A queue's URL was made in this process, and names a host that only this process answers for."""
        return {name: text.replace(_SQS_HERE, self._server.url) for name, text in texts.items()}

    def _outbox(self) -> dict[str, list[dict[str, Any]]]:
        return {
            "emails": [asdict(sent) for sent in self._aws.sent_emails()],
            "sms": [asdict(sent) for sent in self._aws.sent_sms()],
            "pushes": [asdict(sent) for sent in self._aws.sent_pushes()],
        }

    def _end_visibility_timeouts(self) -> int:
        """Has what a worker took and never gave back come back now, and answers how many messages did."""
        backend, ended = sqs_backends[DEFAULT_ACCOUNT_ID][REGION], 0
        for made in self._aws.deployed.of_type("AWS::SQS::Queue"):
            queue = backend.get_queue(made.name)
            for message in queue._messages:
                if not message.visible:
                    message.change_visibility(0)
                    queue._pending_messages.discard(message)
                    ended += 1
        return ended


def main() -> int:
    """Serve until SIGINT or SIGTERM; the exit status."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    parser = argparse.ArgumentParser(prog="python -m infra.local.aws_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, for a free one")
    port: int = parser.parse_args().port
    try:
        with EmbeddedAws() as aws, AwsServer(aws, port) as server:
            print(f"ready {server.url}", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # One is enough: a second must not break what the first one cleans up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

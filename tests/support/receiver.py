"""A clinic's system on loopback: takes webhooks, and checks their signatures by the words of the specification.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, "Signature scheme" and
"Verifying signatures". Nothing of the portal is used for it.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler
from typing import Any, ClassVar

TOLERANCE_SECONDS = 300


@dataclass(frozen=True)
class Received:
    """One request: header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def event_id(self) -> str:
        event_id: str = self.event["event_id"]
        return event_id

    def is_signed_with(self, secret: str, *, now: float | None = None) -> bool:
        """Whether one of the signatures is of this secret, and of a time near `now` where that is asked for."""
        message_id, timestamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        assert "." not in message_id + timestamp
        prefix, _, encoded = secret.partition("_")
        assert prefix == "whsec"
        signed = b".".join((message_id.encode(), timestamp.encode(), self.body))
        expected = hmac.new(base64.b64decode(encoded, validate=True), signed, hashlib.sha256).digest()
        versions = [one.split(",") for one in self.headers["webhook-signature"].split(" ")]
        is_right = any(
            version == "v1" and hmac.compare_digest(base64.b64decode(signature, validate=True), expected)
            for version, signature in versions
        )
        return is_right and (now is None or abs(now - int(timestamp)) <= TOLERANCE_SECONDS)


Answer = Callable[[StreamRequestHandler], None]
"""Writes the whole answer to the connection."""


def status(code: int, **headers: str) -> Answer:
    """An answer of this status with no body."""
    lines = [f"HTTP/1.1 {code} Whatever", "Content-Length: 0", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]

    def write(connection: StreamRequestHandler) -> None:
        connection.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    return write


@dataclass
class Receiver:
    """What came in, and what it answers: the answers that wait in `next`, then `usual`."""

    port: int = 0
    usual: Answer = field(default_factory=lambda: status(204))
    next: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events?from=portal"

    def take(self, request: Received) -> Answer:
        with self._lock:
            self.received.append(request)
            return self.next.pop(0) if self.next else self.usual


class _Handler(BaseHTTPRequestHandler):
    receiver: ClassVar[Receiver]

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        answer = self.receiver.take(Received(self.path, headers, body))
        # The portal does not wait for the end of everything.
        with suppress(OSError):
            answer(self)
        self.close_connection = True

    do_GET = do_POST = _serve  # noqa: N815  As http.server calls them.

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def receiving(wrap: Callable[[Any], Any] = lambda socket: socket) -> Iterator[Receiver]:
    """A receiver that runs; `wrap` makes another socket of the one that it listens on."""
    receiver = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        receiver.port = server.server_port
        server.socket = wrap(server.socket)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()

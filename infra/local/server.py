"""HTTP/1.1 on loopback in front of a function from request to answer: the local portal and the local console.

A thread per connection, kept alive. What cannot be read is answered once, and then the connection ends.
"""

import http
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NoReturn, Self
from urllib.parse import urlsplit

from infra.local.gateway import BODY_LIMIT
from infra.local.http_body import UnreadableError, declared_length, read_body
from infra.local.lambda_proxy import HttpRequest, HttpResponse

Handle = Callable[[HttpRequest], HttpResponse]
Refuse = Callable[[HttpRequest, int], HttpResponse]
"""From a request that cannot be read (so its body is empty) and the status that it earns to the answer."""

IDLE_SECONDS = 60.0
"""How long a connection may stay silent."""
_LINE_LIMIT = 65536
_LINGER_SECONDS = 2.0
_LINE_BREAKS = re.compile(r"[\r\n]+")
_STATUSES = frozenset(http.HTTPStatus)
_WITHOUT_BODY = frozenset({http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED})


class PortInUseError(Exception):
    """Another program listens on the port already."""


class LocalServer:
    """Serves `handle` on 127.0.0.1 in the background, from `start` to `stop`.

    Args:
        handle: Answers a request; called from many threads at once.
        refuse: Answers a request that cannot be read.
        port: 0 for a free one. It is bound by the constructor, so that the attribute `port` is true from then on.

    Raises:
        PortInUseError: Where another program listens on that port.
    """

    def __init__(self, handle: Handle, refuse: Refuse, port: int = 0) -> None:
        try:
            self._server = _Server(handle, refuse, port)
        except OSError as error:
            raise PortInUseError(f"port {port} of 127.0.0.1 cannot be used: {error.strerror}") from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="server", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Accept and read nothing more; an answer on its way may still be written."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The default backlog of 5 loses half of a burst of 200 connections.
    request_queue_size = 1024
    # Newer Pythons share ports, and a second portal would take every other connection of the first.
    allow_reuse_port = False

    def __init__(self, handle: Handle, refuse: Refuse, port: int) -> None:
        self.handle = handle
        self.refuse = refuse
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Connection)

    def server_bind(self) -> None:
        # HTTPServer's own would look the address up in DNS.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that went away is no news, and `handle` answers for its own failures."""

    def hang_up(self) -> None:
        """Read nothing more from any connection."""
        for connection in tuple(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def handle_one_request(self) -> None:
        """Read one request and answer it."""
        self.command, self.path, self.headers = "GET", "/", Message()
        self._wants_100 = False
        try:
            if self._read_head():
                self._send(self.server.handle(self._request(self._read_body())))
        except UnreadableError as unreadable:
            self._refuse(unreadable.status)
        except OSError:
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        """Wait with the interim answer until the body is wanted."""
        self._wants_100 = True
        return True

    def send_error(self, code: int, *_words: str | None) -> NoReturn:
        """Take over where the base class found the head unreadable."""
        raise UnreadableError(code)

    def log_message(self, format: str, *args: object) -> None:
        """Write no access log: a path may carry what belongs in no log."""

    def _read_head(self) -> bool:
        self.raw_requestline = self.rfile.readline(_LINE_LIMIT + 1)
        if len(self.raw_requestline) > _LINE_LIMIT:
            raise UnreadableError(http.HTTPStatus.REQUEST_URI_TOO_LONG)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return False
        # The parser leaves out what follows a line that is no header, and a smuggled request may hide there.
        whole = not self.headers.defects and (self.request_version == "HTTP/1.0" or "Host" in self.headers)
        if not whole or not self.path.isascii():
            raise UnreadableError(http.HTTPStatus.BAD_REQUEST)
        return True

    def _read_body(self) -> bytes:
        length = declared_length(self.headers)
        if length == 0:
            return b""
        if self._wants_100 and (length is None or length <= BODY_LIMIT):
            self.wfile.write(_head(http.HTTPStatus.CONTINUE, ()))
        return read_body(self.rfile, length, BODY_LIMIT)

    def _request(self, body: bytes) -> HttpRequest:
        target = urlsplit(self.path) if self.path.startswith("http://") else None
        path, _, query = self.path.partition("?")
        return HttpRequest(
            method=self.command,
            path=(target.path or "/") if target else path,
            query_string=target.query if target else query,
            headers=tuple(self.headers.items()),
            body=body,
            # The connection's, never a header's: whoever calls could write any address there.
            source_ip=self.client_address[0],
        )

    def _send(self, answer: HttpResponse) -> None:
        has_body = answer.status not in _WITHOUT_BODY
        headers = [header for header in answer.headers if header[0].lower() != "content-length"]
        headers.append(("Date", self.date_time_string()))
        if has_body:
            headers.append(("Content-Length", str(len(answer.body))))
        if self.close_connection:
            headers.append(("Connection", "close"))
        # One write, so that head and body leave in one packet where they fit.
        body = answer.body if has_body and self.command != "HEAD" else b""
        self.wfile.write(_head(answer.status, headers) + body)

    def _refuse(self, status: int) -> None:
        """Answer, then let the client finish for a while: closing on unread bytes would reset the answer away."""
        self.close_connection = True
        with suppress(OSError):
            self._send(self.server.refuse(self._request(b""), status))
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_SECONDS)
            end = time.monotonic() + _LINGER_SECONDS
            while self.connection.recv(65536) and time.monotonic() < end:
                pass


def _head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    reason = http.HTTPStatus(status).phrase if status in _STATUSES else ""
    # A line break in a value would start a header, or a body, of somebody else's making.
    lines = [f"{name}: {_LINE_BREAKS.sub(' ', value)}" for name, value in headers]
    return "\r\n".join([f"HTTP/1.1 {status} {reason}", *lines, "", ""]).encode("latin-1", errors="replace")

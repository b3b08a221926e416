import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from infra.local.gateway import BODY_LIMIT, HttpRequest, HttpResponse
from infra.local.server import LocalServer, PortInUseError

_CROWD = 200
_TYPE = ("Content-Type", "application/json")


class _Site:
    """What stands behind the server in these tests: tells what arrived, and can hold a crowd until it is complete."""

    def __init__(self) -> None:
        self.crowd = threading.Barrier(_CROWD)

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/crowd":
            self.crowd.wait(timeout=15)
        if request.path == "/nothing":
            return HttpResponse(204)
        if request.path == "/split":
            return HttpResponse(200, [_TYPE, ("X-Name", "a\r\nX-Evil: 1")], b"{}")
        arrived = {
            "method": request.method,
            "path": request.path,
            "query": request.query_string,
            "source_ip": request.source_ip,
            "length": len(request.body),
            "start": request.body[:20].decode(),
        }
        return HttpResponse(200, [_TYPE], json.dumps(arrived).encode())

    def refuse(self, _request: HttpRequest, status: int) -> HttpResponse:
        return HttpResponse(
            status, [("Content-Type", "application/problem+json")], json.dumps({"status": status}).encode()
        )


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    site = _Site()
    with LocalServer(site.handle, site.refuse) as running:
        yield running


@pytest.fixture
def connection(server: LocalServer) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as opened:
        yield opened


@pytest.fixture
def say(server: LocalServer) -> Iterator[Callable[[bytes], bytes]]:
    """Send raw bytes on one connection and read on until it ends."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as opened:

        def exchange(sent: bytes) -> bytes:
            opened.sendall(sent)
            received = b""
            while part := opened.recv(65536):
                received += part
            return received

        yield exchange


def _arrived(connection: http.client.HTTPConnection) -> dict[str, object]:
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    found: dict[str, object] = json.loads(body)
    return found


def test_200_connections_are_served_at_once(server: LocalServer) -> None:
    def visit(_visitor: int) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as opened:
            opened.request("GET", "/crowd")
            return opened.getresponse().status

    # Nobody is answered before all 200 are in, so one lost connection would leave none with a 200.
    with ThreadPoolExecutor(_CROWD) as pool:
        assert list(pool.map(visit, range(_CROWD))) == [200] * _CROWD


def test_a_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/one?a=1&b=%20", body=b"first")
    first_socket = connection.sock
    assert _arrived(connection) == {
        "method": "POST",
        "path": "/one",
        "query": "a=1&b=%20",
        "source_ip": "127.0.0.1",
        "length": 5,
        "start": "first",
    }
    connection.request("GET", "/two")
    assert _arrived(connection)["path"] == "/two"
    assert connection.sock is first_socket


def test_requests_sent_ahead_are_answered_in_order(say: Callable[[bytes], bytes]) -> None:
    answers = say(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.index(b"/first") < answers.index(b"/second")


def test_a_chunked_body_is_decoded(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/", body=iter([b"hello ", b"x" * 100_000]), encode_chunked=True)
    arrived = _arrived(connection)
    assert (arrived["length"], arrived["start"]) == (100_006, "hello " + "x" * 14)
    connection.request("GET", "/after")
    assert _arrived(connection)["path"] == "/after"


def test_chunk_extensions_and_trailers_are_read_over(say: Callable[[bytes], bytes]) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b'"length": 3' in say(head + b"3;name=value\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n")


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(server: LocalServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as opened:
        opened.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert opened.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        opened.sendall(b"ok")
        assert opened.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_announces_too_much_is_refused_before_it_sends(say: Callable[[bytes], bytes]) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
    assert say(head % (BODY_LIMIT + 1)).startswith(b"HTTP/1.1 413 ")


def test_a_body_over_the_limit_is_refused_although_it_is_still_being_sent(
    connection: http.client.HTTPConnection,
) -> None:
    connection.request("POST", "/", body=b"x" * (BODY_LIMIT + 1))
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (413, "close")
    assert json.loads(answer.read()) == {"status": 413}


def test_chunks_over_the_limit_are_refused_without_an_end(server: LocalServer) -> None:
    megabyte = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as opened:
        opened.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + megabyte * 11)
        assert opened.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_at_the_limit_arrives_whole(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/", body=b"x" * BODY_LIMIT)
    assert _arrived(connection)["length"] == BODY_LIMIT


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon here\r\nX: 1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_a_request_that_breaks_http_is_a_problem_and_the_end_of_the_connection(
    say: Callable[[bytes], bytes], sent: bytes
) -> None:
    answer = say(sent)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close\r\n" in answer
    assert answer.endswith(b'{"status": 400}')


def test_a_request_line_or_a_head_without_end_is_refused(server: LocalServer) -> None:
    for sent, status in ((b"GET /" + b"a" * 70_000, b"414"), (b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 200, b"431")):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as opened:
            opened.sendall(sent + b"\r\n\r\n")
            assert opened.recv(65536).startswith(b"HTTP/1.1 " + status)


def test_the_source_address_is_the_sockets_whatever_a_header_says(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/", headers={"X-Forwarded-For": "203.0.113.9"})
    assert _arrived(connection)["source_ip"] == "127.0.0.1"


def test_answers_to_head_and_204_carry_no_body(connection: http.client.HTTPConnection) -> None:
    connection.request("HEAD", "/")
    head = connection.getresponse()
    assert (head.read(), int(head.headers["Content-Length"]) > 0) == (b"", True)
    connection.request("DELETE", "/nothing")
    nothing = connection.getresponse()
    assert (nothing.status, nothing.read(), nothing.headers["Content-Length"]) == (204, b"", None)


def test_a_line_break_in_a_header_starts_no_new_header(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/split")
    answer = connection.getresponse()
    answer.read()
    assert answer.headers["X-Evil"] is None


def test_a_port_that_is_taken_is_named(server: LocalServer) -> None:
    site = _Site()
    with pytest.raises(PortInUseError, match=f"port {server.port} of 127.0.0.1"):
        LocalServer(site.handle, site.refuse, server.port)


def test_stopping_ends_idle_connections_and_takes_no_time() -> None:
    site = _Site()
    server = LocalServer(site.handle, site.refuse)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as opened:
        opened.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        opened.recv(65536)
        started = time.monotonic()
        server.stop()
        assert opened.recv(1) == b""
    assert time.monotonic() - started < 1

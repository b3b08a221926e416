"""Sending to a clinic's system. Nothing of what it answers is kept but its status.

The name is looked up once, and the connection goes to the address that was checked: a name that changes its address
between the check and the connection leads nowhere else.
"""

import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from chalicelib.domain.webhooks import Endpoint, Outcome, SendError, is_allowed_address

_SECONDS = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a connection, for the answer, and in all once connected.

    Each byte of an answer that drips in sets a socket's own time-out back; the last one ends that.
    """

    connect: float = 3.0
    answer: float = 10.0
    total: float = 20.0


_PATIENCE = Patience()


class _NotSent(Exception):
    def __init__(self, error: SendError) -> None:
        super().__init__(error)
        self.error = error


def post(
    endpoint: Endpoint, headers: Mapping[str, str], body: bytes, *, is_local: bool, patience: Patience = _PATIENCE
) -> Outcome:
    """One try: a POST that follows no redirect and reads no more than the head of the answer."""
    try:
        address = _address(endpoint, is_local=is_local)
        with closing(_connection(endpoint, address, patience.connect)) as connection:
            connection.connect()
            connection.timeout = patience.answer
            with _no_longer_than(patience.total, connection):
                return _answer(connection, endpoint, headers, body)
    except _NotSent as why:
        return Outcome(error=why.error)
    except (OSError, HTTPException, HTTPError) as failed:
        return Outcome(error=_kind_of(failed))


def _address(endpoint: Endpoint, *, is_local: bool) -> str:
    """An address of the host that may be sent to, rather one of IPv4."""
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        raise _NotSent(SendError.NAME_NOT_FOUND) from unknown
    addresses = [str(address[0]) for family, _, _, _, address in sorted(found, key=lambda one: one[0])]
    if not all(is_allowed_address(address, is_local=is_local) for address in addresses):
        raise _NotSent(SendError.ADDRESS_NOT_ALLOWED)
    return addresses[0]


def _connection(endpoint: Endpoint, address: str, seconds: float) -> HTTPConnection:
    """A connection to the address, over TLS only to whoever has the host's certificate."""
    if not endpoint.is_https:
        return HTTPConnection(address, endpoint.port, timeout=seconds)
    return HTTPSConnection(
        address,
        endpoint.port,
        timeout=seconds,
        server_hostname=endpoint.host,
        ssl_context=ssl.create_default_context(),
    )


def _answer(connection: HTTPConnection, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Outcome:
    named = {"Host": endpoint.authority, **headers}
    # The body of the answer is left unread: the connection is closed behind the head.
    connection.request("POST", endpoint.target, body=body, headers=named, preload_content=False)
    answer = connection.getresponse()
    return Outcome(status=answer.status, retry_after=_seconds(answer.headers.get("retry-after", "")))


def _seconds(retry_after: str) -> timedelta:
    """What a receiver asks for in seconds; a date is too easily wrong to be believed."""
    return timedelta(seconds=int(retry_after)) if _SECONDS.fullmatch(retry_after) else timedelta()


@contextmanager
def _no_longer_than(seconds: float, connection: HTTPConnection) -> Iterator[None]:
    """Ends the connection when the time is over, whatever it waits for then. Raises TimeoutError."""
    ended, opened = threading.Event(), connection.sock

    def end() -> None:
        ended.set()
        with suppress(OSError):
            # The plain socket's own way: TLS would say good-bye, and wait for the answer to that.
            socket.socket.shutdown(opened, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException, HTTPError):
        if not ended.is_set():
            raise
    finally:
        timer.cancel()
    # Half a head reads as a whole one that ended.
    if ended.is_set():
        raise TimeoutError


def _kind_of(failed: BaseException) -> SendError:
    """urllib3 wraps most of what a socket raises, but not all: the cause is what counts."""
    causes = [failed, failed.__cause__, failed.__context__]
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return SendError.TLS_FAILED
    return (
        SendError.TIMED_OUT if any(isinstance(cause, TimeoutError) for cause in causes) else SendError.CONNECTION_FAILED
    )

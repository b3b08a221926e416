"""Keeps the tests off the network: a socket may reach loopback and files, nothing else."""

import socket
import sys
from ipaddress import ip_address

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})


class NetworkError(OSError):
    """A test tried to reach something beyond this machine."""


def is_loopback(host: str) -> bool:
    """Whether a host, as a socket is given it, is this machine itself."""
    if host in {"", "localhost"}:
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _check(event: str, arguments: tuple[object, ...]) -> None:
    if event in _EVENTS:
        _check_address(arguments[0], arguments[1])
    elif event == "socket.getaddrinfo":
        _refuse_unless_loopback(arguments[0])


def _check_address(used: object, address: object) -> None:
    internet = isinstance(used, socket.socket) and used.family in {socket.AF_INET, socket.AF_INET6}
    if internet and isinstance(address, tuple):
        _refuse_unless_loopback(address[0])


def _refuse_unless_loopback(host: object) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(name, str) and not is_loopback(name):
        raise NetworkError(f"Tests reach loopback only, not {name}.")


def keep_on_loopback() -> None:
    """Refuse every other address in this process from now on; an audit hook cannot be taken off or patched away."""
    sys.addaudithook(_check)

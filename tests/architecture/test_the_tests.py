"""What the other tests rely on: no network, and a table of promises that tells the truth."""

import socket
import warnings

import pytest

from tests.support import sizes
from tests.support.loopback import NetworkError, is_loopback
from tests.support.promises import Promise, measurements, table


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("93.184.215.14", 443)])
def test_a_test_cannot_connect_beyond_this_machine(address: tuple[str, int]) -> None:
    with pytest.raises(NetworkError, match=address[0]), socket.create_connection(address, timeout=1):
        pass


def test_a_test_cannot_resolve_a_name_of_the_internet() -> None:
    with pytest.raises(NetworkError, match=r"dynamodb\.us-east-1\.amazonaws\.com"):
        socket.getaddrinfo("dynamodb.us-east-1.amazonaws.com", 443)


def test_a_test_cannot_send_a_datagram_beyond_this_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(NetworkError):
        sender.sendto(b"x", ("192.0.2.1", 53))


def test_a_test_can_talk_to_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104  Every interface is more than loopback.
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="anything"):
        warnings.warn("anything", UserWarning, stacklevel=1)


def test_a_promise_off_its_figure_fails_and_stays_in_the_table() -> None:
    properties: list[tuple[str, object]] = []
    with pytest.raises(AssertionError, match="ID 3, accounts: asked 1, measured 2"):
        Promise(properties)("ID 3", "accounts", asked=1, measured=2)
    Promise(properties)("ID 1", "tries", asked="at most 5", measured=4, passed=True)
    lines = table(measurements([_report(properties)]))
    assert [line.split()[0:2] for line in lines[1:]] == [["ID", "1"], ["ID", "3"]]
    assert lines[1].endswith("pass")
    assert lines[2].endswith("FAIL")


def _report(properties: list[tuple[str, object]]) -> pytest.TestReport:
    place = ("tests/test_x.py", 1, "test_x")
    return pytest.TestReport("test_x", place, {}, "passed", None, "call", user_properties=properties)


def test_the_full_size_is_only_measured_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMISES", "full")
    assert (sizes.is_full(), sizes.size("ID 3")) == (True, 200)
    monkeypatch.delenv("PROMISES")
    assert not sizes.is_full()
    assert sizes.size("ID 3") < 200

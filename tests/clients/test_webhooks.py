"""One try to send: what it waits for, whom it trusts, where it goes, and how little it reads."""

import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socketserver import StreamRequestHandler
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chalicelib.clients.webhooks import Patience, post
from chalicelib.domain.webhooks import Endpoint, Outcome, SendError
from tests.support.receiver import Answer, Receiver, receiving, status

BODY = b'{"event_id":"evt_0"}'
SHORT = Patience(connect=1, answer=0.3, total=0.6)


def _post(receiver: Receiver, *, is_local: bool = True, host: str = "127.0.0.1", is_https: bool = False) -> Outcome:
    endpoint = Endpoint(is_https, host, receiver.port, "/events?from=portal")
    return post(endpoint, {"webhook-id": "evt_0"}, BODY, is_local=is_local, patience=SHORT)


def _raw(*parts: bytes, pause: float = 0) -> Answer:
    def write(connection: StreamRequestHandler) -> None:
        for part in parts:
            connection.wfile.write(part)
            time.sleep(pause)

    return write


def _silent(_connection: StreamRequestHandler) -> None:
    time.sleep(1)


def _endless_body(connection: StreamRequestHandler) -> None:
    connection.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    while True:
        connection.wfile.write(b"x" * 65536)
        time.sleep(0.01)


def test_the_request_is_what_was_asked_for() -> None:
    with receiving() as receiver:
        assert _post(receiver) == Outcome(204)
        (request,) = receiver.received
    assert (request.path, request.body) == ("/events?from=portal", BODY)
    assert request.headers["webhook-id"] == "evt_0"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_redirect_is_an_answer_and_not_a_way() -> None:
    with receiving() as elsewhere, receiving() as receiver:
        for code in (301, 302, 303, 307, 308):
            receiver.next.append(status(code, location=elsewhere.url))
            assert _post(receiver) == Outcome(code)
        assert elsewhere.received == []


def test_of_the_answer_only_the_head_is_read() -> None:
    with receiving() as receiver:
        receiver.usual = _endless_body
        begun = time.monotonic()
        assert _post(receiver) == Outcome(200)
        assert time.monotonic() - begun < 0.5


@pytest.mark.parametrize(
    "slow",
    [
        _silent,
        _raw(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 20, pause=0.1),
        _raw(b"HTTP/1.1 200 OK\r\n", *[f"x-{n}: y\r\n".encode() for n in range(20)], pause=0.1),
    ],
    ids=["silent", "not_yet", "dripping"],
)
def test_a_receiver_cannot_hold_a_worker(slow: Callable[[Any], None]) -> None:
    with receiving() as receiver:
        receiver.usual = slow
        begun = time.monotonic()
        assert _post(receiver) == Outcome(error=SendError.TIMED_OUT)
        assert time.monotonic() - begun < 1.5


@pytest.mark.parametrize("garbage", [b"", b"\x00\x01\x02\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 " + b"9" * 70000])
def test_what_is_no_http_is_a_failure(garbage: bytes) -> None:
    with receiving() as receiver:
        receiver.usual = _raw(garbage)
        assert _post(receiver) == Outcome(error=SendError.CONNECTION_FAILED)


def test_where_nobody_listens_the_connection_fails() -> None:
    with receiving() as receiver:
        pass
    assert _post(receiver) == Outcome(error=SendError.CONNECTION_FAILED)


@pytest.mark.parametrize(
    ("header", "asked"),
    [("120", 120), ("0", 0), ("-1", 0), ("1.5", 0), ("9" * 5000, 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("٣", 0)],
)
def test_how_long_to_wait_is_read_in_seconds(header: str, asked: int) -> None:
    with receiving() as receiver:
        receiver.usual = status(503, retry_after=header)
        assert _post(receiver) == Outcome(503, retry_after=timedelta(seconds=asked))


def test_on_aws_nothing_goes_to_a_private_address_whatever_its_name() -> None:
    with receiving() as receiver:
        for host in ("127.0.0.1", "localhost", "2130706433"):
            assert _post(receiver, host=host, is_local=False).error in {
                SendError.ADDRESS_NOT_ALLOWED,
                SendError.NAME_NOT_FOUND,
            }
        assert receiver.received == []
    assert _post(receiver, host="localhost", is_local=False) == Outcome(error=SendError.ADDRESS_NOT_ALLOWED)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "a" * 64 + ".example"])
def test_a_name_that_nobody_has_is_a_failure(host: str) -> None:
    with receiving() as receiver:
        assert _post(receiver, host=host) == Outcome(error=SendError.NAME_NOT_FOUND)


def _certificate(folder: Path, name: str) -> Path:
    """A certificate for a name, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    named: x509.GeneralName = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([named]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def _over_tls(certificate: Path) -> Callable[[Any], Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return lambda socket: context.wrap_socket(socket, server_side=True, do_handshake_on_connect=False)


def test_whom_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    with receiving(_over_tls(_certificate(tmp_path, "localhost"))) as receiver:
        assert _post(receiver, host="localhost", is_https=True) == Outcome(error=SendError.TLS_FAILED)
        assert receiver.received == []


def test_who_has_the_hosts_certificate_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = _certificate(tmp_path, "localhost")
    # What OpenSSL trusts is said in the environment, as an operating system's own list would be.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with receiving(_over_tls(certificate)) as receiver:
        assert _post(receiver, host="localhost", is_https=True) == Outcome(204)
        assert [request.body for request in receiver.received] == [BODY]
        # The same receiver by its address, for which the certificate is not.
        assert _post(receiver, host="127.0.0.1", is_https=True) == Outcome(error=SendError.TLS_FAILED)


def test_the_certificate_must_be_the_hosts_and_not_the_addresss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with receiving(_over_tls(certificate)) as receiver:
        assert _post(receiver, host="localhost", is_https=True) == Outcome(error=SendError.TLS_FAILED)
        assert receiver.received == []


def test_plain_http_behind_https_is_a_tls_failure() -> None:
    with receiving() as receiver:
        assert _post(receiver, host="localhost", is_https=True) == Outcome(error=SendError.TLS_FAILED)

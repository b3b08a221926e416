"""Certificates under a URL, from a server on this machine."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.clients import certificates
from chalicelib.clients.aws import Permanent, Retryable
from infra.local import moto_sns


@contextmanager
def _serving(body: bytes, status: int = 200, location: str = "") -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/certificate.pem", asked
        server.shutdown()
        thread.join()


def test_a_certificate_is_fetched_once_and_gives_its_key() -> None:
    pem = moto_sns.certificate().encode()
    with _serving(pem) as (url, asked):
        keys = [certificates.public_key(url) for _ in range(3)]
    expected = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(expected, rsa.RSAPublicKey)
    assert {key.public_numbers() for key in keys} == {expected.public_numbers()}
    assert asked == ["/certificate.pem"]


@pytest.mark.parametrize("body", [b"no certificate", b"", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_what_is_no_certificate_is_refused_for_good(body: bytes) -> None:
    with _serving(body, 200) as (url, _), pytest.raises(Permanent) as refused:
        certificates.public_key(url)
    assert refused.value.code == certificates.NO_CERTIFICATE


@pytest.mark.parametrize("status", [403, 404, 429])
def test_an_answer_without_a_certificate_is_asked_for_again(status: int) -> None:
    """What is signed must not be lost for it."""
    with _serving(b"no", status) as (url, _), pytest.raises(Retryable):
        certificates.public_key(url)


def test_what_a_refusal_carries_is_not_read() -> None:
    with _serving(moto_sns.certificate().encode(), 403) as (url, _), pytest.raises(Retryable):
        certificates.public_key(url)


def test_a_redirect_is_not_followed() -> None:
    with (
        _serving(moto_sns.certificate().encode()) as (elsewhere, asked),
        _serving(b"", 302, elsewhere) as (url, _),
        pytest.raises(Retryable),
    ):
        certificates.public_key(url)
    assert asked == []


def test_a_server_that_fails_is_asked_again_another_time() -> None:
    with _serving(b"", 503) as (url, asked):
        for _ in range(2):
            with pytest.raises(Retryable):
                certificates.public_key(url)
    assert len(asked) == 2
    with pytest.raises(Retryable):
        certificates.public_key(url)


def test_a_key_of_another_kind_is_refused() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    rsa_made = x509.load_pem_x509_certificate(moto_sns.certificate().encode())
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(rsa_made.not_valid_before_utc)
        .not_valid_after(rsa_made.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(Permanent):
        certificates.read(made.public_bytes(serialization.Encoding.PEM))

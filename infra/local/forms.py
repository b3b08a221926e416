"""Files that are sent to S3 by a form, whose policy says what it may be (AmazonS3/latest/API/sigv4-post-example.html).

moto takes any form. Here the policy is verified as S3 does it, and the file put by an ordinary request.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import IO, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from botocore.credentials import Credentials
from werkzeug.formparser import parse_form_data

_MOST = 64 * 1024 * 1024
# S3 asks for these in every form, and they are what the policy is proved by.
_PROOF = frozenset({"policy", "x-amz-signature", "file"})


class Refused(Exception):
    """S3's status and code."""

    def __init__(self, status: str, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Forms:
    """Puts the file of a form whose policy allows it."""

    def __init__(self, app: WSGIApplication, credentials: Credentials, region: str) -> None:
        self._app, self._credentials, self._region = app, credentials, region
        self._scope = f"{credentials.access_key}/20260101/{region}/s3/aws4_request"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            key, content = self._checked(environ)
        except Refused as refused:
            body = f"<?xml version='1.0'?><Error><Code>{refused.code}</Code></Error>".encode()
            start_response(refused.status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [body]
        return self._put(environ, start_response, key, content)

    def _checked(self, environ: WSGIEnvironment) -> tuple[str, bytes]:
        if int(environ.get("CONTENT_LENGTH") or 0) > _MOST:
            raise Refused("400 Bad Request", "EntityTooLarge")
        _, fields, files = parse_form_data(environ, stream_factory=_in_memory)
        given = {name.lower(): value for name, value in fields.items()}
        if "file" not in files or "key" not in given:
            raise Refused("400 Bad Request", "InvalidArgument")
        content = files["file"].read()
        self._check_signature(given)
        policy = json.loads(base64.b64decode(given["policy"]))
        bucket = environ["PATH_INFO"].strip("/")
        _check(policy, {**given, "bucket": bucket}, len(content))
        return given["key"], content

    def _check_signature(self, given: Mapping[str, str]) -> None:
        try:
            _, day, region, service, last = given["x-amz-credential"].split("/")
            policy, signature = given["policy"], given["x-amz-signature"]
        except (KeyError, ValueError):
            raise Refused("403 Forbidden", "AccessDenied") from None
        key = f"AWS4{self._credentials.secret_key}".encode()
        for part in (day, region, service, last, policy):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        if (region, service) != (self._region, "s3") or not hmac.compare_digest(key.hex(), signature):
            raise Refused("403 Forbidden", "SignatureDoesNotMatch")

    def _put(
        self, environ: WSGIEnvironment, start_response: StartResponse, key: str, content: bytes
    ) -> Iterable[bytes]:
        path = f"/{environ['PATH_INFO'].strip('/')}/{key}"
        put = {
            **environ,
            "REQUEST_METHOD": "PUT",
            "PATH_INFO": path,
            "RAW_URI": path,
            "REQUEST_URI": path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": "binary/octet-stream",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": BytesIO(content),
            # By it moto knows that somebody has proved to be let in, and asks for no more.
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={self._scope}, SignedHeaders=host, Signature=checked",
        }

        def respond(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if not status.startswith("200"):
                return start_response(status, headers, *rest)
            kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
            return start_response("204 No Content", kept, *rest)

        return self._app(put, respond)


def _in_memory(*_hints: Any, **_more: Any) -> IO[bytes]:
    """What is kept in memory needs no closing."""
    return BytesIO()


def _check(policy: Mapping[str, Any], given: Mapping[str, str], size: int) -> None:
    """Raises Refused for what the policy does not allow, or does not speak of."""
    if datetime.now(UTC) > datetime.fromisoformat(policy["expiration"]):
        raise Refused("403 Forbidden", "AccessDenied")
    spoken_of = set()
    for condition in policy["conditions"]:
        if isinstance(condition, list) and condition[0] == "content-length-range":
            _check_size(size, condition[1], condition[2])
            continue
        pairs = condition.items() if isinstance(condition, dict) else [(condition[1].removeprefix("$"), condition[2])]
        for name, value in pairs:
            spoken_of.add(name.lower())
            if given.get(name.lower()) != value:
                raise Refused("403 Forbidden", "AccessDenied")
    if set(given) - spoken_of - _PROOF - {"bucket"}:
        raise Refused("403 Forbidden", "AccessDenied")


def _check_size(size: int, least: int, most: int) -> None:
    if size > most:
        raise Refused("400 Bad Request", "EntityTooLarge")
    if size < least:
        raise Refused("400 Bad Request", "EntityTooSmall")

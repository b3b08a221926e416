"""moto's S3 as the outside sees it: presigned links on loopback, and objects that outlive the process in a folder."""

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from moto.s3.models import FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response
from werkzeug.serving import make_server

from infra.local.forms import Forms

_USER_METADATA = "x-amz-meta-"


class S3Server:
    """Serves presigned links to the objects of this process on a free loopback port, until closed."""

    def __init__(self, credentials: Credentials, region: str, port: int = 0) -> None:
        app = PresignedOnly(create_backend_app("s3"), credentials, region)
        self._server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="embedded-s3", daemon=True
        )
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """The base URL for S3_PUBLIC_ENDPOINT, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Quiet(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Says nothing: a link is a secret while it lives."""


class PresignedOnly:
    """Lets only requests through that carry a valid, unexpired SigV4 query; moto itself checks neither.

    The older signature is refused because S3 refuses it, too, for objects under a KMS key.
    """

    def __init__(self, app: WSGIApplication, credentials: Credentials, region: str) -> None:
        self._app = app
        self._auth = S3SigV4QueryAuth(credentials, "s3", region)
        self._forms = Forms(app, credentials, region)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "OPTIONS":
            # A browser's question about the rules of a bucket is signed by nobody.
            return self._app(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST":
            return self._forms(environ, start_response)
        refusal = self._refusal(environ)
        if refusal is None:
            return self._app(environ, start_response)
        body = f"<?xml version='1.0'?><Error><Code>{refusal}</Code></Error>".encode()
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        start_response("403 Forbidden", headers)
        return [body]

    def _refusal(self, environ: WSGIEnvironment) -> str | None:
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        try:
            signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            lives = timedelta(seconds=int(query["X-Amz-Expires"]))
            given, names = query["X-Amz-Signature"], query["X-Amz-SignedHeaders"].split(";")
        except (KeyError, ValueError):
            return "AccessDenied"
        if self._signature(environ, query["X-Amz-Date"], names) != given:
            return "SignatureDoesNotMatch"
        return "AccessDenied" if datetime.now(UTC) > signed_at + lives else None

    def _signature(self, environ: WSGIEnvironment, timestamp: str, names: list[str]) -> str:
        path, _, query = environ["REQUEST_URI"].partition("?")
        unsigned = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))
        headers = {name: environ[key] for name in names if (key := _environ_key(name)) in environ}
        request = AWSRequest(
            method=environ["REQUEST_METHOD"], url=f"http://{environ['HTTP_HOST']}{path}?{unsigned}", headers=headers
        )
        request.context["timestamp"] = timestamp
        signature: str = self._auth.signature(
            self._auth.string_to_sign(request, self._auth.canonical_request(request)), request
        )
        return signature


def _environ_key(header: str) -> str:
    key = header.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


@dataclass(frozen=True)
class KeptObjects:
    """The current version of each object in a folder that only its owner reads: `{hash}.bin` and `{hash}.json`."""

    folder: Path

    def save(self, bucket: str, key: FakeKey) -> None:
        description = {
            "bucket": bucket,
            "key": key.name,
            "headers": {name: value for name, value in key.metadata.items() if value is not None},
        }
        # The description comes last: a body without one was never finished.
        write_private(self._path(bucket, key.name, "bin"), key.value)
        write_private(self._path(bucket, key.name, "json"), json.dumps(description).encode())

    def remove(self, bucket: str, key_name: str) -> None:
        for suffix in ("json", "bin"):
            self._path(bucket, key_name, suffix).unlink(missing_ok=True)

    def clear(self) -> None:
        for path in self.folder.glob("*.*"):
            path.unlink()

    def put_back(self, s3: Any, bucket: str) -> int:
        """Puts the objects of one bucket back, and answers how many."""
        count = 0
        for path in sorted(self.folder.glob("*.json")):
            description = json.loads(path.read_text(encoding="utf-8"))
            if description["bucket"] == bucket:
                s3.put_object(
                    Bucket=bucket,
                    Key=description["key"],
                    Body=path.with_suffix(".bin").read_bytes(),
                    **_put_arguments(description["headers"]),
                )
                count += 1
        return count

    def _path(self, bucket: str, key_name: str, suffix: str) -> Path:
        name = hashlib.sha256(f"{bucket}/{key_name}".encode()).hexdigest()
        return self.folder / f"{name}.{suffix}"


def _put_arguments(headers: dict[str, str]) -> dict[str, Any]:
    lowered = {name.lower(): value for name, value in headers.items()}
    named = {"content-type": "ContentType", "content-encoding": "ContentEncoding", "cache-control": "CacheControl"}
    arguments: dict[str, Any] = {named[name]: value for name, value in lowered.items() if name in named}
    prefix = len(_USER_METADATA)
    arguments["Metadata"] = {name[prefix:]: value for name, value in lowered.items() if name.startswith(_USER_METADATA)}
    return arguments


def write_private(path: Path, content: bytes) -> None:
    """Writes a file of mode 0600 in a folder of mode 0700, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)


class _Keeper:
    """Which folder, if any, moto's S3 of this process is kept in."""

    kept: KeptObjects | None = None


@contextmanager
def keeping(kept: KeptObjects | None) -> Iterator[None]:
    """Every change of an object goes to the folder, too; None keeps nothing."""
    before, _Keeper.kept = _Keeper.kept, kept
    try:
        yield
    finally:
        _Keeper.kept = before


def install() -> None:
    """Has moto's S3 report what changed, and close what nobody needs any more without a warning; once."""
    if hasattr(S3Response.key_response, "__wrapped__"):
        return
    patches: list[tuple[type, str, Callable[..., Any]]] = [
        (FakeKey, "__del__", FakeKey.dispose),
        (S3Response, "key_response", _saving(S3Response.key_response)),
        (S3Backend, "delete_object", _removing(S3Backend.delete_object)),
    ]
    for owner, name, function in patches:
        setattr(owner, name, function)


def _saving(moto_response: Callable[..., Any]) -> Callable[..., Any]:
    """After the response and not in the backend's put_object, because the response sets the metadata."""

    @wraps(moto_response)
    def key_response(response: S3Response, request: Any, full_url: str, headers: Any) -> Any:
        answer = moto_response(response, request, full_url, headers)
        if _Keeper.kept is not None and request.method in {"PUT", "POST"}:
            bucket = response.parse_bucket_name_from_url(request, full_url)
            key = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_bucket(bucket).keys.get(response.parse_key_name())
            if isinstance(key, FakeKey):
                _Keeper.kept.save(bucket, key)
        return answer

    return key_response


def _removing(moto_delete: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(moto_delete)
    def delete_object(backend: S3Backend, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> Any:
        answer = moto_delete(backend, bucket_name, key_name, *args, **kwargs)
        if _Keeper.kept is not None and not isinstance(backend.get_bucket(bucket_name).keys.get(key_name), FakeKey):
            _Keeper.kept.remove(bucket_name, key_name)
        return answer

    return delete_object

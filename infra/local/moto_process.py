"""moto in this process: between botocore and the network, with backends of its own, and nothing past loopback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from moto.core.base_backend import BackendDict, backend_lock
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber
from moto.s3.models import s3_backends

from infra.local import moto_dynamodb

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class NotLoopback(Exception):
    """A request was about to leave this machine for a service that is not embedded."""


@contextmanager
def embedded(dynamodb_endpoint: str | None) -> Iterator[None]:
    """Runs moto as mock_aws() does for botocore, but leaves `requests` alone, which tests over loopback use."""
    moto_dynamodb.install()
    moto_dynamodb.forget_tokens()
    before = botocore_stubber.enabled
    with _guarded(dynamodb_endpoint), _own_backends():
        botocore_stubber.enabled = True
        try:
            yield
        finally:
            botocore_stubber.enabled = before


@contextmanager
def _own_backends() -> Iterator[None]:
    """Empty backends for this AWS. Those of one that runs around it (a test session's) come back at the end."""
    instances: list[Any] = vars(BackendDict)["_instances"]
    with backend_lock:
        around: list[tuple[Any, dict[str, Any]]] = [(backend, dict(backend)) for backend in instances]
        for backend, _ in around:
            backend.clear()
        instances.clear()
        # S3 also keeps who owns which bucket, over all accounts.
        buckets = dict(s3_backends.bucket_accounts)
        s3_backends.bucket_accounts.clear()
    try:
        yield
    finally:
        BackendDict.reset()
        with backend_lock:
            for backend, accounts in around:
                backend.update(accounts)
                instances.append(backend)
            s3_backends.bucket_accounts.update(buckets)


class _Guard:
    """What moto did not answer goes to an allowed host or nowhere."""

    allowed: frozenset[str] = _LOOPBACK

    @classmethod
    def wrap(cls, moto_hook: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(moto_hook)
        def answer_or_refuse(stubber: Any, event_name: str, request: Any, **rest: Any) -> Any:
            answer = moto_hook(stubber, event_name, request, **rest)
            host = urlsplit(request.url).hostname
            if answer is None and stubber.enabled and host not in cls.allowed:
                raise NotLoopback(f"{host} is not part of the embedded AWS")
            return answer

        return answer_or_refuse


@contextmanager
def _guarded(dynamodb_endpoint: str | None) -> Iterator[None]:
    patches: list[tuple[type, str]] = [(BotocoreStubber, "__call__")]
    for owner, name in patches:
        if not hasattr(getattr(owner, name), "__wrapped__"):
            setattr(owner, name, _Guard.wrap(getattr(owner, name)))
    engine = urlsplit(dynamodb_endpoint or "").hostname
    before = _Guard.allowed
    _Guard.allowed = _LOOPBACK | ({engine} if engine else set())
    try:
        yield
    finally:
        _Guard.allowed = before

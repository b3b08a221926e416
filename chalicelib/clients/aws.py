"""Clients of AWS services, made once, at first use. botocore is enough: the API's start-up path has no boto3."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.session import Session

from chalicelib import observability
from chalicelib.errors import Unavailable

_CONFIG = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
# A person waits, to whom the portal's own words can be shown at once.
_WAITED_FOR = Config(connect_timeout=1, read_timeout=12, retries={"total_max_attempts": 1, "mode": "standard"})
# A message whose answer was lost may have been sent: trying again is the outbox's to decide.
_ONE_TRY = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"})
_CONFIGS = {**dict.fromkeys(("pinpoint-sms-voice-v2", "sesv2", "sns"), _ONE_TRY), "bedrock-runtime": _WAITED_FOR}
# Only what lies in the request itself. A suspended account, an unverified domain or a missing permission is mended by
# a person, and what waited for it must then go out.
_PERMANENT = frozenset({"BadRequestException", "InvalidParameterValue"})
_lock = threading.Lock()


class Retryable(Unavailable):
    """The service did not do it, and may do it later. Where a caller of the API waits for it, the answer is 503."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Permanent(Exception):
    """The service will never do it; `code` says why, in one of the service's own words or of its client's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Refusal:
    """What a service answered instead of doing something: its code, its own reason, its words, the fields it names."""

    def __init__(self, error: ClientError) -> None:
        told = error.response.get("Error", {})
        self.code = str(told.get("Code", ""))
        self.reason = str(error.response.get("Reason", ""))
        self.message = str(told.get("Message", ""))
        self.fields = frozenset(str(one.get("Name")) for one in error.response.get("Fields", ()))


def wrong_request(refusal: Refusal) -> str | None:
    """The code of a refusal that lies in the request itself, whatever the service."""
    return refusal.code if refusal.code in _PERMANENT else None


def client(service: str) -> Any:
    """The process's client of a service; making one is not thread-safe, using it is."""
    with _lock:
        return _client(service)


@lru_cache(maxsize=16)
def _client(service: str) -> Any:
    return Session().create_client(service, config=_CONFIGS.get(service, _CONFIG))


def signer(service: str, endpoint: str | None) -> Any:
    """The process's client that signs addresses for others to call; `endpoint` is where they reach the service."""
    with _lock:
        return _signer(service, endpoint)


@lru_cache(maxsize=4)
def _signer(service: str, endpoint: str | None) -> Any:
    # Objects under a customer's key are given out for no older signature.
    config = Config(signature_version="s3v4", s3={"addressing_style": "path" if endpoint else "virtual"})
    return Session().create_client(service, endpoint_url=endpoint, config=config)


def forget() -> None:
    """Make new clients at the next use (tests put up one stack after another in one process)."""
    _client.cache_clear()
    _signer.cache_clear()


@contextmanager
def translated(never: Callable[[Refusal], str | None] = wrong_request) -> Iterator[None]:
    """Turns what an AWS client raises into Retryable or Permanent; `never` gives the code of what is permanent."""
    try:
        yield
    except ClientError as refused:
        refusal = Refusal(refused)
        if (code := never(refusal)) is not None:
            raise Permanent(code) from refused
        observability.fault("client.refused", refused, code=refusal.code)
        raise Retryable(refusal.code) from refused
    except ParamValidationError as unsendable:
        # Its words quote the parameters, which may be an address: the log gets its kind alone.
        observability.fault("client.unsendable", unsendable)
        raise Permanent("unsendable") from unsendable
    except BotoCoreError as failed:
        observability.fault("client.failed", failed)
        raise Retryable(type(failed).__name__) from failed

"""Webhooks: where they may go, when they are tried, and what is told of each try.

After the Standard Webhooks specification
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

MOST_WEBHOOKS = 20
"""Of all clients together: recording an event is one transaction with a row for each of them."""

OLD_SECRET_SIGNS = timedelta(hours=24)
"""How long the secret before the last rotation signs too."""

PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The pause after each failed try: the specification's schedule. After the last one nothing more is tried."""

LONGEST_PAUSE = PAUSES[-1]
"""However long a receiver asks to be left alone."""

DELIVERY_PREFIX = "dlv"

# What RFC 3986 allows in a path and a query, and no more: every parser reads such a URL in the same way.
_URL = re.compile(
    r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?"
    r"((?:/[a-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[a-z0-9._~!$&'()*+,;=:@%/?-]*)?)",
    re.ASCII | re.IGNORECASE,
)
_PORTS = {"https": 443, "http": 80}
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
# IPv6 addresses that carry one of IPv4: what lies behind them is not what `is_global` judges.
_CARRIERS = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


class WebhookStatus(StrEnum):
    """Whether a webhook is sent to. A receiver disables its own by answering 410."""

    ACTIVE = "active"
    DISABLED = "disabled"


class WebhookDeliveryStatus(StrEnum):
    """Where an event is on its way to one webhook; what has `failed` is not tried again by itself."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class SendError(StrEnum):
    """Why a try got no answer."""

    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    CONNECTION_FAILED = "connection_failed"
    HOST_NOT_ALLOWED = "host_not_allowed"
    NAME_NOT_FOUND = "name_not_found"
    TIMED_OUT = "timed_out"
    TLS_FAILED = "tls_failed"
    WEBHOOK_DISABLED = "webhook_disabled"


class UrlProblem(StrEnum):
    """What is wrong with a webhook's URL, in the codes of the catalogue."""

    FORM = "wrong_form"
    HOST = "webhook_host_not_allowed"
    SCHEME = "webhook_not_https"


@dataclass(frozen=True, slots=True)
class WebhookView:
    """A webhook as its client sees it; `types` empty for all."""

    webhook_id: str
    url: str
    types: list[str]
    status: WebhookStatus
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One event on its way to one webhook, as its client sees it."""

    delivery_id: str
    event_id: str
    status: WebhookDeliveryStatus
    attempts: int
    last_status: int | None
    last_error: SendError | None
    last_tried_at: datetime | None
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a webhook goes: `host` in lower case, `target` the path and query of the request line."""

    is_https: bool
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and, where it is not the scheme's own, port, as the Host header has them."""
        usual = _PORTS["https" if self.is_https else "http"]
        return self.host if self.port == usual else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one try came to: an HTTP status, or why there is none; and how long the receiver asks to be left alone."""

    status: int | None = None
    error: SendError | None = None
    retry_after: timedelta = timedelta()

    @property
    def is_success(self) -> bool:
        """Whether the receiver took the event: any 2xx."""
        return self.status is not None and self.status // 100 == 2  # noqa: PLR2004  The class of a status.

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing more, ever."""
        return self.status == 410  # noqa: PLR2004  410 Gone.


def read_url(url: str) -> Endpoint | None:
    """Where a URL goes; None for one with user, fragment, IPv6 address, or characters that parsers disagree on."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    scheme, host, port, target = found.groups()
    number = int(port) if port else _PORTS[scheme.lower()]
    if not 0 < number < 1 << 16:
        return None
    target = target if target.startswith("/") else f"/{target}"
    return Endpoint(scheme.lower() == "https", host.lower(), number, target)


def problem_of(endpoint: Endpoint | None, hosts: Collection[str], *, is_local: bool) -> UrlProblem | None:
    """What forbids to send there. `hosts` are the operator's; on a developer's machine loopback is allowed too."""
    if endpoint is None:
        return UrlProblem.FORM
    if is_local and endpoint.host in _LOOPBACK:
        return None
    if not endpoint.is_https:
        return UrlProblem.SCHEME
    return None if endpoint.host in {host.lower() for host in hosts} else UrlProblem.HOST


def is_allowed_address(address: str, *, is_local: bool) -> bool:
    """Whether an address is one of the public internet; on a developer's machine loopback is allowed too."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return is_local
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or _carries_ipv4(ip))


def _carries_ipv4(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv4Address):
        return False
    return ip.sixtofour is not None or ip.teredo is not None or any(ip in network for network in _CARRIERS)


def pause_after(attempts: int, asked: timedelta) -> timedelta | None:
    """How long to wait after so many failed tries, the last one counted; None where it was the last.

    `asked` is what the receiver asks for.
    """
    if attempts > len(PAUSES):
        return None
    return max(PAUSES[attempts - 1], min(asked, LONGEST_PAUSE))

"""The clinic's own systems, as admins see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.access import ClientScope

OLD_SECRET_LASTS = timedelta(days=1)
"""How long, unless said otherwise, the secret before a rotation is still good."""

OLD_SECRET_LASTS_AT_MOST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ClientView:
    """A service client. Times are aware, in UTC; `previous_until` is there while the secret before is still good."""

    client_id: str
    name: str
    scopes: tuple[ClientScope, ...]
    disabled: bool
    previous_until: datetime | None
    created_at: datetime
    version: int

"""Shapes of the addresses that one's messages go to."""

from pydantic import Field

from chalicelib.domain.addresses import AddressStatus
from chalicelib.domain.notices import Channel
from chalicelib.schemas.base import Instant, PageQuery, Shape


class MessageAddress(Shape):
    """One address that messages go to."""

    address_id: str
    channel: Channel
    address: str = Field(description="Masked: enough for its owner to know it again.")
    status: AddressStatus = Field(description="Messages go to `ok` alone; to `unconfirmed` only what confirms it.")
    since: Instant | None = Field(description="Since when nothing is sent to it; null where messages go to it.")


class MessageAddressPage(Shape):
    """The addresses that one's messages go to."""

    items: list[MessageAddress]
    next_cursor: str | None


class MessageAddressesQuery(PageQuery):
    """How addresses are paged."""

"""Shapes of devices that take push messages."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.push_devices import Platform
from chalicelib.schemas.base import Body, Instant, PageQuery, Shape

PushToken = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        pattern="^[!-~]+$",
        description="What the platform's push service gave the app. No answer shows it again.",
    ),
]


class NewPushDevice(Body):
    """A device that shall get push messages."""

    platform: Platform
    push_token: PushToken


class PushDeviceRefresh(Body):
    """The token that a device has now."""

    push_token: PushToken


class PushDevice(Shape):
    """One of one's devices."""

    device_id: str
    platform: Platform
    created_at: Instant
    refreshed_at: Instant


class PushDevicePage(Shape):
    """One's devices."""

    items: list[PushDevice]
    next_cursor: str | None


class PushDevicesQuery(PageQuery):
    """How devices are paged."""

"""Shapes of trusted devices."""

from chalicelib.schemas.base import Instant, PageQuery, Shape


class TrustedDevice(Shape):
    """A device on which no second step is asked for."""

    device_id: str
    device_name: str | None
    trusted_at: Instant
    trusted_until: Instant


class TrustedDevicePage(Shape):
    """One's trusted devices."""

    items: list[TrustedDevice]
    next_cursor: str | None


class TrustedDevicesQuery(PageQuery):
    """How trusted devices are paged."""

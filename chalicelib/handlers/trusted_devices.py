"""Devices on which signing in asks for no second step."""

from chalicelib import errors
from chalicelib.clock import stamp
from chalicelib.domain.access import ACCOUNT
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import trusted_devices as shapes
from chalicelib.services import trusted_devices
from chalicelib.services.trusted_devices import TrustedDevice

routes = Routes(__name__)


@routes.get("/v1/me/trusted-devices", ACCOUNT, answer=shapes.TrustedDevicePage)
def list_devices(call: Call, query: shapes.TrustedDevicesQuery) -> Answer:
    """List the devices on which you need no second step."""
    page, next_cursor = paging.page(call, trusted_devices.find_all(call.actor), _place, query)
    return Answer(shapes.TrustedDevicePage(items=[_shape(device) for device in page], next_cursor=next_cursor))


@routes.delete("/v1/me/trusted-devices", ACCOUNT, status=204, errors=(errors.NotFound,))
def forget_all(call: Call) -> Answer:
    """Be asked for the second step on every device again."""
    trusted_devices.forget_all(call.actor)
    return Answer()


@routes.delete("/v1/me/trusted-devices/{trusted_device_id}", ACCOUNT, status=204)
def forget(call: Call) -> Answer:
    """Be asked for the second step on a device again."""
    trusted_devices.forget(call.actor, path_id(call, "trusted_device_id"))
    return Answer()


def _place(device: TrustedDevice) -> str:
    return f"{stamp(device.trusted_at)}#{device.device_id}"


def _shape(device: TrustedDevice) -> shapes.TrustedDevice:
    return shapes.TrustedDevice(
        device_id=device.device_id,
        device_name=device.device_name,
        trusted_at=device.trusted_at,
        trusted_until=device.trusted_until,
    )

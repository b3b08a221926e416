"""The devices on which one gets push messages."""

from chalicelib import errors
from chalicelib.domain.access import ACCOUNT
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.push_devices import PushDeviceView
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import push_devices as shapes
from chalicelib.services import push_devices

routes = Routes(__name__)


@routes.get("/v1/me/devices", ACCOUNT, answer=shapes.PushDevicePage)
def list_devices(call: Call, query: shapes.PushDevicesQuery) -> Answer:
    """List the devices on which you get push messages."""
    page, next_cursor = paging.page(call, push_devices.find_all(call.actor), _place, query)
    return Answer(shapes.PushDevicePage(items=[_shape(device) for device in page], next_cursor=next_cursor))


@routes.post(
    "/v1/me/devices",
    ACCOUNT,
    feature=Feature.PUSH,
    status=201,
    answer=shapes.PushDevice,
    creates=True,
    errors=(errors.Conflict,),
)
def register_device(call: Call, body: shapes.NewPushDevice) -> Answer:
    """Get push messages on a device; with the same token it is the same device again."""
    return Answer(_shape(push_devices.register(call.actor, body.platform, body.push_token, call.once)))


@routes.post(
    "/v1/me/devices/{device_id}/refresh",
    ACCOUNT,
    feature=Feature.PUSH,
    answer=shapes.PushDevice,
    errors=(errors.Conflict,),
)
def refresh_device(call: Call, body: shapes.PushDeviceRefresh) -> Answer:
    """Say that a device is still in use, and which token it has now."""
    return Answer(_shape(push_devices.refresh(call.actor, path_id(call, "device_id"), body.push_token)))


@routes.delete("/v1/me/devices/{device_id}", ACCOUNT, status=204, errors=(errors.Conflict,))
def remove_device(call: Call) -> Answer:
    """Get no more push messages on a device."""
    push_devices.remove(call.actor, path_id(call, "device_id"))
    return Answer()


def _place(device: PushDeviceView) -> str:
    return device.device_id


def _shape(device: PushDeviceView) -> shapes.PushDevice:
    return shapes.PushDevice(
        device_id=device.device_id,
        platform=device.platform,
        created_at=device.created_at,
        refreshed_at=device.refreshed_at,
    )

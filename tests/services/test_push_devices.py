"""What storage knows of push tokens and endpoints, as the workers use it."""

import uuid

import pytest

from chalicelib.models import push_devices
from chalicelib.models.push_devices import PushDevice
from chalicelib.models.transaction import transaction
from tests.support.portal import Person, Portal


def arn() -> str:
    return f"arn:aws:sns:us-east-1:123456789012:endpoint/APNS/portal/{uuid.uuid4()}"


def register(person: Person, token: str) -> str:
    body = {"platform": "ios", "push_token": token}
    made = person.call("POST", "/v1/me/devices", body, headers={"Idempotency-Key": str(uuid.uuid4())})
    device_id: str = made.json["device_id"]
    return device_id


def stored(person: Person, device_id: str) -> PushDevice:
    device = push_devices.find(person.session["account"]["account_id"], device_id)
    assert device is not None
    return device


def endpoints(portal: Portal, device_id: str) -> int:
    """How many rows say that an endpoint is this device's."""
    rows = [row for row in portal.rows("accounts") if row["pk"]["S"].startswith("endpoint#")]
    return sum(row["device_id"]["S"] == device_id for row in rows)


@pytest.fixture
def person(portal: Portal) -> Person:
    return portal.register()


@pytest.fixture
def token() -> str:
    return f"token:{uuid.uuid4().hex}"


@pytest.fixture
def device(person: Person, token: str) -> PushDevice:
    """A registered device with an endpoint."""
    device = stored(person, register(person, token))
    assert push_devices.note_endpoint(device, arn())
    return device


def test_a_device_is_found_by_its_endpoint(person: Person, device: PushDevice) -> None:
    found = push_devices.find_by_endpoint(device.endpoint_arn)
    assert found is not None
    assert found.key == device.key
    assert stored(person, device.device_id).endpoint_arn == device.endpoint_arn
    assert push_devices.find_by_endpoint(arn()) is None


def test_the_same_token_keeps_its_endpoint_and_another_has_none(
    portal: Portal, person: Person, device: PushDevice, token: str
) -> None:
    assert register(person, token) == device.device_id
    assert stored(person, device.device_id).endpoint_arn == device.endpoint_arn
    person.call("POST", f"/v1/me/devices/{device.device_id}/refresh", {"push_token": f"{token}-2"})
    assert not stored(person, device.device_id).endpoint_arn
    assert push_devices.find_by_endpoint(device.endpoint_arn) is None
    assert endpoints(portal, device.device_id) == 0


def test_a_new_endpoint_takes_the_place_of_the_one_before(portal: Portal, device: PushDevice) -> None:
    before = device.endpoint_arn
    assert push_devices.note_endpoint(device, arn())
    assert push_devices.find_by_endpoint(before) is None
    assert push_devices.find_by_endpoint(device.endpoint_arn) is not None
    assert endpoints(portal, device.device_id) == 1


@pytest.mark.parametrize("how", ["refreshed", "removed", "moved"])
def test_an_endpoint_of_a_token_that_is_no_longer_the_devices_is_not_kept(
    portal: Portal, person: Person, token: str, how: str
) -> None:
    """The worker asked for it while the token went elsewhere."""
    device = stored(person, register(person, token))
    if how == "refreshed":
        person.call("POST", f"/v1/me/devices/{device.device_id}/refresh", {"push_token": f"{token}-2"})
    elif how == "removed":
        person.call("DELETE", f"/v1/me/devices/{device.device_id}")
    else:
        register(portal.register(), token)
    assert not push_devices.note_endpoint(device, arn())
    assert endpoints(portal, device.device_id) == 0


@pytest.mark.parametrize("how", ["removed by its holder", "removed by the worker", "moved"])
def test_a_device_that_leaves_takes_its_endpoint_along(
    portal: Portal, person: Person, device: PushDevice, token: str, how: str
) -> None:
    if how == "moved":
        register(portal.register(), token)
    elif how == "removed by its holder":
        assert person.call("DELETE", f"/v1/me/devices/{device.device_id}").status == 204
    else:
        with transaction() as tx:
            push_devices.remove(tx, device)
    assert push_devices.find(device.pk, device.device_id) is None
    assert push_devices.find_by_endpoint(device.endpoint_arn) is None
    assert endpoints(portal, device.device_id) == 0
    assert person.get("/v1/me/devices").json["items"] == []

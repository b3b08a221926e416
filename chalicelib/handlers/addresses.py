"""The addresses that one's messages go to."""

from chalicelib import errors
from chalicelib.domain.access import ACCOUNT
from chalicelib.domain.addresses import AddressView
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import addresses as shapes
from chalicelib.services import addresses

routes = Routes(__name__)


@routes.get("/v1/me/addresses", ACCOUNT, answer=shapes.MessageAddressPage)
def list_addresses(call: Call, query: shapes.MessageAddressesQuery) -> Answer:
    """List the addresses that our messages to you go to, and whether they work."""
    page, next_cursor = paging.page(call, addresses.find_all(call.actor), _place, query)
    return Answer(shapes.MessageAddressPage(items=[_shape(address) for address in page], next_cursor=next_cursor))


@routes.post(
    "/v1/me/addresses/{address_id}/restore",
    ACCOUNT,
    status=204,
    errors=(errors.MessagesStopped, errors.Conflict, errors.TooManyRequests),
)
def restore_address(call: Call) -> Answer:
    """Try an address again that our messages came back from."""
    addresses.restore(call.actor, path_id(call, "address_id"))
    return Answer()


def _place(address: AddressView) -> str:
    return address.address_id


def _shape(address: AddressView) -> shapes.MessageAddress:
    return shapes.MessageAddress(
        address_id=address.address_id,
        channel=address.channel,
        address=address.masked,
        status=address.status,
        since=address.since,
    )

"""What moto's SES leaves out: its own list of addresses that bounced, which an address can be taken off."""

import json

from moto.core.exceptions import ServiceException
from moto.sesv2.responses import SESV2Response


class NotOnTheList(ServiceException):
    """The address is not on the account's list."""

    code = "NotFoundException"


suppressed: set[str] = set()
"""The addresses that SES would not send to."""


def install() -> None:
    """Mends moto's SES; calling it again changes nothing."""
    patches = [("delete_suppressed_destination", _delete_suppressed_destination)]
    for name, function in patches:
        setattr(SESV2Response, name, function)


def _delete_suppressed_destination(response: SESV2Response) -> str:
    address = str(response._get_param("EmailAddress"))
    if address not in suppressed:
        raise NotOnTheList(f"Email address {address} does not exist on your suppression list.")
    suppressed.discard(address)
    return json.dumps({})

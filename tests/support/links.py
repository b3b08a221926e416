"""Links of every purpose, for the tests of the pages that they open."""

from urllib.parse import urlencode
from uuid import uuid4

from chalicelib.domain.links import LinkPurpose
from tests.support.crowd import fresh_address
from tests.support.people import token_of
from tests.support.portal import Answer, Person, Portal

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NEW_PASSWORD = "quiet harbor lanterns glow"

OF_STRANGERS = frozenset({LinkPurpose.ACCEPT_INVITATION, LinkPurpose.OPEN_SHARE, LinkPurpose.STAFF_INVITATION})
"""Purposes of links for people who have no account yet."""

OF_ACCOUNTS = tuple(purpose for purpose in LinkPurpose if purpose not in OF_STRANGERS)


def path_of(portal: Portal, person: Person, purpose: LinkPurpose) -> str:
    """The path of the newest link of a purpose that somebody was sent."""
    from chalicelib.services import links

    return f"/l/{links.token(link_id_of(portal, person, purpose))}"


def link_id_of(portal: Portal, person: Person, purpose: LinkPurpose) -> str:
    """The id of the newest link of a purpose that somebody was sent."""
    portal.drain()
    account_id = account_id_of(person)
    if purpose is LinkPurpose.UNDO_CHANGE:
        name = f"changed-{uuid4().hex[:10]}"
        asked = portal.call("PUT", "/v1/me/username", {"username": name}, token=token_of(account_id))
        assert asked.status == 200, asked.text
    if purpose is LinkPurpose.REOPEN_ACCOUNT:
        closed = portal.call("DELETE", "/v1/me", token=token_of(account_id))
        assert closed.status == 200, closed.text
    if purpose is LinkPurpose.STOP_MESSAGES:
        return _new_stop_link(account_id)
    if purpose is LinkPurpose.RESET_PASSWORD:
        asked = portal.call("POST", "/v1/password-resets", {"identifier": person.username}, source_ip=fresh_address())
        assert asked.status == 202, asked.text
    rows = [row for row in portal.rows("accounts") if row.get("purpose", {}).get("S") == purpose]
    return str(max(row["pk"]["S"] for row in rows if row["account_id"]["S"] == account_id))


def account_id_of(person: Person) -> str:
    """The id of somebody's account, signed in or not."""
    account_id: str = person.session["account"]["account_id"]
    return account_id


def post(portal: Portal, path: str, **fields: str) -> Answer:
    """The page's form, posted."""
    return portal.call("POST", path, raw=urlencode(fields).encode(), headers=FORM)


def _new_stop_link(account_id: str) -> str:
    from chalicelib.models import links
    from chalicelib.models.transaction import transaction

    with transaction() as tx:
        link = links.create(tx, LinkPurpose.STOP_MESSAGES, account_id, about="results")
    return str(link.pk)

"""What links in email and SMS stand for: a purpose, whom it concerns, and whether it is over.

The link's secret is derived.
"""

from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition

from chalicelib import clock, ids
from chalicelib.domain.links import LASTS, REMEMBERED, TRIES, LinkEnd, LinkPurpose
from chalicelib.errors import LinkEnded
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Precedence, Transaction


class Link(AccountsTable, discriminator="link"):
    """One link; partition key is its id."""

    purpose = UnicodeAttribute()
    account_id = UnicodeAttribute()
    about = UnicodeAttribute()
    partner_id = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute()
    used_at = UnicodeAttribute(null=True)
    ended_at = UnicodeAttribute(null=True)
    tries = NumberAttribute(default=0)

    @property
    def is_over(self) -> bool:
        """Whether it does nothing any more, by the portal's clock."""
        return self.end is not None

    @property
    def end(self) -> LinkEnd | None:
        """Why it does nothing any more, by the portal's clock; None while it works."""
        if self.used_at:
            return LinkEnd.USED
        if self.ended_at:
            return LinkEnd.REPLACED
        if self.tries >= TRIES:
            return LinkEnd.TRIED
        return LinkEnd.EXPIRED if clock.stamp(clock.now()) >= self.expires_at else None


def create(
    tx: Transaction,
    purpose: LinkPurpose,
    account_id: str,
    *,
    about: str,
    partner_id: str | None = None,
    expires_at: datetime | None = None,
) -> Link:
    """A new link for an account, or, where `account_id` is empty, for somebody who has none yet.

    `about` says what it acts on: a keyed hash, an id, or the name of a type of notice. `partner_id` is the link that
    ends with this one.
    """
    expires_at = expires_at or clock.now() + LASTS[purpose]
    link = Link(
        ids.new_id("lnk"),
        "link",
        purpose=purpose,
        account_id=account_id,
        about=about,
        partner_id=partner_id,
        expires_at=clock.stamp(expires_at),
        ttl=clock.epoch(expires_at + REMEMBERED),
    )
    tx.create(link, error=None)
    return link


def find(link_id: str) -> Link | None:
    """A link."""
    return Link.find(link_id, "link")


def use(tx: Transaction, link: Link) -> None:
    """Spend a link, once."""
    now = clock.stamp(clock.now())
    tx.update(
        link,
        [Link.used_at.set(now)],
        condition=_is_open() & (Link.expires_at > now),
        error=LinkEnded(),
        precedence=Precedence.STATE,
    )


def end(tx: Transaction, link_id: str) -> None:
    """Let a link do nothing from now on, because another took its place or undid it; a used one stays used."""
    tx.update(
        Link(link_id, "link"),
        [Link.ended_at.set(clock.stamp(clock.now()))],
        condition=Link.pk.exists(),
        error=LinkEnded(),
    )


def remove(tx: Transaction, link_id: str) -> None:
    """A link that is not remembered either."""
    tx.delete(Link(link_id, "link"))


def take_try(link: Link) -> None:
    """Reserve one of the link's tries. Raises LinkEnded where none is left."""
    try:
        link.update([Link.tries.add(1)], condition=(Link.tries < TRIES) & _is_open())
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            raise LinkEnded from refused
        with storage_errors():
            raise


def give_back_try(link: Link) -> None:
    """The try was right: it does not count."""
    with storage_errors():
        link.update([Link.tries.add(-1)], condition=Link.pk.exists())


def _is_open() -> Condition:
    is_unused: Condition = Link.used_at.does_not_exist() & Link.ended_at.does_not_exist()
    return is_unused

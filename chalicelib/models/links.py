"""What links in email and SMS stand for: a purpose, whom it concerns, and whether it is over.

The link's secret is derived.
"""

from datetime import timedelta

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError

from chalicelib import clock, ids
from chalicelib.errors import LinkEnded
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Precedence, Transaction

TRIES = 5
"""Wrong birth dates after which a link is dead."""

# A used or expired link is still known for a while, so that its page can say so.
_REMEMBERED = timedelta(days=90)


class Link(AccountsTable, discriminator="link"):
    """One link; partition key is its id."""

    purpose = UnicodeAttribute()
    account_id = UnicodeAttribute()
    about = UnicodeAttribute()
    expires_at = UnicodeAttribute()
    used_at = UnicodeAttribute(null=True)
    tries = NumberAttribute(default=0)

    @property
    def is_over(self) -> bool:
        """Used, expired, or dead of wrong tries, by the portal's clock."""
        return bool(self.used_at) or clock.stamp(clock.now()) >= self.expires_at or self.tries >= TRIES


def create(tx: Transaction, purpose: str, account_id: str, lasts: timedelta, *, about: str) -> Link:
    """A new link for an account; `about` is the keyed hash of what it acts on."""
    expires_at = clock.now() + lasts
    link = Link(
        ids.new_id("lnk"),
        "link",
        purpose=purpose,
        account_id=account_id,
        about=about,
        expires_at=clock.stamp(expires_at),
        ttl=clock.epoch(expires_at + _REMEMBERED),
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
        condition=Link.used_at.does_not_exist() & (Link.expires_at > now),
        error=LinkEnded(),
        precedence=Precedence.STATE,
    )


def take_try(link: Link) -> None:
    """Reserve one of the link's tries. Raises LinkEnded where none is left."""
    try:
        link.update([Link.tries.add(1)], condition=(Link.tries < TRIES) & Link.used_at.does_not_exist())
    except UpdateError as refused:
        if refused.cause_response_code == "ConditionalCheckFailedException":
            raise LinkEnded from refused
        with storage_errors():
            raise


def give_back_try(link: Link) -> None:
    """The try was right: it does not count."""
    with storage_errors():
        link.update([Link.tries.add(-1)], condition=Link.pk.exists())

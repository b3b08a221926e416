"""Whether a share opens at this moment: it shows no more than whoever made it sees now, and ends when they may not."""

from collections.abc import Iterable

from chalicelib.domain.records.sight import sight_of
from chalicelib.domain.shares import SHARING, ShareEnd
from chalicelib.models import accounts
from chalicelib.models import exports as export_storage
from chalicelib.models import shares as storage
from chalicelib.models.accounts import Account
from chalicelib.models.base import together
from chalicelib.models.exports import Export
from chalicelib.models.shares import Share
from chalicelib.services import access, holders


def find_end(share: Share, account: Account | None, copies: Iterable[Export]) -> ShareEnd | None:
    """Why a share opens no more; None while it does. `account` made it, `copies` are what it is made of so far."""
    if share.end is not None:
        return share.end
    if account is None or account.disabled or account.closing_id:
        return ShareEnd.LOST
    reach = access.find_reach(holders.holder(account), SHARING, share.patient_id)
    if reach is None or not set(share.wanted.categories) <= sight_of(reach).categories:
        return ShareEnd.LOST
    sight = sight_of(reach)
    shows = all(one.seen is None or one.seen.may_be_had_by(reach.patient_ids, sight) for one in copies)
    return None if shows else ShareEnd.LOST


def end_of_link(account: Account, share_id: str) -> ShareEnd | None:
    """Why the share of an account's link opens no more. A share that is not there any more has expired."""
    share = storage.find(account.pk, share_id)
    return find_end(share, account, find_copies(share)) if share is not None else ShareEnd.EXPIRED


def find_copies(share: Share) -> list[Export]:
    """What a share is made of, as far as it is there."""
    found = export_storage.find_some(share.pk, share.export_ids.values())
    return list(found.values())


def find_whole(account_id: str, share_id: str) -> tuple[Share | None, Account | None, list[Export]]:
    """A share, who made it, and what it is made of: two round trips."""
    share, account = together(
        lambda: storage.find(account_id, share_id),
        lambda: accounts.find_account(account_id),
    )
    return share, account, find_copies(share) if share is not None else []

"""Who works at the clinic, in the accounts table: every member, invited or signed up, in one partition."""

import json
from collections.abc import Iterable

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.domain.staff import Role, StaffState
from chalicelib.errors import LastAdmin, LinkEnded, StaleVersion
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import storage_errors
from chalicelib.models.transaction import Precedence, Transaction

STAFF = "staff"
"""The partition of all members."""

PREFIX = "stf"
_ADMINS = "admins"


class StaffMember(AccountsTable, discriminator="staff_member"):
    """One member; sort key is its id. Until its holder has set up an account it waits on a link."""

    name = UnicodeAttribute()
    email = UnicodeAttribute()
    roles = UnicodeAttribute()
    practitioner_id = UnicodeAttribute(null=True)
    language = UnicodeAttribute()
    account_id = UnicodeAttribute(null=True)
    username = UnicodeAttribute(null=True)
    link_id = UnicodeAttribute()
    disabled = BooleanAttribute(default=False)
    created_at = UnicodeAttribute()
    version = NumberAttribute(default=1)

    @property
    def staff_id(self) -> str:
        """Its id."""
        return self.sk

    @property
    def all_roles(self) -> frozenset[Role]:
        """What the member does at the clinic."""
        return frozenset(Role(role) for role in json.loads(self.roles))

    @property
    def state(self) -> StaffState:
        """How far the member is."""
        if self.disabled:
            return StaffState.DISABLED
        return StaffState.ACTIVE if self.account_id else StaffState.INVITED

    @property
    def is_acting_admin(self) -> bool:
        """Whether this is one of those of whom the last must stay."""
        return self.state is StaffState.ACTIVE and Role.ADMIN in self.all_roles


class AdminCount(AccountsTable, discriminator="admin_count"):
    """How many admins can sign in; counted in the transactions that make or end one."""

    number = NumberAttribute(default=0)


def find_all() -> list[StaffMember]:
    """Every member, the oldest first."""
    with storage_errors():
        return list(StaffMember.query(STAFF, StaffMember.sk.startswith(f"{PREFIX}_"), consistent_read=True))


def find(staff_id: str) -> StaffMember | None:
    """A member."""
    return StaffMember.find(STAFF, staff_id) if ids.has_prefix(staff_id, PREFIX) else None


def new_member(
    *, name: str, email: str, roles: Iterable[Role], practitioner_id: str | None, language: str
) -> StaffMember:
    """A member who is yet to be invited by a link."""
    return StaffMember(
        STAFF,
        ids.new_id(PREFIX),
        name=name,
        email=email,
        roles=json.dumps(sorted(roles)),
        practitioner_id=practitioner_id,
        language=language,
        created_at=clock.stamp(clock.now()),
        version=1,
    )


def create(tx: Transaction, member: StaffMember) -> None:
    """A new member."""
    tx.create(member, error=None)


def invite_again(tx: Transaction, member: StaffMember, link_id: str) -> None:
    """Let another link be the one that sets up the account. Raises StaleVersion where something changed meanwhile."""
    tx.update(
        member,
        [StaffMember.link_id.set(link_id), StaffMember.version.add(1)],
        condition=StaffMember.version == member.version,
        error=StaleVersion(),
    )


def join(tx: Transaction, member: StaffMember, account_id: str, username: str) -> None:
    """An invited member has an account. Raises LinkEnded where another link, or somebody else, was first."""
    tx.update(
        member,
        [StaffMember.account_id.set(account_id), StaffMember.username.set(username), StaffMember.version.add(1)],
        condition=(StaffMember.version == member.version) & StaffMember.account_id.does_not_exist(),
        error=LinkEnded(),
        precedence=Precedence.STATE,
    )
    if Role.ADMIN in member.all_roles:
        _count_admins(tx, 1)


def edit(tx: Transaction, before: StaffMember, after: StaffMember, expected_version: int) -> None:
    """Change a member of an expected version. Raises StaleVersion, and LastAdmin where nobody would be left."""
    practitioner = StaffMember.practitioner_id
    tx.update(
        before,
        [
            StaffMember.name.set(after.name),
            StaffMember.roles.set(after.roles),
            practitioner.set(after.practitioner_id) if after.practitioner_id else practitioner.remove(),
            StaffMember.disabled.set(after.disabled),
            StaffMember.version.add(1),
        ],
        condition=StaffMember.version == expected_version,
        error=StaleVersion(),
        precedence=Precedence.STATE,
    )
    if change := after.is_acting_admin - before.is_acting_admin:
        _count_admins(tx, change)


def _count_admins(tx: Transaction, change: int) -> None:
    row = AdminCount(STAFF, _ADMINS)
    condition = AdminCount.number > 1 if change < 0 else None
    tx.update(row, [AdminCount.number.add(change)], condition=condition, error=LastAdmin() if change < 0 else None)

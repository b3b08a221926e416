"""The clinic's staff: invited by link, with a second factor always, their roles changed and ended at once.

The first admin is invited by the operator's command, everybody else by an admin.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass

from chalicelib import clock, ids
from chalicelib.auth import hashing, recovery_codes, totp
from chalicelib.auth.peppers import peppers
from chalicelib.domain import identity, passwords
from chalicelib.domain.access import SYSTEM, Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.legal import VERSIONS, LegalKind
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.domain.second_factors import RECOVERY_CODES, Factor
from chalicelib.domain.staff import Role, StaffView
from chalicelib.errors import EmailTaken, FieldError, Forbidden, Invalid, LinkEnded, NotFound, StaffJoined, WrongCode
from chalicelib.models import accounts, audit, links, outbox, second_factors
from chalicelib.models import staff as storage
from chalicelib.models.accounts import Account
from chalicelib.models.links import Link
from chalicelib.models.staff import StaffMember
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import links as link_service
from chalicelib.services.once import Once
from chalicelib.services.strangers import Stranger
from chalicelib.settings import settings

STRANGER = "staff_invitation"
"""By which prefix the outbox names a member who is invited."""


@dataclass(frozen=True, slots=True)
class NewMember:
    """Somebody who shall work with the portal; `email` is their address at work."""

    name: str
    email: str
    roles: Collection[Role]
    practitioner_id: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What an invited member chose, and the authenticator app that they set up, by the id of the factor."""

    username: str
    password: str
    factor_id: str


def invite(actor: Actor, new: NewMember, once: Once) -> StaffView:
    """Send somebody a link at which they set up their account. Raises EmailTaken."""
    if replayed := once.find():
        return find(replayed["staff_id"])
    _check_email(new.email)
    member = _member(new)

    def change(tx: Transaction) -> dict[str, str]:
        _create(tx, actor, member)
        _post(tx, member)
        return {"staff_id": member.staff_id}

    return find(once.commit(change)["staff_id"])


def invite_by_hand(new: NewMember) -> str:
    """The link of a member whom the operator invites; nothing is sent. Raises EmailTaken."""
    _check_email(new.email)
    member = _member(new)
    with transaction() as tx:
        _create(tx, SYSTEM, member)
    return link_service.url(member.link_id)


def invite_again(actor: Actor, staff_id: str, once: Once) -> StaffView:
    """Send another link; the one before does nothing any more.

    Who has an account and lost every second factor of it sets it up anew. Raises NotFound, and StaffJoined for somebody
    who has a second factor or was disabled.
    """
    member = _find(staff_id)
    if once.find():
        return _view(member)
    if not _waits(member, _account_of(member)):
        raise StaffJoined

    def change(tx: Transaction) -> dict[str, str]:
        links.end(tx, member.link_id)
        link = _new_link(tx, member)
        storage.invite_again(tx, member, link.pk)
        _post(tx, member)
        _audit(tx, actor, Action.STAFF_INVITE, member, link_id=link.pk)
        return {"staff_id": staff_id}

    once.commit(change)
    return find(staff_id)


def _waits(member: StaffMember, account: Account | None) -> bool:
    """Whether a link has anything to set up: staff without a second factor cannot sign in."""
    return not member.disabled and (account is None or not account.bound_factors)


def _account_of(member: StaffMember) -> Account | None:
    return accounts.find_account(member.account_id) if member.account_id else None


def _check_email(email: str) -> None:
    if accounts.find_email_owner_id(identity.canonical_email(email)) is not None:
        raise EmailTaken


def _member(new: NewMember) -> StaffMember:
    return storage.new_member(
        name=new.name,
        email=new.email,
        roles=new.roles,
        practitioner_id=new.practitioner_id,
        language=new.language,
    )


def _create(tx: Transaction, actor: Actor, member: StaffMember) -> None:
    member.link_id = _new_link(tx, member).pk
    storage.create(tx, member)
    _audit(tx, actor, Action.STAFF_INVITE, member, link_id=member.link_id, roles=sorted(member.all_roles))


def _new_link(tx: Transaction, member: StaffMember) -> Link:
    return links.create(tx, LinkPurpose.STAFF_INVITATION, "", about=member.staff_id)


def _post(tx: Transaction, member: StaffMember) -> None:
    outbox.post(tx, Notice(NoticeKind.STAFF_INVITATION, stranger=f"{STRANGER}:{member.staff_id}"))


def stranger(staff_id: str) -> Stranger | None:
    """Whom an invitation is sent to; None for a member who has joined, or whom nobody waits for any more."""
    member = storage.find(staff_id)
    if member is None or not _waits(member, _account_of(member)):
        return None
    link = links.find(member.link_id)
    if link is None or link.is_over:
        return None
    values: dict[str, object] = {"link": link_service.url(link.pk), "expires_at": clock.read_stamp(link.expires_at)}
    return Stranger(member.language, str(settings().clinic_zone), email=member.email, values=values)


def find_all() -> list[StaffView]:
    """Every member, the newest first."""
    return [_view(member) for member in reversed(storage.find_all())]


def find(staff_id: str) -> StaffView:
    """One member. Raises NotFound."""
    return _view(_find(staff_id))


def edit(actor: Actor, staff_id: str, expected_version: int, changes: dict[str, object]) -> StaffView:
    """Change name, roles, practitioner or whether somebody is disabled; `changes` are by the names of the row.

    Other roles and disabling end all of the member's sessions at once. Raises NotFound, StaleVersion, Forbidden for
    whoever gives more to themselves, and LastAdmin where nobody would be left who could manage the staff.
    """
    before, after = _find(staff_id), _find(staff_id)
    for name, value in changes.items():
        setattr(after, name, json.dumps(sorted(set(value))) if isinstance(value, list) else value)
    is_more = after.all_roles - before.all_roles or after.practitioner_id not in {None, before.practitioner_id}
    if before.account_id == actor.id and is_more:
        raise Forbidden
    with transaction() as tx:
        storage.edit(tx, before, after, expected_version)
        if before.account_id:
            _edit_account(tx, before, after)
        elif after.disabled:
            links.end(tx, before.link_id)
        _audit(tx, actor, Action.STAFF_EDIT, after, fields=sorted(changes), roles=sorted(after.all_roles))
    return find(staff_id)


def _edit_account(tx: Transaction, before: StaffMember, after: StaffMember) -> None:
    accounts.edit_staff(
        tx,
        str(before.account_id),
        roles=after.all_roles,
        practitioner_id=after.practitioner_id,
        disabled=bool(after.disabled),
        ends_sessions=before.all_roles != after.all_roles or bool(after.disabled),
    )


def check_choice(link_token: str, username: str, password: str) -> None:
    """What an invited member chose so far. Raises NotFound, LinkEnded, and Invalid naming what is to be mended.

    With the second factor that staff always have, 8 characters are enough (PW 1).
    """
    _, member, account = _open(link_token)
    errors = _username_errors(username, member, account)
    values: dict[str, object] = {
        "minimum": passwords.SHORTEST_WITH_SECOND_FACTOR,
        "maximum": passwords.LONGEST,
    }
    own_words = [username, member.email, *member.name.split(), settings().clinic_name]
    errors += [
        FieldError("/new_password", f"password_{reason}", values)
        for reason in passwords.check(password, minimum=passwords.SHORTEST_WITH_SECOND_FACTOR, own_words=own_words)
    ]
    if errors:
        raise Invalid(errors)


def _username_errors(username: str, member: StaffMember, account: Account | None) -> list[FieldError]:
    """What is wrong with the name of a new account, or that it is not the one of an account that is set up anew."""
    username_key = identity.canonical_username(username)
    if account is not None:
        return [] if username_key == account.username_key else [FieldError("/username", "username_not_own")]
    found = identity.check_username(username, own_email=member.email)
    if not found and accounts.find_account_id(username_key) is not None:
        return [FieldError("/username", "username_taken")]
    return [FieldError("/username", f"username_{reason}") for reason in found]


def join(link_token: str, chosen: Choice, code: str) -> list[str]:
    """Open the account of an invited member with its second factor; returns the recovery codes, shown this once.

    An account whose second factors were lost gets a new one and another password. Raises NotFound, LinkEnded,
    WrongCode, Invalid as `check_choice` does, EmailTaken, UsernameTaken, and Conflict where the account was changed at
    the same moment.
    """
    link, member, known = _open(link_token)
    counter = totp.find_counter(chosen.factor_id, code, clock.now())
    if counter is None:
        raise WrongCode
    check_choice(link_token, chosen.username, chosen.password)
    account, codes = known or _account(member, chosen), recovery_codes.new_codes(RECOVERY_CODES)
    with transaction() as tx:
        if known is None:
            accounts.create_account(tx, account)
            accounts.claim_email(tx, account.pk, identity.canonical_email(member.email))
            storage.join(tx, member, account.pk, account.username)
        else:
            new_hash = hashing.hash(chosen.password, peppers())
            accounts.note_second_factors(tx, known, [Factor.TOTP], password_hash=new_hash)
            outbox.post(tx, Notice(NoticeKind.SECOND_FACTOR_CHANGED, known.pk, {"by": ActorKind.ACCOUNT}))
        second_factors.put_totp(tx, account.pk, chosen.factor_id, counter)
        hashes = [recovery_codes.code_hash(account.pk, one) for one in codes]
        second_factors.put_recovery_codes(tx, account.pk, hashes)
        links.use(tx, link)
        holder = Actor(ActorKind.ACCOUNT, account.pk)
        member.account_id = account.pk
        _audit(tx, holder, Action.STAFF_JOIN, member, link_id=link.pk)
    return codes


def _open(link_token: str) -> tuple[Link, StaffMember, Account | None]:
    """The link of a member who waits, and their account where they have one."""
    link = link_service.find_open(link_token)
    if link.purpose != LinkPurpose.STAFF_INVITATION:
        raise NotFound
    member = storage.find(link.about)
    account = _account_of(member) if member is not None else None
    if member is None or not _waits(member, account):
        raise LinkEnded
    return link, member, account


def _account(member: StaffMember, chosen: Choice) -> Account:
    return Account(
        ids.new_id("acc"),
        accounts.PRINCIPAL,
        username=chosen.username.strip(),
        username_key=identity.canonical_username(chosen.username),
        email=member.email,
        language=member.language,
        time_zone=str(settings().clinic_zone),
        password_hash=hashing.hash(chosen.password, peppers()),
        terms_version=VERSIONS[LegalKind.TERMS],
        roles=set(member.all_roles),
        practitioner_id=member.practitioner_id,
        second_factors=json.dumps([Factor.TOTP]),
        created_at=clock.stamp(clock.now()),
        credentials_version=1,
        version=1,
    )


def _find(staff_id: str) -> StaffMember:
    member = storage.find(staff_id)
    if member is None:
        raise NotFound
    return member


def _view(member: StaffMember) -> StaffView:
    return StaffView(
        staff_id=member.staff_id,
        name=member.name,
        email=member.email,
        username=member.username,
        roles=tuple(sorted(member.all_roles)),
        practitioner_id=member.practitioner_id,
        state=member.state,
        created_at=clock.read_stamp(member.created_at),
        version=int(member.version),
    )


def _audit(tx: Transaction, actor: Actor, action: Action, member: StaffMember, **more: object) -> None:
    about: dict[str, object] = {"staff_id": member.staff_id, **more}
    audit.record(tx, Entry(actor, action, account_id=member.account_id, about=about))

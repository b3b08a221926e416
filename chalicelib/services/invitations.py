"""Inviting caregivers by a link, and what becomes of it: accepted with an account, or declined."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock, ids
from chalicelib.auth import limits
from chalicelib.auth.limits import Limit
from chalicelib.domain import identity
from chalicelib.domain.access import NOBODY, Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.caregivers import CaregiverStatus, Grant, Relation, Scope
from chalicelib.domain.links import LASTS, LinkPurpose
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.errors import (
    BelowMinimumAge,
    CaregiverLimitReached,
    Conflict,
    LinkEnded,
    NotFound,
    OwnInvitation,
    TooManyRequests,
)
from chalicelib.models import accounts, audit, links, outbox, patients
from chalicelib.models import caregivers as storage
from chalicelib.models.base import together
from chalicelib.models.caregivers import GrantRow, Invitation
from chalicelib.models.links import Link
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import caregivers, clinic_settings, grants
from chalicelib.services import links as link_service
from chalicelib.services.caregivers import CaregiverView, InCare
from chalicelib.services.once import Once
from chalicelib.services.strangers import Stranger
from chalicelib.settings import settings

STRANGER = "invitation"
"""By which prefix the outbox names somebody who is invited."""

INVITATIONS = Limit(tries=20, seconds=24 * 3600)
"""How often a patient may invite somebody."""

MOST = 30
"""Caregivers that a patient may have at once, those who were invited among them."""


@dataclass(frozen=True, slots=True)
class NewCaregiver:
    """Whom a patient invites, and what they shall see and do. The email need be no account's."""

    email: str
    scopes: Collection[Scope]
    relation: Relation
    expires_at: datetime | None
    sees_sensitive: bool
    language: str


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation that waits for an answer, and the account of the patient who is told of it."""

    link: Link
    invitation: Invitation
    patient_account_id: str | None

    @property
    def patient_id(self) -> str:
        """Whom the invitee is to look after."""
        return str(self.invitation.pk)

    @property
    def caregiver_id(self) -> str:
        """The id under which the patient knows the invitee."""
        return str(self.invitation.caregiver_id)


def invite(actor: Actor, patient_id: str, new: NewCaregiver, once: Once) -> CaregiverView:
    """Send somebody a link at which they become a caregiver; an earlier one to the same address does nothing any more.

    Raises Invalid for an end in the past, TooManyRequests, CaregiverLimitReached, and Conflict where two invited at
    the same moment.
    """
    bucket = f"invitations:{patient_id}"
    replayed, offers, (window,) = together(
        once.find, lambda: storage.find_offers(patient_id), lambda: limits.look({bucket: INVITATIONS})
    )
    if replayed:
        return caregivers.find(patient_id, replayed["caregiver_id"])
    caregivers.check_end(new.expires_at)
    if window.is_full:
        raise TooManyRequests(retry_after=window.opens_in)
    replaced = [one for one in offers if isinstance(one, Invitation) and _is_replaced(one, new.email)]
    if sum(not _is_over(one) for one in offers if one not in replaced) >= MOST:
        raise CaregiverLimitReached

    def change(tx: Transaction) -> dict[str, str]:
        limits.spend_in(tx, window, error=Conflict())
        for one in replaced:
            caregivers.withdraw(tx, one)
        return {"caregiver_id": _invite(tx, actor, patient_id, new)}

    return caregivers.find(patient_id, once.commit(change)["caregiver_id"])


def _is_replaced(invitation: Invitation, email: str) -> bool:
    """Whether a new invitation to an address takes the place of this one; what nobody answers is cleared away too."""
    is_same = invitation.email and identity.canonical_email(invitation.email) == identity.canonical_email(email)
    return bool(is_same) or invitation.status is not CaregiverStatus.INVITED


def _is_over(offer: GrantRow | Invitation) -> bool:
    """Whether a caregiver's time has passed: such a one is still listed, but takes nobody's place."""
    return offer.ends_at is not None and offer.ends_at <= clock.now()


def _invite(tx: Transaction, actor: Actor, patient_id: str, new: NewCaregiver) -> str:
    grant = Grant(
        "",
        frozenset(new.scopes),
        new.expires_at,
        sees_sensitive=new.sees_sensitive,
        relation=new.relation,
        caregiver_id=ids.new_id("cgv"),
        email=new.email,
    )
    purpose = LinkPurpose.ACCEPT_INVITATION
    link = links.create(tx, purpose, "", about=f"{patient_id}#{grant.caregiver_id}")
    until = clock.now() + LASTS[purpose]
    storage.invite(tx, storage.new_invitation(patient_id, grant, link.pk, until, new.language))
    outbox.post(tx, Notice(NoticeKind.CAREGIVER_INVITATION, stranger=f"{STRANGER}:{link.pk}"))
    about: dict[str, object] = {"caregiver_id": grant.caregiver_id, "link_id": link.pk, "scopes": sorted(grant.scopes)}
    audit.record(tx, Entry(actor, Action.CAREGIVER_INVITE, patient_id=patient_id, about=about))
    return grant.caregiver_id


def stranger(link_id: str) -> Stranger | None:
    """Whom an invitation is sent to; None where nobody waits for an answer any more."""
    link = links.find(link_id)
    invitation = _invitation_of(link) if link is not None and not link.is_over else None
    if invitation is None or invitation.email is None:
        return None
    values: dict[str, object] = {
        "link": link_service.url(link_id),
        "expires_at": clock.read_stamp(invitation.link_expires_at),
    }
    return Stranger(invitation.language, str(settings().clinic_zone), email=invitation.email, values=values)


def find_open(token: str) -> OpenInvitation:
    """The invitation of a link's token. Raises NotFound, and LinkEnded where nobody waits for an answer any more."""
    link = _link(token)
    invitation = _invitation_of(link)
    if link.is_over or invitation is None or invitation.status is not CaregiverStatus.INVITED:
        raise LinkEnded
    return OpenInvitation(link, invitation, accounts.find_patient_account_id(str(invitation.pk)))


def accept_in(tx: Transaction, opened: OpenInvitation, account_id: str, name: str | None = None) -> None:
    """Make the holder of an account a caregiver, as they were invited; `name` is what they are called.

    Raises LinkEnded at the commit, where the invitation was used, changed or taken back meanwhile.
    """
    offer = opened.invitation
    grant = Grant(
        account_id,
        offer.all_scopes,
        offer.ends_at,
        sees_sensitive=offer.sees_sensitive,
        relation=Relation(offer.relation),
        caregiver_id=opened.caregiver_id,
        decided_at=clock.read_stamp(offer.decided_at) if offer.decided_at else None,
        name=name,
        email=offer.email,
    )
    storage.remove_invitation(tx, offer)
    storage.put_grant(tx, opened.patient_id, grant)
    links.use(tx, opened.link)
    if opened.patient_account_id:
        outbox.post(tx, Notice(NoticeKind.CAREGIVER_ADDED, opened.patient_account_id))
    about: dict[str, object] = {"caregiver_id": opened.caregiver_id, "link_id": opened.link.pk}
    holder = Actor(ActorKind.ACCOUNT, account_id)
    audit.record(tx, Entry(holder, Action.CAREGIVER_ADD, patient_id=opened.patient_id, about=about))


def accept(actor: Actor, token: str) -> InCare:
    """Become a caregiver with the account that one has; who did so before is told the same again.

    Raises NotFound, LinkEnded, OwnInvitation for the patient themselves, and BelowMinimumAge.
    """
    if (known := _find_accepted(actor, token)) is not None:
        return known
    opened = find_open(token)
    if actor.patient_id == opened.patient_id:
        raise OwnInvitation
    with transaction() as tx:
        accept_in(tx, opened, actor.id, _name_of(actor))
    known = _find_accepted(actor, token)
    if known is None:
        raise LinkEnded
    return known


def _name_of(actor: Actor) -> str | None:
    """What a patient who looks after another is called. Raises BelowMinimumAge."""
    own = patients.find(actor.patient_id) if actor.patient_id else None
    if own is None:
        return None
    minimum_age, zone = clinic_settings.rules().minimum_age, settings().clinic_zone
    if own.birth_date and not identity.is_of_age(own.birth_date, clock.now(), zone, minimum_age):
        raise BelowMinimumAge(minimum_age=minimum_age)
    return own.display_name


def _find_accepted(actor: Actor, token: str) -> InCare | None:
    """What the caller has of the patient whose invitation they accepted before."""
    patient_id, _, caregiver_id = _link(token).about.partition("#")
    tie = storage.find_tie(patient_id, actor.id)
    grant = grants.now(tie.patient, tie.grant) if tie and tie.grant.caregiver_id == caregiver_id else None
    return caregivers.in_care(tie.patient, grant) if tie and grant else None


def decline(token: str) -> None:
    """Say no to an invitation; who has the link may do so. Raises NotFound and LinkEnded."""
    opened = find_open(token)
    with transaction() as tx:
        storage.decline(tx, opened.invitation)
        links.use(tx, opened.link)
        about: dict[str, object] = {"caregiver_id": opened.caregiver_id, "link_id": opened.link.pk}
        audit.record(tx, Entry(NOBODY, Action.CAREGIVER_DECLINE, patient_id=opened.patient_id, about=about))


def _link(token: str) -> Link:
    link = link_service.find(token)
    if link.purpose != LinkPurpose.ACCEPT_INVITATION:
        raise NotFound
    return link


def _invitation_of(link: Link) -> Invitation | None:
    patient_id, _, caregiver_id = link.about.partition("#")
    return storage.find_invitation(patient_id, caregiver_id)

"""A new password for somebody who forgot theirs: asked for, proved by what their mailbox got, set (RC 1-6 and 8)."""

import json
from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock, ids
from chalicelib.auth import hashing, limits, pace, secrets
from chalicelib.auth.peppers import peppers
from chalicelib.domain import security_questions
from chalicelib.domain.access import NOBODY, Actor, ActorKind
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.errors import Invalid, LinkEnded, ResetNotAccepted, SecurityAnswerRequired, Unavailable
from chalicelib.models import accounts, audit, links, outbox, password_resets
from chalicelib.models.accounts import Account
from chalicelib.models.base import together
from chalicelib.models.links import Link
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services import clinic_settings, passwords, recipients, recovery
from chalicelib.services import links as link_service
from chalicelib.services import sessions as session_service

_WHAT = "password-reset"


@dataclass(frozen=True, slots=True)
class Requested:
    """A reset that was asked for, whether anybody will hear of it or not; `expires_at` is aware, in UTC."""

    reset_id: str
    expires_at: datetime


def request(identifier: str, source_ip: str) -> Requested:
    """Send a code and a link to whoever has a username or an email address: by email, by SMS where they have none.

    Who asks gets the same answer whether anybody has it, and whether anything is sent. Raises TooManyRequests for a
    source address that asks too often.
    """
    with pace.at_least(recovery.SECONDS):
        _, recipient = together(
            lambda: recovery.check_source(_WHAT, source_ip),
            lambda: recipients.find(identifier, NoticeKind.PASSWORD_RESET),
        )
        link = recovery.write(_WHAT, recipient, _start)
    return Requested(f"rst_{link.pk.removeprefix('lnk_')}", clock.read_stamp(link.expires_at))


def _start(tx: Transaction, account_id: str) -> Link:
    link = links.create(tx, LinkPurpose.RESET_PASSWORD, account_id, about=account_id)
    password_resets.start(tx, link)
    about: dict[str, object] = {"link_id": link.pk}
    audit.record(tx, Entry(NOBODY, Action.ACCOUNT_PASSWORD_RESET_REQUEST, account_id=account_id, about=about))
    outbox.post(tx, Notice(NoticeKind.PASSWORD_RESET, account_id, {"link_id": link.pk}))
    return link


def confirm(
    reset_id: str, *, otp: str | None, token: str | None, new_password: str, security_answer: str | None
) -> None:
    """Set a new password with the code or the link's token of a reset.

    Raises ResetNotAccepted, the same for whatever is wrong with the reset; once the code is right, Invalid for a
    password that is refused, and SecurityAnswerRequired.
    """
    link = links.find(f"lnk_{reset_id.removeprefix('rst_')}") if ids.has_prefix(reset_id, "rst") else None
    if link is None or link.purpose != LinkPurpose.RESET_PASSWORD:
        raise ResetNotAccepted
    # Whatever is wrong takes the same steps, so that the time taken does not tell a used reset from a wrong code.
    is_right = _is_right(link, otp, token)
    if not _take_try(link) or not is_right:
        raise _refusal(link)
    links.give_back_try(link)
    confirm_link(link, new_password, security_answer)


def _is_right(link: Link, otp: str | None, token: str | None) -> bool:
    if otp is not None:
        return secrets.same("".join(otp.replace("-", " ").split()), link_service.code(link.pk))
    return secrets.same(token or "", link_service.token(link.pk))


def _take_try(link: Link) -> bool:
    try:
        links.take_try(link)
    except LinkEnded:
        return False
    return clock.stamp(clock.now()) < link.expires_at


def _refusal(link: Link) -> ResetNotAccepted:
    """Every reason is one answer; that it happened is kept for the account's holder."""
    about: dict[str, object] = {"link_id": link.pk}
    entry = Entry(NOBODY, Action.ACCOUNT_PASSWORD_RESET_REFUSE, account_id=link.account_id, about=about)
    audit.record_alone(entry)
    return ResetNotAccepted()


def confirm_link(link: Link, new_password: str, security_answer: str | None) -> None:
    """Set a new password for the account of a link whose holder has proved to have it.

    Every session of the account ends, and none begins. Raises as `confirm` does.
    """
    account = password_resets.find_account(link)
    if account is None or account.disabled or link.purpose != LinkPurpose.RESET_PASSWORD:
        raise _refusal(link)
    if errors := passwords.check(account, new_password):
        raise Invalid(errors)
    _check_answer(account, link, security_answer)
    new_hash = hashing.hash(new_password, peppers())
    # Strangers who guessed at the old password shall not keep its owner from signing in with the new one.
    limits.clear(session_service.account_bucket(account.username_key))
    _commit(account, link, new_hash, is_short=passwords.is_short(new_password))


def _check_answer(account: Account, link: Link, answer: str | None) -> None:
    """Where the clinic asks one, the account's security question; a reserved answer comes before any hash."""
    question = _question(account, link)
    if question is None:
        return
    question_id, stored = question
    if not (answer or "").strip():
        raise SecurityAnswerRequired(question_id)
    if not password_resets.take_answer(link):
        raise _refusal(link)
    if not hashing.verify(stored, security_questions.normalise_answer(answer or ""), peppers()):
        refused = _refusal(link)
        raise SecurityAnswerRequired(question_id) if password_resets.is_running(link) else refused
    password_resets.give_back_answer(link)


def _question(account: Account, link: Link) -> tuple[str, str] | None:
    """The id of the question and the hash of its answer: the same one for as long as the reset lives."""
    answers = json.loads(account.security_answers)
    if not clinic_settings.rules().security_questions or not answers:
        return None
    place = int.from_bytes(secrets.derive("security-question", link.pk, 0)) % len(answers)
    return answers[place]["question_id"], answers[place]["hash"]


def _commit(account: Account, link: Link, new_hash: str, *, is_short: bool) -> None:
    holder = Actor(ActorKind.ACCOUNT, account.pk, patient_id=account.patient_id)
    about: dict[str, object] = {"link_id": link.pk}
    try:
        with transaction() as tx:
            accounts.change_password(tx, account, new_hash, is_short=is_short, error=Unavailable(retry_after=1))
            links.use(tx, link)
            password_resets.end(tx, link)
            audit.record(tx, Entry(holder, Action.ACCOUNT_PASSWORD_RESET, account_id=account.pk, about=about))
            outbox.post(tx, Notice(NoticeKind.PASSWORD_CHANGED, account.pk))
    except (LinkEnded, ResetNotAccepted) as over:
        raise _refusal(link) from over

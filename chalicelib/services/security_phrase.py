"""The phrase of one's own that every true email and text message repeats."""

from dataclasses import dataclass

from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.models import accounts, audit
from chalicelib.models.transaction import transaction
from chalicelib.services import accounts as account_service


@dataclass(frozen=True, slots=True)
class PhraseView:
    """The caller's phrase, and the version of the account that it is kept with."""

    phrase: str | None
    version: int


def read(actor: Actor) -> PhraseView:
    """The caller's own phrase. Raises NotFound."""
    account = account_service.find(actor)
    return PhraseView(account.security_phrase, int(account.version))


def replace(actor: Actor, expected_version: int, phrase: str | None) -> PhraseView:
    """Set the phrase, or have none. Raises StaleVersion."""
    with transaction() as tx:
        accounts.edit_account(tx, actor.id, expected_version=expected_version, security_phrase=phrase)
        about: dict[str, object] = {"is_set": phrase is not None}
        audit.record(tx, Entry(actor, Action.ACCOUNT_PHRASE_EDIT, account_id=actor.id, about=about))
    return read(actor)

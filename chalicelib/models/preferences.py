"""What somebody chose to be told, and by which channels: one row in the accounts table beside the account."""

import json
from datetime import time

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.domain.notices import Channel, NoticeType
from chalicelib.domain.preferences import Cell, Preferences, QuietHours
from chalicelib.errors import NotFound, StaleVersion
from chalicelib.models.accounts import PRINCIPAL, Account, AccountsTable
from chalicelib.models.base import Key
from chalicelib.models.transaction import Transaction


class PreferencesRow(AccountsTable, discriminator="preferences"):
    """The choices of one account, absent until the first is made; partition key is the account's id."""

    choices = UnicodeAttribute()
    quiet_hours = UnicodeAttribute(null=True)
    version = NumberAttribute()

    def preferences(self) -> Preferences:
        """The choices as the rules know them."""
        return Preferences(_read_choices(self.choices), _read_quiet_hours(self.quiet_hours), int(self.version))


def key(account_id: str) -> Key:
    """Where an account's choices are."""
    return account_id, "preferences"


def find(account_id: str) -> Preferences:
    """What an account's holder chose; the defaults, of version 0, where they chose nothing yet."""
    row = PreferencesRow.find(*key(account_id))
    return row.preferences() if row else Preferences()


def find_with_account(account_id: str) -> tuple[Account, Preferences]:
    """An account and what its holder chose: one round trip. Raises NotFound where there is no account."""
    rows = AccountsTable.find_all([(account_id, PRINCIPAL), key(account_id)])
    account, row = rows.get((account_id, PRINCIPAL)), rows.get(key(account_id))
    if not isinstance(account, Account):
        raise NotFound
    return account, row.preferences() if isinstance(row, PreferencesRow) else Preferences()


def put(tx: Transaction, account_id: str, preferences: Preferences, expected_version: int) -> None:
    """Replace the choices of an expected version (0: there are none yet) by the next one."""
    unchanged = PreferencesRow.version == expected_version
    tx.put(
        PreferencesRow(
            *key(account_id),
            choices=_write_choices(preferences),
            quiet_hours=_write_quiet_hours(preferences.quiet_hours),
            version=expected_version + 1,
        ),
        condition=unchanged if expected_version else PreferencesRow.pk.does_not_exist(),
        error=StaleVersion(),
    )


def _write_choices(preferences: Preferences) -> str:
    return json.dumps([[kind, lead, sorted(chosen)] for (kind, lead), chosen in preferences.choices.items()])


def _read_choices(text: str) -> dict[Cell, frozenset[Channel]]:
    """A type of notice that a later version wrote and this one does not know is left out."""
    return {
        (NoticeType(kind), lead): frozenset(Channel(name) for name in chosen)
        for kind, lead, chosen in json.loads(text)
        if kind in set(NoticeType)
    }


def _write_quiet_hours(quiet: QuietHours | None) -> str | None:
    return f"{quiet.starts:%H:%M}/{quiet.ends:%H:%M}" if quiet else None


def _read_quiet_hours(text: str | None) -> QuietHours | None:
    if text is None:
        return None
    starts, _, ends = text.partition("/")
    return QuietHours(time.fromisoformat(starts), time.fromisoformat(ends))

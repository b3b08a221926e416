"""The clinic's own settings: one row, read at most every half minute by a process."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import clock
from chalicelib.domain.clinic_settings import Chosen, Feature, Line, OpenHours, Weekday
from chalicelib.errors import StaleVersion
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import connection
from chalicelib.models.transaction import Transaction

KEPT = timedelta(seconds=30)
"""How old what a process knows may be."""

_CLINIC, _SETTINGS = "clinic", "settings"


class SettingsRow(AccountsTable, discriminator="clinic_settings"):
    """What the clinic has chosen."""

    chosen = UnicodeAttribute()
    version = NumberAttribute(default=1)


RECENT: dict[int, tuple[datetime, Chosen, int]] = {}
"""What was read last through a connection, and when."""


def find() -> tuple[Chosen, int]:
    """What the clinic has chosen, and the version of that; 0 where it has chosen nothing."""
    row = SettingsRow.find(_CLINIC, _SETTINGS)
    found = (_read(json.loads(row.chosen)), int(row.version)) if row else (Chosen(), 0)
    RECENT.clear()
    RECENT[id(connection())] = (clock.now(), *found)
    return found


def find_recent() -> tuple[Chosen, int]:
    """The same, as it was at most half a minute ago."""
    at, chosen, version = RECENT.get(id(connection()), (None, Chosen(), 0))
    if at is None or not timedelta() <= clock.now() - at < KEPT:
        return find()
    return chosen, version


def put(tx: Transaction, chosen: Chosen, expected_version: int) -> None:
    """Choose anew, in the place of an expected version. Raises StaleVersion."""
    row = SettingsRow(_CLINIC, _SETTINGS, chosen=json.dumps(asdict(chosen)), version=expected_version + 1)
    is_first = SettingsRow.pk.does_not_exist()
    condition = SettingsRow.version == expected_version if expected_version else is_first
    tx.put(row, condition=condition, error=StaleVersion())


def _read(stored: dict[str, Any]) -> Chosen:
    return Chosen(
        minimum_age=stored["minimum_age"],
        security_questions=stored["security_questions"],
        features={Feature(name): bool(shown) for name, shown in stored["features"].items() if name in set(Feature)},
        opening_hours=_hours(stored["opening_hours"]),
        lines=tuple(Line(**{**line, "hours": _hours(line["hours"])}) for line in stored["lines"]),
    )


def _hours(stored: list[dict[str, str]]) -> tuple[OpenHours, ...]:
    return tuple(OpenHours(Weekday(one["day"]), one["opens"], one["closes"]) for one in stored)

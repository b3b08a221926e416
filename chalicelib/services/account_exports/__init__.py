"""What the portal keeps about an account, as one JSON document for its holder; schemas/account_files.py has its shape.

It holds no secret, nor what a secret could be guessed from, and of other people only what its holder was told of them:
a caregiver's address is masked, and who is in somebody's care has an id and no name. The health record is not in it.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import orjson

from chalicelib import clock, words
from chalicelib.domain.access import Actor, ActorKind
from chalicelib.domain.exports import Document
from chalicelib.models.accounts import Account
from chalicelib.services.account_exports import beside_the_record, history, own, people
from chalicelib.settings import settings

SCHEMA, VERSION = "AccountFile", 1
"""The name of the document's shape in the OpenAPI document, and its version: it rises where a reader could break."""


def build(account: Account, progress: Callable[[int], None]) -> Document:
    """Gather all of it; `progress` is told, in percent, how far that is."""
    holder = Actor(
        ActorKind.ACCOUNT,
        account.pk,
        patient_id=account.patient_id,
        language=account.language,
        roles=account.staff_roles,
    )
    parts: dict[str, Any] = {}
    for done, (name, gather) in enumerate(_PARTS.items(), start=1):
        parts[name] = gather(account, holder)
        if done % 4 == 0:
            progress(90 * done // len(_PARTS))
    counts = {name: len(part) if isinstance(part, list) else 1 for name, part in parts.items()}
    return Document(BytesIO(orjson.dumps({**_head(account), **parts}, option=orjson.OPT_INDENT_2)), counts)


def _head(account: Account) -> dict[str, Any]:
    clinic = settings().clinic_name
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "made_at": clock.stamp(clock.now()),
        "clinic": clinic,
        "about": [words.say(f"export.account.{part}", account.language, clinic=clinic) for part in ("what", "not")],
    }


_PARTS: dict[str, Callable[[Account, Actor], Any]] = {
    "profile": own.find_profile,
    "addresses": own.find_addresses,
    "preferences": own.find_preferences,
    "security": own.find_security,
    "passkeys": own.find_passkeys,
    "devices": own.find_devices,
    "sessions": own.find_sessions,
    "terms": own.find_terms,
    "push_devices": own.find_push_devices,
    "notices": history.find_notices,
    "activity": history.find_activity,
    "caregivers": people.find_caregivers,
    "in_care": people.find_in_care,
    "proxy_requests": people.find_proxy_requests,
    "amendments": beside_the_record.find_amendments,
    "contact_changes": people.find_contact_changes,
    "pending_changes": people.find_pending_changes,
    "documents": beside_the_record.find_documents,
    "model_consent": beside_the_record.find_model_consent,
    "picture_readings": beside_the_record.find_picture_readings,
    "shares": beside_the_record.find_shares,
    "questions": beside_the_record.find_questions,
}
"""Every part of the document, by its name in it."""

"""A language model in its place: it says cited sentences in other words, with consent, and is believed nothing.

Off unless the deployment names a model. Whatever goes wrong, the portal's own words are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib import observability
from chalicelib.clients import language_model
from chalicelib.clients.aws import Permanent, Retryable
from chalicelib.domain import rephrasing
from chalicelib.domain.access import Actor, Reach
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.cited import Sentence
from chalicelib.domain.rephrasing import Prompt
from chalicelib.models import audit, model_consents
from chalicelib.models.transaction import transaction
from chalicelib.settings import settings


@dataclass(frozen=True, slots=True)
class Consent:
    """What was chosen for a patient; `given_at` (a stamp) is None where no consent holds."""

    given_at: str | None
    version: int


def is_offered() -> bool:
    """Whether the deployment has a language model."""
    return bool(settings().language_model)


def read_consent(reach: Reach) -> Consent:
    """What was chosen for a patient; no consent, of version 0, where nothing was."""
    row = model_consents.find(reach.patient_id)
    return Consent(row.given_at, int(row.version)) if row else Consent(None, 0)


def choose(actor: Actor, reach: Reach, expected_version: int, *, is_given: bool) -> Consent:
    """Give the consent, or withdraw it. Raises StaleVersion."""
    with transaction() as tx:
        model_consents.put(tx, reach.patient_id, actor.id, expected_version, is_given=is_given)
        action = Action.MODEL_CONSENT_GIVE if is_given else Action.MODEL_CONSENT_WITHDRAW
        audit.record(tx, Entry(actor, action, patient_id=reach.patient_id))
    return read_consent(reach)


def rephrased(
    actor: Actor, reach: Reach, sentences: Sequence[Sentence], language: str, **about: str
) -> list[Sentence] | None:
    """Sentences in other words, with their sources; None where they are to be shown as they are.

    `about` are ids of what the sentences are about; that the model was asked is audited with them.
    """
    prompt = rephrasing.prompt(sentences, language)
    if prompt is None or not _may_ask(reach):
        return None
    reply = _ask(prompt)
    found = rephrasing.accepted(reply, sentences, language) if reply is not None else None
    _note(actor, reach, "failed" if reply is None else "refused" if found is None else "shown", about)
    return found


def choose_name(
    actor: Actor, reach: Reach, words: Sequence[str], names: Sequence[str], language: str, **about: str
) -> str | None:
    """The name that fits a question best, of which the model sees `words` alone; None where it finds none."""
    if not words or not _may_ask(reach):
        return None
    reply = _ask(rephrasing.choice_prompt(words, names, language))
    found = rephrasing.chosen(reply, names) if reply is not None else None
    _note(actor, reach, "failed" if reply is None else "refused" if found is None else "shown", about)
    return found


def _may_ask(reach: Reach) -> bool:
    return is_offered() and read_consent(reach).given_at is not None


def _ask(prompt: Prompt) -> str | None:
    try:
        return language_model.converse(prompt.system, prompt.text)
    except (Retryable, Permanent):
        return None


def _note(actor: Actor, reach: Reach, outcome: str, about: dict[str, str]) -> None:
    """Written down with ids alone, never with words."""
    observability.event("language_model.asked", patient_id=reach.patient_id, code=outcome)
    entry = Entry(actor, Action.MODEL_ASK, patient_id=reach.patient_id, about={**about, "outcome": outcome})
    audit.record_alone(entry)

"""One import: read, mask, check, resolve, and store in chunks, each one transaction with its audit entry."""

import random
import time
from dataclasses import dataclass, field

from chalicelib import errors, observability
from chalicelib.domain.access import Actor
from chalicelib.domain.fhir import ssn, text
from chalicelib.domain.fhir.bundle import Entry, NotFhir, Refusal, read_entries
from chalicelib.domain.imports import ImportResult, Outcome
from chalicelib.domain.records import check
from chalicelib.services.imports.chunks import chunks, store, tell_late_waiters
from chalicelib.services.imports.plan import Planned, plan
from chalicelib.services.imports.resolve import resolve


@dataclass(slots=True)
class _Progress:
    """How far an import is, over all of its tries."""

    done: dict[int, Outcome] = field(default_factory=dict)
    stored: list[Planned] = field(default_factory=list)
    told: set[str] = field(default_factory=set)


_TRIES = 6
"""How often an import begins again without having stored anything in between."""


def take_in(actor: Actor, body: bytes) -> ImportResult:
    """Import a Bundle or one resource for a client.

    Raises Malformed for what is no JSON and NotFhir for what is no resource.
    """
    try:
        masked = ssn.mask(text.parse(body))
        reading = read_entries(masked.payload)
    except text.MalformedJson as wrong:
        raise errors.Malformed(reason=str(wrong)) from wrong
    except NotFhir as wrong:
        raise errors.NotFhir(reason=wrong.reason) from wrong
    sound, refused = _check(reading.entries)
    progress = _Progress()
    stuck, careful = 0, False
    while stuck < _TRIES:
        before = len(progress.done)
        try:
            unknown = _store(actor, sound, masked.last_four, progress, careful=careful)
            tell_late_waiters(progress.stored)
            return _result(progress.done, [*reading.refused, *refused, *unknown])
        except errors.Conflict:
            # Somebody else imports the same at the same moment, or a record is another patient's until now.
            observability.event("import.conflict", attempt=stuck)
            stuck, careful = (stuck + 1 if len(progress.done) == before else 0), True
            time.sleep(random.uniform(0, 0.02 * 2**stuck))  # noqa: S311  It spreads load, it keeps no secret.
    raise errors.Unavailable(retry_after=2)


def _check(entries: list[Entry]) -> tuple[list[Entry], list[Refusal]]:
    sound, refused = [], []
    for entry in entries:
        if problems := check.problems(entry.resource):
            refused.append(Refusal(entry.index, "; ".join(problems)))
        else:
            sound.append(entry)
    return sound, refused


def _store(
    actor: Actor, entries: list[Entry], last_four: dict[int, str], progress: _Progress, *, careful: bool
) -> list[Refusal]:
    """Store what is not done yet, and note what became of it, also where a Conflict ends it. Returns the refused."""
    resolver, unknown = resolve(actor.id, entries)
    left_out = {refusal.index for refusal in unknown} | progress.done.keys()
    planned = [plan(resolver, entry, last_four.get(entry.index)) for entry in entries if entry.index not in left_out]
    for chunk in chunks(planned, careful=careful):
        progress.done |= store(actor, chunk, resolver, progress.told, careful=careful)
        progress.stored += [one for one in chunk if progress.done[one.entry.index] is not Outcome.UNCHANGED]
    return unknown


def _result(done: dict[int, Outcome], refused: list[Refusal]) -> ImportResult:
    result = ImportResult(refused=sorted(refused, key=lambda refusal: refusal.index))
    for became in done.values():
        result.count(became)
    observability.event(
        "import.done",
        created_count=result.created,
        updated_count=result.updated,
        unchanged_count=result.unchanged,
        kept_raw_count=result.kept_raw,
        refused_count=len(refused),
    )
    return result

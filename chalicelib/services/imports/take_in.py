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
from chalicelib.services.imports.names import name_again
from chalicelib.services.imports.news import Memory
from chalicelib.services.imports.plan import Planned, plan
from chalicelib.services.imports.resolve import resolve


@dataclass(slots=True)
class Progress:
    """Whose resources are stored for whom, and how far that is, over all tries; `done` is by index of the entry.

    `is_part` says that what refers to them may come with another part of what was sent.
    """

    actor: Actor
    client_id: str
    memory: Memory = field(default_factory=Memory)
    done: dict[int, Outcome] = field(default_factory=dict)
    stored: list[Planned] = field(default_factory=list)
    is_part: bool = False


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
    progress = Progress(actor, actor.id)
    refused = take_in_entries(progress, reading.entries, masked.last_four)
    return _result(progress.done, [*reading.refused, *refused])


def take_in_entries(progress: Progress, entries: list[Entry], last_four: dict[int, str]) -> list[Refusal]:
    """Store entries whose Social Security numbers are masked; what is not taken. Raises Unavailable."""
    sound, refused = _check(entries)
    stuck, careful = 0, False
    while stuck < _TRIES:
        before = len(progress.done)
        try:
            unknown = _store(progress, sound, last_four, careful=careful)
            tell_late_waiters(progress.stored)
            return [*refused, *unknown]
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


def _store(progress: Progress, entries: list[Entry], last_four: dict[int, str], *, careful: bool) -> list[Refusal]:
    """Store what is not done yet, and note what became of it, also where a Conflict ends it. Returns the refused."""
    resolver, unknown = resolve(progress.client_id, entries)
    refused = {refusal.index for refusal in unknown}
    planned = [plan(resolver, entry, last_four.get(entry.index)) for entry in entries if entry.index not in refused]
    # What another try has stored may still have to be told to those who began to wait for it meanwhile.
    progress.stored = [one for one in planned if _is_new(progress.done.get(one.entry.index))]
    for chunk in chunks([one for one in planned if one.entry.index not in progress.done], careful=careful):
        progress.done |= store(progress.actor, chunk, resolver, progress.memory, careful=careful)
        progress.stored += [one for one in chunk if _is_new(progress.done[one.entry.index])]
    if progress.is_part:
        name_again([one for one in planned if progress.done[one.entry.index] is Outcome.UNCHANGED], resolver)
    return unknown


def _is_new(became: Outcome | None) -> bool:
    return became not in {None, Outcome.UNCHANGED}


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

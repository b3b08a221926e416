"""One import: read, mask, check, resolve, and store in chunks, each one transaction with its audit entry."""

from collections.abc import Iterator

from chalicelib import errors, observability
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action
from chalicelib.domain.audit import Entry as AuditEntry
from chalicelib.domain.fhir import ssn, text
from chalicelib.domain.fhir.bundle import Entry, NotFhir, Refusal, read_entries
from chalicelib.domain.imports import ImportResult, Outcome
from chalicelib.domain.records import check
from chalicelib.models import audit, records
from chalicelib.models.patients import Held
from chalicelib.models.records import Kept, Record
from chalicelib.models.transaction import MAX_ITEMS, Transaction, transaction
from chalicelib.services.imports.plan import CLINIC, Planned, add, outcome, plan, weight
from chalicelib.services.imports.resolve import Resolver, resolve

MAX_RESOURCES = 45
"""Resources of one transaction, at most."""

_SPARE = 2
_TRIES = 4


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
    done: dict[int, Outcome] = {}
    for attempt in range(_TRIES):
        try:
            unknown = _store(actor, sound, masked.last_four, done, careful=attempt > 0)
            return _result(done, [*reading.refused, *refused, *unknown])
        except errors.Conflict:
            # Somebody else imported the same at the same moment: what is stored is unchanged now, so begin again.
            observability.event("import.conflict", attempt=attempt)
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
    actor: Actor, entries: list[Entry], last_four: dict[int, str], done: dict[int, Outcome], *, careful: bool
) -> list[Refusal]:
    resolver, unknown = resolve(actor.id, entries)
    left_out = {refusal.index for refusal in unknown}
    planned = [plan(resolver, entry, last_four.get(entry.index)) for entry in entries if entry.index not in left_out]
    for chunk in _chunks(planned, resolver):
        _store_chunk(actor, chunk, resolver, done, careful=careful)
    return unknown


def _chunks(planned: list[Planned], resolver: Resolver) -> Iterator[list[Planned]]:
    """Runs that fit one transaction, of one owner each.

    Patients and the directory first, so that what refers to them finds them.
    """
    chunk: list[Planned] = []
    room = MAX_ITEMS - _SPARE
    ordered = sorted(planned, key=lambda one: (one.entry.type != "Patient", one.owner != CLINIC, one.owner))
    for one in ordered:
        needs = weight(one, resolver)
        full = len(chunk) >= MAX_RESOURCES or needs > room
        if chunk and (full or one.owner != chunk[0].owner or any(one.key == other.key for other in chunk)):
            yield chunk
            chunk, room = [], MAX_ITEMS - _SPARE
        chunk.append(one)
        room -= needs
    if chunk:
        yield chunk


def _store_chunk(
    actor: Actor, chunk: list[Planned], resolver: Resolver, done: dict[int, Outcome], *, careful: bool
) -> None:
    before = records.find_held([one.key for one in chunk])
    awaited = records.find_awaited([digest for one in chunk for digest in one.own_keys])
    outcomes = {one.entry.index: outcome(one, before.get(one.key)) for one in chunk}
    changed = [one for one in chunk if outcomes[one.entry.index] is not Outcome.UNCHANGED]
    if changed:
        with transaction() as tx:
            for one in changed:
                version = _next_version(tx, one, before.get(one.key), careful=careful)
                add(tx, one, resolver, before.get(one.key), version, awaited)
            audit.record(tx, _audited(actor, changed))
    for one in chunk:
        if done.get(one.entry.index) in {None, Outcome.UNCHANGED}:
            done[one.entry.index] = Outcome.KEPT_RAW if one.is_kept_raw else outcomes[one.entry.index]


def _next_version(tx: Transaction, planned: Planned, before: Held | None, *, careful: bool) -> int:
    """The number of the new version.

    After a conflict it is asked whether the resource was another patient's until now.
    """
    if before is not None:
        return int(before.version) + 1
    latest = records.find_latest_raw(planned.resource_id) if careful else None
    if latest is None:
        return 1
    kind = Record if planned.key[1].startswith("record#") else Kept
    tx.delete(kind(latest.owner, planned.key[1]))
    return records.version_of(latest) + 1


def _audited(actor: Actor, changed: list[Planned]) -> AuditEntry:
    patient_id = changed[0].owner if changed[0].owner != CLINIC else None
    return AuditEntry(
        actor, Action.RECORD_IMPORT, patient_id=patient_id, about={"ids": [one.resource_id for one in changed]}
    )


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

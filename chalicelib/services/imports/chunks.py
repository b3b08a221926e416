"""Storing planned resources in chunks, each one transaction with its audit entries."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chalicelib.domain import identity
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.fhir import text
from chalicelib.domain.imports import Outcome
from chalicelib.domain.records import people, titles
from chalicelib.errors import StaleVersion
from chalicelib.models import aliases, audit, outbox, patient_search, patients, raw_versions, records
from chalicelib.models.aliases import Alias
from chalicelib.models.base import Key, in_chunks
from chalicelib.models.patients import Held, Patient
from chalicelib.models.raw_versions import Raw
from chalicelib.models.records import Directory, Record
from chalicelib.models.transaction import MAX_ITEMS, Transaction, transaction
from chalicelib.services import boundaries
from chalicelib.services.imports import history, news, plans, ties
from chalicelib.services.imports.moves import find_former, leave, prepare_links
from chalicelib.services.imports.news import Memory
from chalicelib.services.imports.panels import note_values
from chalicelib.services.imports.plan import CLINIC, Planned, held_fields, is_later, outcome
from chalicelib.services.imports.resolve import Resolver
from chalicelib.services.imports.rows import patient_row, raw_row, record_row
from chalicelib.services.imports.waiting import Waits

MAX_RESOURCES = 45
"""Resources of one transaction, at most."""
MAX_BYTES = 3 * 1024 * 1024
"""Of DynamoDB's 4 MB, so much for what is estimated."""

_SPARE = 6
"""The audit entry, the word to those who wait, the word to the patient, and the one of a birthday that moved; of a file
also how far it is, and that the patient has heard of it."""
_TO_MOVE = 4
_LONGEST_CONCEPT = 20_000
_MOST_SEEN = 20
_TOLD_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Correction:
    """What staff correct: the only version that may be replaced, how it is audited, and what belongs to the change."""

    patient_id: str
    expected: int
    action: Action
    about: dict[str, object]
    also: Callable[[Transaction], None]

    def entry(self, actor: Actor) -> Entry:
        """What the history says of it."""
        return Entry(actor, self.action, patient_id=self.patient_id, about=self.about)


@dataclass(slots=True)
class _Writes:
    """What one transaction writes at most once, although several of its resources ask for it."""

    tx: Transaction
    waits: Waits
    former: dict[int, Raw]
    """What was another's until now, by index of its entry."""
    aliases: dict[str, Alias] = field(default_factory=dict)
    changed: list[tuple[Record, Held | None]] = field(default_factory=list)


def chunks(planned: list[Planned], *, careful: bool) -> Iterator[list[Planned]]:
    """Runs that fit one transaction, of one owner each.

    Patients and the directory first, so that what refers to them finds them.
    """
    chunk: list[Planned] = []
    room, free = MAX_ITEMS - _SPARE, MAX_BYTES
    for one in sorted(planned, key=lambda one: (one.kind is not Patient, one.owner != CLINIC, one.owner)):
        # What was another patient's until now takes more items: it leaves there, where a mark and an audit entry stay,
        # and the mark goes that it may have left here.
        items = one.items + (_TO_MOVE if careful else 0)
        is_full = len(chunk) >= MAX_RESOURCES or items > room or one.bytes > free
        if chunk and (is_full or one.owner != chunk[0].owner or any(one.key == other.key for other in chunk)):
            yield chunk
            chunk, room, free = [], MAX_ITEMS - _SPARE, MAX_BYTES
        chunk.append(one)
        room -= items
        free -= one.bytes
    if chunk:
        yield chunk


def store(
    actor: Actor,
    chunk: list[Planned],
    resolver: Resolver,
    memory: Memory,
    *,
    careful: bool,
    correction: Correction | None = None,
) -> dict[int, Outcome]:
    """Store a chunk; what became of each entry, by index. Raises Conflict where somebody was faster.

    A patient hears of new results once in an import; its `memory` says who have (`news.tell`). Raises StaleVersion
    where a `correction` is of another version.
    """
    owner, told_now = chunk[0].owner, set[str]()
    before = _find_before(chunk, correction)
    awaited = aliases.find_awaited([digest for one in chunk for digest in one.names])
    outcomes = {one.entry.index: _outcome(one, before.get(one.key), resolver) for one in chunk}
    became = {one.entry.index: Outcome.KEPT_RAW if one.is_kept_raw else outcomes[one.entry.index] for one in chunk}
    changed = [one for one in chunk if outcomes[one.entry.index] is not Outcome.UNCHANGED]
    former = find_former([one for one in changed if one.key not in before]) if careful else {}
    tell = awaited | prepare_links(changed, former)
    later = [one for one in chunk if _is_only_later(one, before.get(one.key))]
    ties.end_former(actor, [one for one in changed if one.key in before or one.entry.index in former], former, resolver)
    note_values(changed, resolver)
    if changed or tell or later or correction:
        with transaction() as tx:
            for one in later:
                patients.note_last_updated(tx, before[one.key], str(one.last_updated))
            writes = _Writes(tx, Waits(tx), former)
            for one in changed:
                _add(writes, one, resolver, before.get(one.key))
            for row in writes.aliases.values():
                aliases.point_alias(tx, row)
            if tell:
                outbox.post_reference(tx, " ".join(sorted(tell)))
            _conclude(tx, actor, changed, former, correction)
            told_now = news.tell(tx, owner, writes.changed, memory)
            memory.note_stored(tx, became)
    memory.update(told_now)
    return became


def _conclude(
    tx: Transaction, actor: Actor, changed: list[Planned], former: dict[int, Raw], correction: Correction | None
) -> None:
    if correction is not None:
        correction.also(tx)
        audit.record(tx, correction.entry(actor))
    elif changed:
        _audit(tx, actor, changed, former)


def _find_before(chunk: list[Planned], correction: Correction | None) -> dict[Key, Held]:
    before = records.find_held([one.key for one in chunk])
    if correction is not None and any(int(row.version) != correction.expected for row in before.values()):
        raise StaleVersion
    return before


def tell_late_waiters(stored: list[Planned]) -> None:
    """Tell the records that began to wait while what they wait for was on its way; telling twice does no harm."""
    late = aliases.find_awaited([digest for one in stored for digest in one.names])
    for some in in_chunks(sorted(late), _TOLD_AT_ONCE):
        with transaction() as tx:
            outbox.post_reference(tx, " ".join(some))


def _is_only_later(one: Planned, before: Held | None) -> bool:
    """Whether the same content came with a later time: what is older than that must not pass for newer afterwards."""
    same = before is not None and one.kind is not Patient and before.content_hash == one.digest
    return same and before is not None and is_later(one.last_updated, before.last_updated)


def _outcome(one: Planned, before: Held | None, resolver: Resolver) -> Outcome:
    return outcome(one, before, resolver.aliases.get(one.names[0]) if one.kind is Patient else None)


def _add(writes: _Writes, one: Planned, resolver: Resolver, before: Held | None) -> None:
    """Put a new version of a resource, and every name of it, into a transaction."""
    version = int(before.version) + 1 if before else 1
    if former := writes.former.get(one.entry.index):
        version = raw_versions.version_of(former) + 1
        leave(writes.tx, one, former)
    at = history.next_stamp(before)
    held = held_fields(one, resolver.client_id, version, at)
    row: Held
    if one.kind is Record:
        row = record_row(one.owner, one.resource_id, one.entry.resource, resolver.names_for(one.entry), held)
        _add_record_names(writes, one, json.loads(row.view)["title"])
        if isinstance(before, Record):
            history.succeed(writes.tx, row, before, at)
        plans.put(writes.tx, row, before if isinstance(before, Record) else None)
        if one.entry.index not in writes.former:
            writes.changed.append((row, before))
    elif one.kind is Patient:
        row = patient_row(one, before, held)
        _add_patient_names(writes.tx, one, row, before)
    else:
        row = one.kind(*one.key, **held)
        if isinstance(row, Directory):
            row.seen = _seen(before)
            _add_directory_names(writes, one)
    ties.put(writes.tx, one, resolver)
    as_read = records.is_as_read(before) if isinstance(before, Record) else None
    patients.put_held(writes.tx, row, replaces=int(before.version) if before else None, while_=as_read)
    raw_versions.put_raw(writes.tx, raw_row(one, held))


def _seen(before: Held | None) -> str:
    seen: list[str] = json.loads(before.seen) if isinstance(before, Directory) else []
    return json.dumps([*seen, *([before.content_hash] if before else [])][-_MOST_SEEN:])


def _audit(tx: Transaction, actor: Actor, changed: list[Planned], former: dict[int, Raw]) -> None:
    about: dict[str, object] = {"ids": [one.resource_id for one in changed]}
    patient_id = changed[0].owner if changed[0].owner != CLINIC else None
    audit.record(tx, Entry(actor, Action.RECORD_IMPORT, patient_id=patient_id, about=about))
    for owner in sorted({raw.owner for raw in former.values()} - {CLINIC}):
        gone = [index for index, raw in former.items() if raw.owner == owner]
        moved = {"moved_away": [one.resource_id for one in changed if one.entry.index in gone]}
        audit.record(tx, Entry(actor, Action.RECORD_IMPORT, patient_id=owner, about={**moved}))


def _add_patient_names(tx: Transaction, one: Planned, row: Patient, before: Held | None) -> None:
    _claim_number(tx, row, before)
    now = {(digest, system) for digest, system in json.loads(row.identifiers)}
    was = (
        {(digest, system) for digest, system in json.loads(before.identifiers)}
        if isinstance(before, Patient)
        else set()
    )
    for digest, system in sorted(now):
        patients.put_identifier(tx, digest, system, row.pk)
    for digest, system in sorted(was - now):
        patients.remove_identifier(tx, digest, system, row.pk)
    _put_search_words(tx, row, before if isinstance(before, Patient) else None)
    if isinstance(before, Patient) and before.birth_date != row.birth_date:
        boundaries.look_again(tx, row)
    own, *urls = one.names
    identity_row = aliases.alias(own, row.pk, row.pk)
    identity_row.content_hash, identity_row.last_updated = one.digest, one.last_updated
    aliases.put_alias(tx, identity_row)
    for digest in urls:
        aliases.point_alias(tx, aliases.alias(digest, row.pk, owner=row.pk))


def _put_search_words(tx: Transaction, row: Patient, before: Patient | None) -> None:
    words, was = row.name_words, before.name_words if before else []
    same_day = before is not None and before.birth_date == row.birth_date
    patient_search.put(tx, row.pk, [word for word in words if word not in was], None if same_day else row.birth_date)
    if before is not None:
        gone = [word for word in was if word not in words]
        patient_search.remove(tx, row.pk, gone, None if same_day else before.birth_date)


def _claim_number(tx: Transaction, row: Patient, before: Held | None) -> None:
    canonical = identity.canonical_clinic_number(row.clinic_number)
    patients.claim_clinic_number(tx, canonical, row.pk)
    former = identity.canonical_clinic_number(before.clinic_number) if isinstance(before, Patient) else canonical
    if former != canonical:
        patients.release_clinic_number(tx, former, row.pk)


def _add_directory_names(writes: _Writes, one: Planned) -> None:
    for digest in one.aliases:
        writes.aliases[digest] = alias_of_directory(one, digest)


def alias_of_directory(one: Planned, digest: str) -> Alias:
    """A name of somebody or something that records refer to, with what they show of it."""
    resource = one.entry.resource
    name = people.display_name(resource)
    concept = resource.get("code") if one.entry.type == "Medication" else None
    code = text.dump(concept).decode() if concept else None
    if code and len(code) > _LONGEST_CONCEPT:
        code = text.dump({"text": titles.drug_words(concept)}).decode()
    return aliases.alias(digest, one.resource_id, display_name=name and name[: titles.LONGEST_TITLE], code=code)


def _add_record_names(writes: _Writes, one: Planned, title: str) -> None:
    for digest in one.aliases:
        writes.aliases[digest] = aliases.alias(digest, one.resource_id, owner=one.owner, display_name=title)
    writes.waits.add(one.owner, one.resource_id, one.entry, one.missing)

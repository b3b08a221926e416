"""Who cares for a patient, as the records that are imported say.

What a record no longer says ends before its new version is stored, and what it says anew begins with it: wherever an
import stops, nobody sees more than the records allow.
"""

from collections.abc import Iterable

from chalicelib import clock, ids
from chalicelib.domain import care_ties as rules
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.fhir.bundle import Entry as BundleEntry
from chalicelib.domain.fhir.identity import identity_key, is_foreign
from chalicelib.domain.fhir.references import Reference
from chalicelib.models import audit, care_ties
from chalicelib.models.base import in_chunks
from chalicelib.models.care_ties import CareTie
from chalicelib.models.raw_versions import Raw
from chalicelib.models.transaction import Transaction, transaction
from chalicelib.services.imports.plan import CLINIC, Planned
from chalicelib.services.imports.resolve import Resolver
from chalicelib.services.resource_keys import identity_of, reference_keys, resource_id, row_digest
from chalicelib.settings import settings

_ENDED_AT_ONCE = 90


def end_former(actor: Actor, replaced: Iterable[Planned], former: dict[int, Raw], resolver: Resolver) -> None:
    """End the ties that new versions of records no longer name, and those of records that are another patient's now."""
    still: dict[tuple[str, str], set[str]] = {}
    for one in replaced:
        if _ties(one):
            still[one.owner, one.resource_id] = _practitioners(one, resolver)
            if one.entry.index in former:
                still[former[one.entry.index].owner, one.resource_id] = set()
    for patient_id in sorted({owner for owner, _ in still}):
        ties = care_ties.find_all(patient_id)
        over = [tie for tie in ties if tie.holder_id not in still.get((patient_id, tie.source), {tie.holder_id})]
        for some in in_chunks(over, _ENDED_AT_ONCE):
            _end(actor, patient_id, list(some))


def _end(actor: Actor, patient_id: str, over: list[CareTie]) -> None:
    with transaction() as tx:
        for tie in over:
            care_ties.remove_tie(tx, tie)
        about: dict[str, object] = {"ties_ended": sorted({tie.source for tie in over})}
        audit.record(tx, Entry(actor, Action.RECORD_IMPORT, patient_id=patient_id, about=about))


def put(tx: Transaction, one: Planned, resolver: Resolver) -> None:
    """The ties that a record names, with the record."""
    if _ties(one):
        until = rules.ends_at(one.entry.resource, str(settings().clinic_zone), clock.now())
        for practitioner_id in sorted(_practitioners(one, resolver)):
            care_ties.put_tie(tx, one.owner, practitioner_id, one.resource_id, clock.stamp(until) if until else None)


def _ties(one: Planned) -> bool:
    return one.entry.type in rules.TYPES and one.owner != CLINIC


def _practitioners(one: Planned, resolver: Resolver) -> set[str]:
    found = (_practitioner(resolver, use.reference, one.entry) for use in rules.uses(one.entry.resource))
    return {practitioner_id for practitioner_id in found if practitioner_id}


def _practitioner(resolver: Resolver, reference: Reference, entry: BundleEntry) -> str | None:
    """The portal's id of a practitioner: in the bundle, as known before, or by the id that they will arrive under."""
    foreign = is_foreign(reference, entry)
    inside = resolver.inside(reference, foreign=foreign)
    if inside is not None:
        return _id(identity_of(resolver.client_id, inside)) if inside.type == "Practitioner" else None
    for key in reference_keys(resolver.client_id, reference, ("Practitioner",), foreign=foreign):
        alias = resolver.aliases.get(row_digest(key))
        if alias is not None and ids.has_prefix(alias.target_id, "dir"):
            return alias.target_id
    is_literal = reference.type == "Practitioner" and reference.id is not None and not foreign
    return _id(identity_key(resolver.client_id, "Practitioner", reference.id or "")) if is_literal else None


def _id(identity: str) -> str:
    return resource_id(identity, "dir")

"""Searching through the FHIR API: records of a patient, patients, and the clinic's directory."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib import ids
from chalicelib.domain.access import ActorKind
from chalicelib.domain.fhir import text
from chalicelib.domain.fhir.text import Resource
from chalicelib.domain.fhir_api import names
from chalicelib.domain.fhir_api.search import Search, elements_at, fits
from chalicelib.domain.fhir_api.served import Holding
from chalicelib.errors import InvalidCursor, NotFound, NotInCareTeam, PatientMerged, SearchNotUnderstood
from chalicelib.models import raw_versions, records
from chalicelib.services import grants
from chalicelib.services.fhir_api import sights, versions
from chalicelib.services.fhir_api.results import Results, base_url
from chalicelib.services.fhir_api.sights import NOBODYS, Asker, View
from chalicelib.services.fhir_api.steps import IdStep, Place, Step, kept_steps, record_steps
from chalicelib.services.fhir_api.versions import Version
from chalicelib.services.fhir_api.walking import Found, walk
from chalicelib.settings import settings

_MOST_PATIENTS = 50
_SUBJECT = frozenset({"patient", "subject"})


def find(asker: Asker, search: Search, after: Place | None) -> Results:
    """A page of a search. Raises SearchNotUnderstood, InvalidCursor, and what reading a patient raises."""
    search = _written_here(search)
    match search.served.holding:
        case Holding.DIRECTORY:
            return _directory(search, after)
        case Holding.PATIENT:
            return _patients(asker, search, after)
        case _:
            return _records(asker, search, after)


def _written_here(search: Search) -> Search:
    """The search with ids and references as this API writes them."""
    tests = [replace(test, values=tuple(_here(value) for value in test.values)) for test in search.tests]
    return replace(search, tests=tuple(tests))


def _here(value: str) -> str:
    type, slash, id = value.removeprefix(f"{base_url()}/").rpartition("/")
    known = names.portal_id(id)
    return f"{type}{slash}{names.fhir_id(known)}" if known is not None else value


def _records(asker: Asker, search: Search, after: Place | None) -> Results:
    wanted, patient_id = _ids(search), _patient_id(asker, search)
    if wanted is not None:
        view = _view_of(asker, wanted, patient_id)
        return _walked([IdStep(tuple(wanted), search.served.holding)], search, after, view)
    if patient_id is None:
        raise SearchNotUnderstood(reason="patient: a reference to the patient is missing")
    view = sights.of_patient(asker, patient_id)
    _require_sight(view, search)
    is_kept = search.served.holding is Holding.KEPT
    steps = kept_steps(view, search.served.type) if is_kept else record_steps(search, base_url())
    return _walked(steps, search, after, view)


def _walked(steps: Sequence[Step], search: Search, after: Place | None, view: View | None) -> Results:
    if view is None:
        return Results([], total=0)
    types = frozenset({search.served.type})
    page = walk(steps, view, fits=_fitting(search), types=types, count=search.count, after=after)
    total = len(page.found) if after is None and page.after is None else None
    return Results(page.found, _included(page.found, search), page.after, total)


def _patient_id(asker: Asker, search: Search) -> str | None:
    """The patient whom a search names; without ids, the asker's own patient where it names nobody."""
    named = {value for test in search.of(*_SUBJECT) for value in test.values}
    if len(named) > 1:
        raise SearchNotUnderstood(reason="patient: a search is about one patient")
    if not named:
        return asker.actor.patient_id if not search.of("_id") else None
    found = names.read_reference(named.pop(), frozenset({"Patient"}), base_url())
    if found is None or not ids.has_prefix(found[1], "pat"):
        raise NotFound
    return found[1]


def _require_sight(view: View, search: Search) -> None:
    """Raises NotFound where nothing of a type shows to the reader."""
    is_kept = search.served.holding is Holding.KEPT
    if not (view.sight.is_full if is_kept else search.served.categories & view.sight.categories):
        raise NotFound


def _fitting(search: Search) -> Callable[[Resource], bool]:
    """Whether a resource is what is wanted, of the patient whose record is read."""
    rest = replace(search, tests=tuple(test for test in search.tests if test.param.name not in _SUBJECT))
    zone = str(settings().clinic_zone)
    return lambda resource: fits(rest, resource, zone)


# --- by their ids -----------------------------------------------------------------------------------------------------


def _ids(search: Search) -> list[str] | None:
    """The portal's ids that a search names; None where it asks for none in particular."""
    tests = search.of("_id")
    if not tests:
        return None
    known = (names.portal_id(value) for value in dict.fromkeys(tests[0].values))
    return [id for id in known if id is not None]


def _view_of(asker: Asker, wanted: Sequence[str], patient_id: str | None) -> View | None:
    """Of the patient who is named, else of the first resource's; None where the asker does not see anybody's."""
    if patient_id is not None:
        return sights.of_patient(asker, patient_id)
    raw = raw_versions.find_latest_raw(wanted[0]) if wanted else None
    if raw is None or not ids.has_prefix(raw.owner, "pat"):
        return None
    try:
        return sights.of_owner(asker, raw.owner)
    except NotFound:
        return None


def _directory(search: Search, after: Place | None) -> Results:
    wanted = _ids(search)
    if wanted is None:
        raise SearchNotUnderstood(reason=f"_id: {search.served.type} is searched by its id alone")
    return _walked([IdStep(tuple(wanted), Holding.DIRECTORY)], search, after, NOBODYS)


def _included(found: Sequence[Found], search: Search) -> list[Found]:
    """What the resources of a page refer to, where the search asks for it, each once."""
    wanted: dict[str, None] = {}
    for include in search.includes:
        param = search.served.params[search.served.includes[include]]
        for one in found:
            for path in param.paths:
                for element in elements_at(one.version.resource, path):
                    id = names.portal_id(str(element.get("reference", "")).rpartition("/")[2])
                    wanted |= {id: None} if id is not None and ids.has_prefix(id, "dir") else {}
    rows = records.find_held([(f"directory#{id}", "directory") for id in wanted]) if wanted else {}
    return [_found(one) for one in versions.of_rows(list(rows.values()), NOBODYS)]


# --- patients ---------------------------------------------------------------------------------------------------------


def _patients(asker: Asker, search: Search, after: Place | None) -> Results:
    """Patients by their ids; else whom the asker is or looks after, which are few."""
    wanted = _ids(search)
    everybody = wanted if wanted is not None else _reached(asker)
    start = _start(after)
    end, fit = start + search.count, _fitting(search)
    read = [version for version in map(_reader(asker), everybody[start:end]) if version is not None]
    found = [_found(version) for version in read if fit(version.resource)]
    more = (str(end),) if end < len(everybody) else None
    return Results(found, after=more, total=len(found) if after is None and more is None else None)


def _start(after: Place | None) -> int:
    if after is not None and (len(after) != 1 or not after[0].isdigit()):
        raise InvalidCursor
    return int(after[0]) if after is not None else 0


def _found(version: Version) -> Found:
    return Found(version, text.dump(version.resource).decode())


def _reached(asker: Asker) -> list[str]:
    actor = asker.actor
    if actor.kind is not ActorKind.ACCOUNT:
        raise SearchNotUnderstood(reason="_id: the id of a patient is missing")
    cared_for = [tie.patient.pk for tie in grants.find_all_of(actor.id)][:_MOST_PATIENTS]
    return list(dict.fromkeys([*([actor.patient_id] if actor.patient_id else []), *cared_for]))


def _reader(asker: Asker) -> Callable[[str], Version | None]:
    """Reads a patient, if they are there for the asker."""

    def read(patient_id: str) -> Version | None:
        try:
            return versions.of_patient(sights.of_patient(asker, patient_id))
        except (NotFound, NotInCareTeam, PatientMerged):
            return None

    return read

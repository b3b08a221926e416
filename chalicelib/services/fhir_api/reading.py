"""Reading one resource by its id, in its present version or in an earlier one."""

from chalicelib import ids
from chalicelib.domain.fhir_api import names
from chalicelib.domain.fhir_api.served import SERVED, Holding
from chalicelib.errors import NotFound
from chalicelib.models import raw_versions, records
from chalicelib.models.patients import Held
from chalicelib.models.raw_versions import Raw
from chalicelib.services.fhir_api import sights, versions
from chalicelib.services.fhir_api.sights import NOBODYS, Asker, View
from chalicelib.services.fhir_api.versions import Version

_PREFIXES = {Holding.RECORD: "rec", Holding.KEPT: "kpt", Holding.DIRECTORY: "dir", Holding.PATIENT: "pat"}


def read(asker: Asker, type: str, written_id: str, number: int | None = None) -> Version:
    """A resource, in version `number` where one is given.

    Raises NotFound for another's, for what is hidden, and for what is of another type.
    """
    served, id = SERVED.get(type), names.portal_id(written_id)
    if served is None or id is None or not ids.has_prefix(id, _PREFIXES[served.holding]):
        raise NotFound
    if served.holding is Holding.PATIENT:
        version = _patient(sights.of_patient(asker, id), number)
    elif served.holding is Holding.DIRECTORY:
        version = _directory(id, number)
    else:
        version = _record(asker, id, number)
    if version is None or version.type != type:
        raise NotFound
    return version


def _patient(view: View, number: int | None) -> Version | None:
    if number is None:
        return versions.of_patient(view)
    raw = raw_versions.find_raw_version(view.reach.patient_id, number)
    return versions.of_patient(view, raw) if raw is not None else None


def _directory(id: str, number: int | None) -> Version | None:
    raw = _raw(id, number)
    return _version(raw, NOBODYS, f"directory#{id}", "directory") if raw is not None else None


def _raw(id: str, number: int | None) -> Raw | None:
    return raw_versions.find_latest_raw(id) if number is None else raw_versions.find_raw_version(id, number)


def _record(asker: Asker, id: str, number: int | None) -> Version | None:
    latest = raw_versions.find_latest_raw(id)
    if latest is None or not ids.has_prefix(latest.owner, "pat"):
        return None
    view = sights.of_owner(asker, latest.owner)
    is_latest = number is None or raw_versions.version_of(latest) == number
    wanted = latest if is_latest else _raw(id, number)
    # What was another patient's until it was corrected is that patient's.
    if wanted is None or wanted.owner not in view.whose or not _shows(view, id, wanted):
        return None
    sk = records.record_sk(id) if ids.has_prefix(id, "rec") else f"kept#{id}"
    return _version(wanted, view, wanted.owner, sk)


def _shows(view: View, id: str, wanted: Raw) -> bool:
    """Whether a record shows as it is now, and as it was."""
    if view.sight.is_full:
        return True
    row = records.find_many(view.whose, [id]).get(id)
    if row is None or not view.sight.shows(row.category, is_sensitive=row.is_sensitive is not False):
        return False
    return versions.shows(view, wanted)


def _version(raw: Raw, view: View, pk: str, sk: str) -> Version:
    row: Held | None = None
    if not raw.source:
        row = records.find_held([(pk, sk)]).get((pk, sk))
    return versions.versions([(raw, row)], view)[0]

"""Two patients who turn out to be one, as an admin merges and parts them."""

import uuid
from typing import Any

from chalicelib.domain.staff import Role
from tests.support.people import new_staff, token_of
from tests.support.portal import Answer, Portal

REASON = "Registered twice after the move"
_PATIENTS = "/v1/clinic/patients"


def _post(portal: Portal, path: str, body: dict[str, Any], key: str | None = None, token: str | None = None) -> Answer:
    token = token or token_of(new_staff(Role.ADMIN))
    return portal.call("POST", path, body, token=token, headers={"Idempotency-Key": key or str(uuid.uuid4())})


def preview(portal: Portal, patient_id: str, duplicate_id: str, token: str | None = None) -> Answer:
    """What a merge would do."""
    body = {"duplicate_patient_id": duplicate_id}
    return _post(portal, f"{_PATIENTS}/{patient_id}/merge/preview", body, token=token)


def body(portal: Portal, patient_id: str, duplicate_id: str, **more: Any) -> dict[str, Any]:
    """A right body of a merge that was previewed."""
    seen = preview(portal, patient_id, duplicate_id)
    assert seen.status == 200, seen.text
    version = seen.json["preview_version"]
    return {"duplicate_patient_id": duplicate_id, "preview_version": version, "reason": REASON, **more}


def send(
    portal: Portal, patient_id: str, asked: dict[str, Any], key: str | None = None, token: str | None = None
) -> Answer:
    """A merge with a body that was made before."""
    return _post(portal, f"{_PATIENTS}/{patient_id}/merge", asked, key, token)


def merge(portal: Portal, patient_id: str, duplicate_id: str, **more: Any) -> Answer:
    """Preview and merge."""
    return send(portal, patient_id, body(portal, patient_id, duplicate_id, **more))


def merged(portal: Portal, patient_id: str, duplicate_id: str, **more: Any) -> str:
    """The id of a merge that was made."""
    done = merge(portal, patient_id, duplicate_id, **more)
    assert done.status == 201, done.text
    merge_id: str = done.json["merge_id"]
    return merge_id


def undo(portal: Portal, patient_id: str, merge_id: str, key: str | None = None) -> Answer:
    """Part two patients again."""
    return _post(portal, f"{_PATIENTS}/{patient_id}/merges/{merge_id}/undo", {"reason": REASON}, key)


def find_all(portal: Portal, patient_id: str) -> Answer:
    """Every merge into a patient."""
    return portal.call("GET", f"{_PATIENTS}/{patient_id}/merges", token=token_of(new_staff(Role.ADMIN)))

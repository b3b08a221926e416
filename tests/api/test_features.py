"""What the clinic has switched off is refused by the server, for every route that belongs to it."""

import re
import uuid
from collections.abc import Iterator

import pytest

from chalicelib.domain.access import PolicyKind
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.staff import Role
from chalicelib.handlers.operations import REGISTRY, Operation
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.clinic_settings import RECENT
from tests.support import fhir
from tests.support.caregivers import account_id_of
from tests.support.changing import Chart
from tests.support.people import new_account, new_caregiver, new_staff, token_of
from tests.support.portal import Answer, Portal

PATH = "/v1/clinic/settings"


@pytest.fixture(autouse=True)
def _undecided(portal: Portal) -> Iterator[None]:
    """The clinic has decided nothing, before and afterwards."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    for row in AccountsTable.query("clinic"):
        row.delete()
    RECENT.clear()


def switch(portal: Portal, **features: bool) -> None:
    """An admin decides over HTTP."""
    token = token_of(new_staff(Role.ADMIN))
    tag = {"If-Match": portal.call("GET", PATH, token=token).header("etag") or ""}
    assert portal.call("PUT", PATH, {"features": features}, token=token, headers=tag).status == 200


def try_out(portal: Portal, operation: Operation, account_id: str) -> Answer:
    """One call of an operation, without a body; signed in where that is somebody's account."""
    is_own = operation.policy.kind in {PolicyKind.ACCOUNT, PolicyKind.PATIENT}
    token = token_of(account_id, stepped_up=False) if is_own else None
    path = re.sub(r"\{\w+\}", "none", operation.path.replace("{pid}", "me"))
    return portal.call(operation.method, path, token=token, headers={"Idempotency-Key": str(uuid.uuid4())})


def is_off(answer: Answer) -> bool:
    """Whether it is refused as what the clinic does not offer."""
    return answer.status == 403 and "feature_off" in answer.text


def test_every_feature_has_routes() -> None:
    assert {operation.feature for operation in REGISTRY} == {None, *Feature}


def test_a_whole_module_belongs_to_its_feature_but_for_what_is_named_here() -> None:
    named = {feature: {one.tag for one in REGISTRY if one.feature is feature} for feature in Feature}
    tags = {tag for tags in named.values() for tag in tags}
    left_open = {one.id for one in REGISTRY if one.tag in tags and one.feature is None}
    assert left_open == {
        # What was asked for is answered, whatever the clinic offers by then.
        "amendments_approve_amendment",
        "amendments_deny_amendment",
        "amendments_list_for_clinic",
        # A copy of the account is no part of the record, and what a server can do is no secret of anybody's.
        "exports_read_export",
        "exports_request_export",
        "fhir_api_read_capabilities",
        # Whoever has a device registered may see and remove it.
        "push_devices_list_devices",
        "push_devices_remove_device",
    }


@pytest.mark.parametrize("feature", Feature)
def test_what_is_switched_off_is_refused_route_by_route_and_nothing_else_is(portal: Portal, feature: Feature) -> None:
    account_id = new_account()
    switch(portal, **{feature: False})
    refused = {one.id for one in REGISTRY if is_off(try_out(portal, one, account_id))}
    assert refused == {one.id for one in REGISTRY if one.feature is feature}


def test_it_works_again_once_it_is_switched_on(portal: Portal) -> None:
    token = token_of(new_account())
    for shown in (True, False, True):
        switch(portal, notices=shown)
        assert portal.call("GET", "/v1/me/notices", token=token).status == (200 if shown else 403)


def test_a_caregiver_is_refused_as_the_patient_is_and_staff_go_on(portal: Portal) -> None:
    patient = portal.new_patient()
    caregiver = new_caregiver(patient.patient_id)
    clinician = new_staff(Role.CLINICIAN, cares_for=patient.patient_id)
    switch(portal, records=False)
    path = f"/v1/patients/{patient.patient_id}/records"
    refused = portal.call("GET", path, token=token_of(caregiver))
    assert (refused.status, refused.json["code"]) == (403, "feature_off")
    assert portal.call("GET", path, token=token_of(clinician)).status == 200


def test_it_is_said_in_the_callers_language(portal: Portal) -> None:
    switch(portal, registration=False)
    refused = portal.call("POST", "/v1/registrations", {}, headers={"Accept-Language": "es"})
    assert refused.json["title"] == "La clínica no ofrece esto en línea"


def test_a_record_is_explained_only_where_both_records_and_explanations_are_offered(portal: Portal) -> None:
    chart = Chart(portal, fhir.lab(""))
    (record_id,) = chart.records()
    token = token_of(account_id_of(chart.person))
    path = f"/v1/patients/{chart.patient_id}/records/{record_id}"
    for features, status in (({}, 200), ({"explanations": False}, 403), ({"records": False}, 403)):
        switch(portal, **features)
        assert portal.call("GET", f"{path}/explanation", token=token).status == status
        linked = "library" in portal.call("GET", path, token=token).json
        assert linked is (status == 200)

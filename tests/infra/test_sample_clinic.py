import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chalice.app import Chalice, Response

from chalicelib.domain.second_factors import Factor
from chalicelib.domain.staff import Role
from chalicelib.models import accounts, caregivers
from infra import sample
from infra.local.aws import EmbeddedAws
from infra.local.gateway import Gateway
from infra.local.sample_clinic import SeedError, seed


class _Clinic:
    """As much of the clinic's side of the API as the seeding calls; keeps what it was sent."""

    def __init__(self) -> None:
        self.app = Chalice("clinic")
        self.known_clients: set[str] = set()
        self.any_client = True
        self.imported: list[int] = []
        self.keys: list[str] = []
        self.refused: list[dict[str, Any]] = []
        self.app.route("/v1/clinic/tokens", methods=["POST"])(self._token)
        self.app.route("/v1/clinic/fhir", methods=["POST"])(self._import)
        self.app.route("/v1/clinic/patients")(self._find)
        self.app.route("/v1/clinic/patients/{pid}/activation-codes", methods=["POST"])(self._issue)

    def _request(self) -> Any:
        return self.app.current_request

    def _token(self) -> Any:
        sent = self._request().json_body
        assert sent["grant_type"] == "client_credentials"
        if not self.any_client and sent["client_id"] not in self.known_clients:
            return Response({"code": "wrong_client_credentials"}, status_code=401)
        self.known_clients.add(sent["client_id"])
        return {"access_token": "opaque"}

    def _import(self) -> Any:
        assert self._request().headers["Authorization"] == "Bearer opaque"
        self.imported.append(len(self._request().raw_body))
        return {"refused": self.refused}

    def _find(self) -> Any:
        number = self._request().query_params["identifier"].split("|")[1]
        return {"items": [{"patient_id": f"pat_{number}", "clinic_number": f"SC-{number}"}]}

    def _issue(self, pid: str) -> Any:
        self.keys.append(self._request().headers["Idempotency-Key"])
        return Response({"activation_code": f"code of {pid}"}, status_code=201)


class _NewTables(_Clinic):
    """A clinic that knows no client of earlier tables: the first one to sign in is refused."""

    def _token(self) -> Any:
        if not self.known_clients:
            self.known_clients.add("whoever was refused")
            return Response({"code": "wrong_client_credentials"}, status_code=401)
        return super()._token()


@pytest.fixture(scope="module", autouse=True)
def _aws() -> Iterator[None]:
    with EmbeddedAws():
        yield


@pytest.fixture
def clinic() -> _Clinic:
    return _Clinic()


def test_every_bundle_is_imported_and_every_adult_gets_a_code(clinic: _Clinic) -> None:
    lines: list[str] = []
    seeded = seed(Gateway(clinic.app), report=lines.append)
    assert clinic.imported == [len(bundle.body) for bundle in sample.bundles()]
    assert len(lines) == len(clinic.imported)
    known = sample.patients()
    assert [(one.first_name, one.last_name) for one in seeded.patients] == [
        (one.first_name, one.last_name) for one in known
    ]
    assert [one.activation_code is not None for one in seeded.patients] == [one.activation for one in known]
    assert len(set(clinic.keys)) == sum(one.activation for one in known) > 0
    assert seeded.clients[0].client_id in clinic.known_clients


def test_there_is_somebody_of_every_role_with_an_account_of_their_own(clinic: _Clinic) -> None:
    seeded = seed(Gateway(clinic.app))
    assert [member.roles for member in seeded.staff] == [(role,) for role in Role]
    for member in seeded.staff:
        account = accounts.find_account(accounts.find_account_id(member.username) or "")
        assert account is not None
        assert account.staff_roles == set(member.roles)
        assert account.bound_factors == {Factor.TOTP}
        assert (account.practitioner_id is not None) == (Role.CLINICIAN in account.staff_roles)
        assert len(member.totp_secret) == 32


def test_a_parent_and_a_caregiver_who_are_no_patients_have_accounts_of_their_own(clinic: _Clinic) -> None:
    seeded = seed(Gateway(clinic.app))
    assert [charge.relation for one in seeded.caregivers for charge in one.patients] == ["parent", "friend"]
    for one in seeded.caregivers:
        account_id = accounts.find_account_id(one.username)
        account = accounts.find_account(account_id or "")
        assert account is not None
        assert account.to_dynamodb_dict().get("patient_id") is None
        grant = caregivers.find_grant(one.patients[0].patient_id, account.pk)
        assert grant is not None
        assert sorted(grant.scopes) == sorted(one.patients[0].scopes)


def test_a_refused_entry_of_a_bundle_is_an_error(clinic: _Clinic) -> None:
    clinic.refused = [{"index": 3, "reason": "unknown subject"}]
    with pytest.raises(SeedError, match="unknown subject"):
        seed(Gateway(clinic.app))


def test_a_call_that_fails_is_named(clinic: _Clinic) -> None:
    clinic.any_client = False
    with pytest.raises(SeedError, match="POST /v1/clinic/tokens answered 401"):
        seed(Gateway(clinic.app))


def test_tables_that_survived_keep_their_clinic_and_new_ones_get_it_again(clinic: _Clinic, tmp_path: Path) -> None:
    kept = tmp_path / "sample.json"
    first = seed(Gateway(clinic.app), kept)
    assert json.loads(kept.read_text()) == first.as_json()
    again = _Clinic()
    again.any_client, again.known_clients = False, clinic.known_clients
    assert seed(Gateway(again.app), kept) == first
    assert again.imported == []
    assert kept.stat().st_mode & 0o077 == 0
    new_tables = _NewTables()
    assert seed(Gateway(new_tables.app), kept).clients != first.clients
    assert len(new_tables.imported) == len(sample.bundles())
    assert json.loads(kept.read_text())["clients"][0]["client_id"] in new_tables.known_clients

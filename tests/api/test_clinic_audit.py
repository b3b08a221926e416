"""Who did what, as admins of the clinic read it; that they read it is written down, too."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.audit import Action
from chalicelib.domain.staff import Role
from chalicelib.services import clinic_audit
from tests.support.aws_calls import failing, recorded, unreachable
from tests.support.caregivers import new_invited
from tests.support.people import new_staff, token_of
from tests.support.portal import Answer, Person, Portal

PATH = "/v1/clinic/audit"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def admin(portal: Portal) -> str:
    return token_of(new_staff(Role.ADMIN))


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    """Somebody with a history: a caregiver who looked."""
    person = portal.register()
    _, token = new_invited(person, "everything")
    for _ in range(3):
        assert portal.call("GET", f"/v1/patients/{person.patient.patient_id}/summary", token=token).status == 200
    return person


def ask(portal: Portal, token: str, query: str = "") -> Answer:
    return portal.call("GET", f"{PATH}{query}", token=token)


def items(portal: Portal, token: str, query: str = "") -> list[Json]:
    answer = ask(portal, token, query)
    assert answer.status == 200, answer.text
    found: list[Json] = answer.json["items"]
    return found


def walk(portal: Portal, token: str, query: str) -> list[str]:
    """The ids of every entry, page by page."""
    found, cursor = [], ""
    while True:
        page = ask(portal, token, f"{query}{cursor}").json
        found += [item["entry_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def test_a_patients_history_says_who_did_what_by_ids(portal: Portal, admin: str, person: Person) -> None:
    patient_id = person.patient.patient_id
    found = items(portal, admin, f"?patient={patient_id}&limit=100")
    assert [item["at"] for item in found] == sorted((item["at"] for item in found), reverse=True)
    looks = [item for item in found if item["action"] == "patient:access"]
    assert len(looks) == 3
    assert looks[0]["patient_id"] == patient_id
    assert looks[0]["account_id"] is None
    assert looks[0]["actor"]["kind"] == "account"
    assert looks[0]["about"] == {"by": "caregiver", "operation": "records_read_summary"}
    assert person.patient.last_name not in json.dumps(found)


def test_an_accounts_history_and_the_clinics_own_are_read_alike(portal: Portal, admin: str, person: Person) -> None:
    account_id = person.session["account"]["account_id"]
    of_account = items(portal, admin, f"?account={account_id}&limit=100")
    assert {item["account_id"] for item in of_account} == {account_id}
    assert "account:create" in {item["action"] for item in of_account}
    items(portal, admin)
    # The first look is there for the second.
    of_clinic = items(portal, admin)
    assert {(item["account_id"], item["patient_id"]) for item in of_clinic} == {(None, None)}


def test_of_a_patients_history_what_one_account_did_is_found(portal: Portal, admin: str, person: Person) -> None:
    history = f"?patient={person.patient.patient_id}"
    everything = items(portal, admin, f"{history}&limit=100")
    account_id = person.session["account"]["account_id"]
    own = items(portal, admin, f"{history}&account={account_id}&limit=100")
    assert {item["entry_id"] for item in own} == {
        item["entry_id"] for item in everything if item["actor"]["id"] == account_id
    }
    assert 0 < len(own) < len(everything)


def test_one_action_is_found(portal: Portal, admin: str, person: Person) -> None:
    found = items(portal, admin, f"?patient={person.patient.patient_id}&action=caregiver:add")
    assert [item["action"] for item in found] == ["caregiver:add"]


def test_from_and_to_are_included_as_times_and_as_days_of_the_clinic(
    portal: Portal, admin: str, person: Person
) -> None:
    history = f"?patient={person.patient.patient_id}&limit=100"
    found = items(portal, admin, f"{history}&action=patient:access")
    newest, middle, oldest = (item["at"].replace("+", "%2B") for item in found)
    ids = [item["entry_id"] for item in found]
    looks = f"{history}&action=patient:access"
    assert [one["entry_id"] for one in items(portal, admin, f"{looks}&from={middle}")] == ids[:2]
    assert [one["entry_id"] for one in items(portal, admin, f"{looks}&to={middle}")] == ids[1:]
    assert [one["entry_id"] for one in items(portal, admin, f"{looks}&from={oldest}&to={newest}")] == ids
    assert items(portal, admin, f"{looks}&from={newest}&to={oldest}") == []
    from chalicelib.settings import settings

    today = clock.now().astimezone(settings().clinic_zone).date()
    assert [one["entry_id"] for one in items(portal, admin, f"{looks}&from={today}&to={today}")] == ids
    assert items(portal, admin, f"{looks}&from={today + timedelta(days=1)}") == []
    assert items(portal, admin, f"{looks}&to={today - timedelta(days=1)}") == []


@pytest.mark.parametrize(
    "bound", ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-12:00"]
)
def test_the_edges_of_the_calendar_are_no_fault(portal: Portal, admin: str, person: Person, bound: str) -> None:
    history = f"?patient={person.patient.patient_id}&limit=100"
    everything = len(items(portal, admin, history))
    early = bound.startswith("0")
    assert len(items(portal, admin, f"{history}&from={bound}")) == (everything + 1 if early else 0)
    assert bool(items(portal, admin, f"{history}&to={bound}")) == (not early)


def test_a_walk_sees_every_entry_once_though_each_page_adds_one(portal: Portal, admin: str, person: Person) -> None:
    query = f"?patient={person.patient.patient_id}"
    known = [item["entry_id"] for item in items(portal, admin, f"{query}&limit=100")]
    walked = walk(portal, admin, f"{query}&limit=2")
    assert len(set(walked)) == len(walked)
    assert walked[-len(known) :] == known


def test_a_page_that_ends_with_the_history_is_the_last(portal: Portal, admin: str, person: Person) -> None:
    # Up to a time, since each page adds an entry.
    query = f"?patient={person.patient.patient_id}&to={clock.stamp(clock.now())}"
    known = [item["entry_id"] for item in items(portal, admin, f"{query}&limit=100")]
    for limit in (len(known) - 1, len(known), len(known) + 1):
        assert walk(portal, admin, f"{query}&limit={limit}") == known
        assert (ask(portal, admin, f"{query}&limit={limit}").json["next_cursor"] is None) == (limit >= len(known))


def test_a_filtered_page_may_be_short_and_the_walk_misses_nothing(
    portal: Portal, admin: str, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = f"?patient={person.patient.patient_id}&to={clock.stamp(clock.now())}&action=patient:access"
    known = [item["entry_id"] for item in items(portal, admin, f"{query}&limit=100")]
    assert len(known) == 3
    for read_at_once in (1, 3):
        monkeypatch.setattr(clinic_audit, "READ_AT_ONCE", read_at_once)
        for limit in (1, 2, 3):
            assert walk(portal, admin, f"{query}&limit={limit}") == known


def test_reading_it_is_written_down_in_the_history_that_was_read(portal: Portal, admin: str, person: Person) -> None:
    patient_id, account_id = person.patient.patient_id, person.session["account"]["account_id"]
    for query, partition in (
        (f"?patient={patient_id}", f"patient#{patient_id}"),
        (f"?account={account_id}", f"account#{account_id}"),
        ("", "clinic"),
    ):
        with recorded() as calls:
            ask(portal, admin, query)
        (entry,) = [call.params["Item"] for call in calls if call.writes_to("audit")]
        assert (entry["pk"]["S"], entry["action"]["S"]) == (partition, "audit:read")
    told = person.get("/v1/patients/me/access-log").json["items"][0]
    assert (told["who"], told["by"], told["text"]) == (
        "staff",
        "An admin of the clinic",
        "Looked at who has seen your data.",
    )


def test_where_the_reading_cannot_be_written_down_nothing_is_read(portal: Portal, admin: str, person: Person) -> None:
    with failing(lambda call: call.operation == "PutItem" and call.writes_to("audit"), unreachable()):
        answer = ask(portal, admin, f"?patient={person.patient.patient_id}")
    assert answer.status == 503
    assert person.patient.patient_id not in answer.text


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_admins_read_it(portal: Portal, role: Role) -> None:
    assert ask(portal, token_of(new_staff(role))).status == 403


def test_patients_and_systems_do_not(portal: Portal, person: Person) -> None:
    assert ask(portal, token_of(person.session["account"]["account_id"])).status == 403
    assert ask(portal, portal.client_token()).status == 403


@pytest.mark.parametrize(
    "query",
    [
        "?patient=me",
        "?patient=pat_1",
        "?account=pat_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "?action=patient:fly",
        "?from=x",
        "?q=1",
    ],
)
def test_what_can_be_no_filter_is_refused_by_name(portal: Portal, admin: str, query: str) -> None:
    answer = ask(portal, admin, query)
    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == query.partition("=")[0]


def test_a_cursor_belongs_to_its_filters(portal: Portal, admin: str, person: Person) -> None:
    cursor = ask(portal, admin, f"?patient={person.patient.patient_id}&limit=1").json["next_cursor"]
    assert cursor
    for query in (f"?limit=1&cursor={cursor}", f"?patient=pat_{'0' * 26}&limit=1&cursor={cursor}"):
        assert ask(portal, admin, query).status == 400


def test_a_patient_whom_nobody_knows_has_an_empty_history(portal: Portal, admin: str) -> None:
    assert (
        items(portal, admin, f"?patient=pat_{uuid.uuid4().hex[:26].upper().translate(str.maketrans('ILOU', '0000'))}")
        == []
    )


def test_every_event_can_be_asked_for(portal: Portal, admin: str) -> None:
    for action in list(Action)[::9]:
        assert ask(portal, admin, f"?action={action}").status == 200

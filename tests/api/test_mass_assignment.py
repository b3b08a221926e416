"""AC 2: a field that a caller may not set is refused with its name, and nothing is stored."""

from typing import Any

import pytest

from chalicelib.handlers.operations import REGISTRY
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.routes import LOOKS, Somebody, bodies, by_id, send, somebody, token_for

READ_ONLY = (
    "account_id",
    "patient_id",
    "roles",
    "scopes",
    "email_verified",
    "version",
    "credentials_version",
    "password_hash",
    "disabled",
    "created_at",
    "pk",
    "__proto__",
)
"""What rows and answers have and no request may: from the views, from the tables, and from elsewhere."""

LENIENT = {"shares_read_manifest"}
"""SMART Health Links demand that a server passes over what it does not know of a request."""

WITH_BODY = [operation.id for operation in REGISTRY if operation.body is not None]


@pytest.fixture(scope="module")
def me(portal: Portal) -> Somebody:
    return somebody(portal)


def _rows(portal: Portal) -> list[Any]:
    """Every row but of the patients' records, which are many and of which a new one would be one more."""
    rows = [portal.rows(area) for area in ("accounts", "audit", "outbox")]
    changes = [[row for row in some if row.get("action", {}).get("S") not in LOOKS] for some in rows]
    return [*changes, portal.count("patients")]


@pytest.mark.promise
def test_a_field_that_may_not_be_set_is_refused_and_nothing_is_stored(
    portal: Portal, me: Somebody, promise: Promise
) -> None:
    """AC 2."""
    right = bodies(portal, me)
    taken = []
    for operation in (by_id(one) for one in WITH_BODY if one not in LENIENT):
        body = right[operation.id]()
        path, token = body.pop("_path", {}), token_for(portal, me, operation)
        before = _rows(portal)
        for field in READ_ONLY:
            answer = send(portal, operation, path, {**body, field: "x"}, token)
            is_html = "html" in (answer.header("content-type") or "")
            named = is_html or [error["pointer"] for error in answer.json.get("errors", ())] == [f"/{field}"]
            if answer.status != 422 or not named:
                taken.append((operation.id, field, answer.status, answer.text[:200]))
        if _rows(portal) != before:
            taken.append((operation.id, "stored something", 0, ""))
    tried = (len(WITH_BODY) - len(LENIENT)) * len(READ_ONLY)
    promise("AC 2", f"{tried} requests with a field that may not be set: taken or stored", asked=0, measured=len(taken))


@pytest.mark.parametrize("operation_id", WITH_BODY)
def test_the_same_body_without_the_field_is_taken(portal: Portal, operation_id: str) -> None:
    """Else the test above would prove nothing."""
    me, operation = somebody(portal), by_id(operation_id)
    body = bodies(portal, me)[operation_id]()
    answer = send(portal, operation, body.pop("_path", {}), body, token_for(portal, me, operation))
    assert answer.status == operation.status, answer.text


def test_a_field_that_may_not_be_set_is_refused_inside_a_list_too(portal: Portal, me: Somebody) -> None:
    body = bodies(portal, me)["registrations_create_account"]()
    path = body.pop("_path")
    body["security_answers"][1]["hash"] = "x"
    answer = send(portal, by_id("registrations_create_account"), path, body)
    assert [error["pointer"] for error in answer.json["errors"]] == ["/security_answers/1/hash"]

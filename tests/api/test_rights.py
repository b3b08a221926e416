"""AC 1 and AC 2: who may call what, about whom. Every expectation follows from the policy that a route declares."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from chalice.app import Chalice

from chalicelib.domain.access import ClientScope, Policy, PolicyKind, patient
from chalicelib.domain.caregivers import Scope
from chalicelib.domain.staff import PERMISSIONS, Role
from chalicelib.handlers import fhir_api, pages
from chalicelib.handlers.operations import REGISTRY, Operation
from chalicelib.handlers.routing import Answer as ViewAnswer
from chalicelib.handlers.routing import Call, Routes
from tests.support import import_files
from tests.support.aws_calls import AwsCall, recorded
from tests.support.clinic_system import remove_every_webhook
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import Answer, Portal
from tests.support.promises import Promise
from tests.support.routes import (
    ABSENT,
    ANOTHERS,
    MISSING,
    NEED_A_FACTOR,
    OF_ACCOUNTS,
    OF_CLIENTS,
    OF_THE_CLINIC,
    OWN,
    PARAMETERS,
    QUESTIONS,
    UNSHARED,
    bodies,
    new_delivery,
    new_webhook,
    parameters,
    send,
    somebody,
)

UNKNOWN_FIELD = {"no_such_field": "1"}


@dataclass(frozen=True)
class Caller:
    """Somebody who calls: which kind of actor the portal should see, and what they were given.

    `scopes` are a client's, `grants` a caregiver's for the first patient, whom `cares` says staff to care for.
    """

    name: str
    kind: str
    token: Callable[[], str | None]
    scopes: frozenset[str] = frozenset()
    grants: frozenset[Scope] = frozenset()
    role: Role | None = None
    cares: bool = False
    is_patient: bool = False
    stepped_up: bool = True

    def has(self, policy: Policy) -> bool:
        """Whether its scopes or its role are what a route of the clinic's asks for."""
        return policy.scope in self.scopes or (self.role is not None and policy.permission in PERMISSIONS[self.role])


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix: a route, a caller, and whose each object of the path is."""

    operation: Operation
    caller: Caller
    whose: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operation.method} {self.operation.path} by {self.caller.name}, objects {self.whose}"


@dataclass(frozen=True)
class Asked:
    """What came of one cell: the answer where it is off the policy, and the actions of the audit entries put alone."""

    cell: Cell
    off: tuple[int, str | None] | None
    audited: frozenset[str]


CLOSES = {"closures_close_me"}
"""Nobody is left to call anything else: the door is shown to be open by an unknown parameter."""


class Matrix:
    """Two patients, the clinic's systems and the others, and every request that they could make."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.me, self.other = somebody(portal), somebody(portal)
        self._fixed = {
            (name, whose): PARAMETERS[name](portal, self.me if whose == OWN else self.other)
            for name in PARAMETERS
            for whose in (OWN, ANOTHERS)
        }
        self._token: str | None = None
        self._ends: list[None] = []
        """One entry for each call that ended a session: whoever calls next has a new one."""
        self._of_clients: dict[str | None, dict[str, str]] = {}

    @cached_property
    def walked(self) -> list[Asked]:
        """Every cell, asked once."""
        with recorded() as calls:
            return [self._walked(cell, calls) for cell in self.cells()]

    def _walked(self, cell: Cell, calls: list[AwsCall]) -> Asked:
        calls.clear()
        off = _off(self.ask(cell), cell)
        entries = [call.params["Item"] for call in calls if call.operation == "PutItem" and call.writes_to("audit")]
        return Asked(cell, off, frozenset(entry["action"]["S"] for entry in entries))

    def callers(self) -> list[Caller]:
        everything = frozenset(ClientScope)
        clients = [("a client with every scope", everything)]
        clients += [(f"a client without {scope}", everything - {scope}) for scope in ClientScope]
        clients += [(f"a client with {scope} alone", frozenset({scope})) for scope in ClientScope]
        return [
            Caller("nobody", "nobody", lambda: None),
            Caller("a token of nobody's", "nobody", lambda: f"acc_{'0' * 26}.ses_{'0' * 26}.{'A' * 43}"),
            Caller("no token at all", "nobody", lambda: "Basic"),
            Caller("an ended session", "nobody", self._ended()),
            Caller("a patient", "account", self.my_token, is_patient=True),
            Caller("a patient who did not step up", "account", self._plain(), is_patient=True, stepped_up=False),
            *(self._caregiver(*scopes) for scopes in [(), *((scope,) for scope in Scope)]),
            *(self._staff(role, cares=cares) for role in Role for cares in (True, False)),
            *(Caller(name, "client", self._client(scopes), frozenset(scopes)) for name, scopes in clients),
        ]

    def my_token(self) -> str:
        self._token = self._token or token_of(self.me.person.session["account"]["account_id"])
        return self._token

    def _plain(self) -> Callable[[], str]:
        return _kept(lambda: self.me.new_session()[1], self._ends)

    def _caregiver(self, *scopes: Scope) -> Caller:
        account_id = new_caregiver(self.me.patient_id, *scopes)
        name = f"a caregiver with {', '.join(scopes) or 'nothing'}"
        return Caller(name, "account", _kept(lambda: token_of(account_id), self._ends), grants=frozenset(scopes))

    def _staff(self, role: Role, *, cares: bool) -> Caller:
        account_id = new_staff(role, cares_for=self.me.patient_id if cares else None)
        name = f"{role}, {'of the care team' if cares else 'of no care team'}"
        return Caller(name, "account", _kept(lambda: token_of(account_id), self._ends), role=role, cares=cares)

    def _ended(self) -> Callable[[], str]:
        _, token = self.me.new_session()
        assert self.portal.call("DELETE", "/v1/sessions/current", token=token).status == 204
        return lambda: token

    def _client(self, scopes: frozenset[ClientScope]) -> Callable[[], str]:
        token = self.portal.client_token(self.portal.new_client(*scopes))
        return lambda: token

    def cells(self) -> list[Cell]:
        """Every route × every caller × whose each object in its path is."""
        callers = self.callers()
        return [
            Cell(operation, caller, whose)
            for operation in REGISTRY
            for caller in callers
            for whose in itertools.product(*(_choices(name) for name in parameters(operation)))
        ]

    def ask(self, cell: Cell, body: dict[str, Any] = UNKNOWN_FIELD) -> Answer:
        """One request; an unknown field shows that the door is open, and changes nothing behind it."""
        path = {
            name: self._own_of(name, cell.caller) if name in OF_CLIENTS and whose == OWN else self._filled(name, whose)
            for name, whose in zip(parameters(cell.operation), cell.whose, strict=True)
        }
        query = "?unknown=1" if cell.operation.id in CLOSES else ""
        answer = send(self.portal, cell.operation, path, body, cell.caller.token(), query)
        if cell.operation.method == "DELETE" and answer.status < 400:
            self._token = None
            self._ends.append(None)
            self._of_clients.pop(cell.caller.token(), None)
            # Another factor ends the trust in every device.
            for name in {"session_id", "trusted_device_id", *parameters(cell.operation)}:
                self._fixed[name, OWN] = PARAMETERS[name](self.portal, self.me)
        if answer.status < 400:
            self._renew(cell, set(path))
        return answer

    def _renew(self, cell: Cell, names: set[str]) -> None:
        """What was decided, ended, used or read again can be that once."""
        posted = names if cell.operation.method == "POST" else set()
        if "import_id" in posted:
            self._of_clients.get(cell.caller.token(), {}).pop("import_id", None)
        for name in {"invitation_token", "reading_id"} & posted:
            self._fixed[name, OWN] = PARAMETERS[name](self.portal, self.me)
        for name in {"change_id"} & names | {"import_id"} & posted:
            for whose, somebody_ in ((OWN, self.me), (ANOTHERS, self.other)):
                self._fixed[name, whose] = PARAMETERS[name](self.portal, somebody_)

    def _own_of(self, name: str, caller: Caller) -> str:
        """A client's own object; where it may have none, another's serves as well."""
        token = caller.token()
        scope = ClientScope.RECORDS_WRITE if name == "import_id" else ClientScope.WEBHOOKS_WRITE
        if token is None or scope not in caller.scopes:
            return self._fixed[name, ANOTHERS]
        known = self._of_clients.setdefault(token, {})
        if name not in known and name == "import_id":
            known["import_id"] = import_files.ask(self.portal, token=token).json["import_id"]
        elif name not in known:
            known["webhook_id"] = new_webhook(self.portal, token)
            known["delivery_id"] = new_delivery(self.portal, token, known["webhook_id"])
        return known[name]

    def _filled(self, name: str, whose: str) -> str:
        if whose == "me":
            return "me"
        if whose == MISSING:
            return ABSENT[name]
        return self._fixed[name, whose]


def _choices(name: str) -> tuple[str, ...]:
    if name in QUESTIONS:
        return (OWN,)
    if name in UNSHARED:
        return (OWN, MISSING)
    return ("me", OWN, ANOTHERS, MISSING) if name == "pid" else (OWN, ANOTHERS, MISSING)


def expected(cell: Cell) -> tuple[int, str | None]:
    """Status and code, from the declared policy alone; the code is None where the door is open."""
    policy, caller = cell.operation.policy, cell.caller
    if policy.kind in {PolicyKind.PUBLIC, PolicyKind.OPTIONAL}:
        return _inside(cell)
    if caller.kind == "nobody":
        return 401, "not_signed_in"
    if not _may_call(cell):
        return 403, "not_allowed"
    if policy.kind is PolicyKind.RESOURCE:
        return _of_a_resource(cell)
    refused: tuple[int, str | None] | None = _refused_patient(cell) if policy.kind is PolicyKind.PATIENT else None
    if refused is None and cell.operation.step_up and not caller.stepped_up:
        refused = 403, "step_up_required"
    return refused or _inside(cell)


def _may_call(cell: Cell) -> bool:
    """Whether a caller is of a kind that a policy lets through to its door."""
    policy, caller = cell.operation.policy, cell.caller
    match policy.kind:
        case PolicyKind.CLIENT | PolicyKind.STAFF | PolicyKind.CLINIC:
            return caller.has(policy)
        case PolicyKind.ACCOUNT | PolicyKind.PATIENT:
            return caller.kind == "account"
        case PolicyKind.RESOURCE:
            return caller.kind == "account" or caller.has(policy)
        case _:
            raise AssertionError(f"the matrix has no rule for the policy {policy.kind}")


def _refused_patient(cell: Cell) -> tuple[int, str] | None:
    """What somebody hears who may not call this about this patient; None for who may."""
    policy, caller = cell.operation.policy, cell.caller
    whose = cell.whose[parameters(cell.operation).index("pid")]
    if caller.role is not None and caller.has(policy) and whose != "me":
        return None if caller.cares and whose == OWN else (403, "not_in_care_team")
    is_own = caller.is_patient and whose in {"me", OWN}
    covers = (Scope.EVERYTHING in caller.grants and bool(policy.grants)) or bool(caller.grants & policy.grants)
    return None if is_own or (covers and whose == OWN) else (404, "not_found")


def _of_a_resource(cell: Cell) -> tuple[int, str | None]:
    """What somebody hears who reads a Patient as FHIR, or searches patients, of whom they find whom they may see."""
    caller, whose = cell.caller, dict(zip(parameters(cell.operation), cell.whose, strict=True))
    if MISSING in {whose["resource_type"], whose.get("operation")}:
        return 404, "not_found"
    if "resource_id" not in whose:
        return (200, None) if caller.kind == "account" else (400, "search_not_understood")
    is_there = whose.get("version_id") != MISSING
    if caller.kind == "client":
        return (200, None) if whose["resource_id"] != MISSING and is_there else (404, "not_found")
    if caller.role is not None and caller.has(cell.operation.policy):
        if not caller.cares or whose["resource_id"] != OWN:
            return 403, "not_in_care_team"
        return (200, None) if is_there else (404, "not_found")
    sees = caller.is_patient or bool(caller.grants)
    return (200, None) if sees and whose["resource_id"] == OWN and is_there else (404, "not_found")


def _inside(cell: Cell) -> tuple[int, str | None]:
    """What is behind an open door: the unknown field is refused, else the object is there, if it is the caller's."""
    operation = cell.operation
    there = all(_is_there(cell, name, whose) for name, whose in zip(parameters(operation), cell.whose, strict=True))
    if operation.raw and not there:
        # What its body means depends on the object: that is looked for first.
        return 404, "not_found"
    if operation.id in NEED_A_FACTOR:
        return 404, "not_found"
    asks = any(field.is_required() for field in operation.query.model_fields.values())
    if operation.takes_body or asks or operation.id in CLOSES:
        return 422, None
    return (operation.status, None) if there else (404, "not_found")


def _is_there(cell: Cell, name: str, whose: str) -> bool:
    if name in OF_THE_CLINIC or (name == "pid" and cell.operation.policy.kind is not PolicyKind.PATIENT):
        return whose in {OWN, ANOTHERS}
    if name == "import_id" and cell.caller.role is not None:
        # Staff see every system's.
        return whose in {OWN, ANOTHERS}
    if name == "record_id" and cell.caller.grants and Scope.EVERYTHING not in cell.caller.grants:
        # It is a condition, which no other scope opens.
        return False
    return whose in {"me", OWN} and (name not in OF_ACCOUNTS or cell.caller.is_patient)


def _kept(make: Callable[[], str], ends: list[None]) -> Callable[[], str]:
    """One token for many calls, and a new one whenever a session was ended."""
    kept: dict[int, str] = {}

    def token() -> str:
        return kept.get(len(ends)) or kept.setdefault(len(ends), make())

    return token


@pytest.fixture(scope="module")
def matrix(portal: Portal) -> Iterator[Matrix]:
    yield Matrix(portal)
    remove_every_webhook()


@pytest.mark.promise
def test_every_cell_of_role_route_and_whose_data_is_as_the_policy_declares(matrix: Matrix, promise: Promise) -> None:
    """AC 1."""
    wrong = [f"{one.cell}: {one.off}, declared {expected(one.cell)}" for one in matrix.walked if one.off is not None]
    print("\n".join(wrong[:40]))
    promise(
        "AC 1",
        f"{len(matrix.walked)} cells of role × route × whose data: cells off their policy",
        asked=0,
        measured=len(wrong),
    )


def _off(answer: Answer, cell: Cell) -> tuple[int, str | None] | None:
    """Status and code of an answer that is not the one declared."""
    status, code = expected(cell)
    if answer.status != status:
        return answer.status, answer.text[:120]
    told = _code_of(answer)
    if code is not None and told is not None and told != code:
        return status, told
    return None


def _code_of(answer: Answer) -> str | None:
    """The code of a refusal, which is a problem or an OperationOutcome."""
    media_type = answer.header("content-type") or ""
    if media_type.startswith("application/problem+json"):
        return str(answer.json["code"])
    if media_type.startswith("application/fhir+json") and answer.status >= 400:
        return str(answer.json["issue"][0]["details"]["coding"][0]["code"])
    return None


def test_no_route_serves_without_being_in_the_table(portal: Portal) -> None:
    assert _undeclared(portal.app.app, REGISTRY) == set()


def test_a_route_that_bypasses_the_table_is_found() -> None:
    app = Chalice(app_name="bypassing")
    app.route("/v1/unguarded")(dict)
    assert _undeclared(app, []) == {("GET", "/v1/unguarded")}


def _undeclared(app: Chalice, registry: list[Operation]) -> set[tuple[str, str]]:
    declared = {(operation.method, operation.path) for operation in registry}
    served = {(method, path) for path, methods in app.routes.items() for method in methods if method != "OPTIONS"}
    refused = pages.REFUSED | fhir_api.REFUSED
    return served - declared - {(method, path) for method, path in (route.split(" ") for route in refused)}


def test_every_route_declares_a_policy_that_the_matrix_knows() -> None:
    undeclared: list[object] = [operation.policy for operation in REGISTRY]
    assert [policy for policy in undeclared if not isinstance(policy, Policy)] == []
    for operation in REGISTRY:
        policy = operation.policy
        asks_scope = policy.kind in {PolicyKind.CLIENT, PolicyKind.CLINIC, PolicyKind.RESOURCE}
        assert asks_scope == (policy.scope is not None), operation.id
        assert policy.permission or policy.kind not in {PolicyKind.STAFF, PolicyKind.CLINIC}, operation.id
        assert not operation.takes_patient or policy.kind not in {PolicyKind.PUBLIC, PolicyKind.ACCOUNT}, operation.id
        assert set(parameters(operation)) <= set(PARAMETERS), operation.id


def test_a_route_cannot_be_declared_without_a_policy() -> None:
    registry: list[Operation] = []
    routes = Routes("unguarded", registry)
    with pytest.raises(TypeError, match="policy"):
        routes.get("/v1/unguarded")  # type: ignore[call-arg]  # That is the point.

    def view(call: Call) -> ViewAnswer:
        """Do nothing."""
        return ViewAnswer()

    routes.get("/v1/patients/{pid}/guarded", patient())(view)
    assert [operation.policy for operation in registry] == [patient()]


@pytest.mark.promise
def test_anothers_object_and_a_missing_one_are_the_same_answer_to_the_byte(matrix: Matrix, promise: Promise) -> None:
    """AC 2."""
    caller = Caller("a patient", "account", matrix.my_token, is_patient=True)
    different = []
    compared = 0
    for operation in REGISTRY:
        names = parameters(operation)
        kinds = {PolicyKind.ACCOUNT, PolicyKind.PATIENT, PolicyKind.RESOURCE}
        if not set(names) - UNSHARED or operation.policy.kind not in kinds:
            continue
        # A right one, since a wrong one is refused before anybody looks whose the object is.
        body = bodies(matrix.portal, matrix.me)[operation.id]() if operation.takes_body else {}
        body.pop("_path", None)
        answers = {
            whose: _anonymous(matrix.ask(Cell(operation, caller, whose), body))
            for whose in itertools.product(*(_choices(name) for name in names))
            if set(whose) & {ANOTHERS, MISSING}
        }
        compared += len(answers)
        if len(set(answers.values())) != 1 or next(iter(answers.values()))[0] != 404:
            different.append((operation.id, answers))
    promise(
        "AC 2",
        f"{compared} answers to another's and to missing objects: routes that tell them apart",
        asked=0,
        measured=len(different),
    )
    assert compared > 0


def _anonymous(answer: Answer) -> tuple[int, str, str]:
    """An answer without its request id: status, headers, body."""
    request_id = answer.header("x-request-id") or "?"
    assert request_id in answer.text
    return (
        answer.status,
        json.dumps(dict(answer.headers)).replace(request_id, "-"),
        answer.text.replace(request_id, "-"),
    )


def test_a_refused_caller_who_is_known_leaves_an_audit_entry(matrix: Matrix) -> None:
    """Of what is edited the version is read first, which may be allowed: the refusal is one of the entries."""
    refused = [one for one in matrix.walked if expected(one.cell)[1] == "not_allowed" or _is_another_patient(one.cell)]
    assert refused
    assert [str(one.cell) for one in refused if "access:refuse" not in one.audited] == []


def _is_another_patient(cell: Cell) -> bool:
    return (
        cell.operation.policy.kind is PolicyKind.PATIENT
        and expected(cell) == (404, "not_found")
        and cell.whose[0] in {ANOTHERS, MISSING}
    )


def test_a_refusal_keeps_nothing_of_a_path_that_is_no_id(matrix: Matrix) -> None:
    path = "/v1/patients/Aurelia-Canary-1950/summary"
    assert matrix.portal.call("GET", path, token=matrix.my_token()).status == 404
    assert not [row for row in matrix.portal.rows("audit") if "Aurelia" in json.dumps(row)]


def test_somebody_elses_record_cannot_be_read_under_ones_own_id(matrix: Matrix) -> None:
    portal, token = matrix.portal, matrix.my_token()
    for query in ("", "?format=fhir"):
        path = f"/v1/patients/me/records/{{}}{query}"
        assert portal.call("GET", path.format(matrix.me.record_id), token=token).status == 200
        assert portal.call("GET", path.format(matrix.other.record_id), token=token).status == 404

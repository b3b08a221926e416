"""Requests by parents, guardians and agents to act for a patient, which staff decide."""

from typing import Any

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import ACCOUNT
from chalicelib.domain.access import staff as may
from chalicelib.domain.caregivers import Relation
from chalicelib.domain.proxy_requests import Claim, ProxyRequestView
from chalicelib.domain.staff import Permission
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import proxy_requests as shapes
from chalicelib.services import proxy_requests
from chalicelib.services.proxy_requests import Approval

routes = Routes(__name__)

_DECIDES = may(Permission.PROXY_REQUESTS_DECIDE)
_ONE = "/v1/clinic/proxy-requests/{proxy_request_id}"


@routes.post(
    "/v1/proxy-requests",
    ACCOUNT,
    status=201,
    answer=shapes.ProxyRequest,
    creates=True,
    errors=(errors.Conflict, errors.TooManyRequests),
)
def create_request(call: Call, body: shapes.NewProxyRequest) -> Answer:
    """Ask the clinic to let you act for your child, or for somebody whose guardian or agent you are."""
    claim = Claim(
        relation=Relation(body.relation),
        first_name=body.first_name,
        last_name=body.last_name,
        date_of_birth=body.date_of_birth.isoformat(),
        clinic_number=body.clinic_number,
        scopes=frozenset(body.scopes),
        requester_name=body.requester_name,
        note=body.note,
    )
    return Answer(shapes.ProxyRequest(**_fields(proxy_requests.create(call.actor, claim, call.once))))


@routes.get("/v1/proxy-requests", ACCOUNT, answer=shapes.ProxyRequestPage)
def list_requests(call: Call, query: shapes.ProxyRequestsQuery) -> Answer:
    """List your own requests, the newest first."""
    found = proxy_requests.find_own(call.actor)
    page, next_cursor = paging.page(call, found, lambda one: one.proxy_request_id, query)
    items = [shapes.ProxyRequest(**_fields(one)) for one in page]
    return Answer(shapes.ProxyRequestPage(items=items, next_cursor=next_cursor))


@routes.get("/v1/clinic/proxy-requests", _DECIDES, answer=shapes.ClinicProxyRequestPage)
def list_all_requests(call: Call, query: shapes.ClinicProxyRequestsQuery) -> Answer:
    """List requests to act for patients, the newest first: those that wait, or those that were decided."""
    binding = call.binding(status=query.status)
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    page = proxy_requests.find_page(call.actor, query.status, limit=query.limit, before=before)
    next_cursor = cursors.seal([page.after], binding) if page.after is not None else None
    items = [_for_staff(one) for one in page.items]
    return Answer(shapes.ClinicProxyRequestPage(items=items, next_cursor=next_cursor))


@routes.post(
    f"{_ONE}/approve",
    _DECIDES,
    answer=shapes.ClinicProxyRequest,
    step_up=True,
    errors=(errors.NotFound, errors.Conflict, errors.OwnRequest),
)
def approve_request(call: Call, body: shapes.ProxyApproval) -> Answer:
    """Let somebody act for the patient whom you have found them to mean."""
    approval = Approval(body.patient_id, body.scopes, body.expires_at, body.sensitive, body.differs)
    return Answer(_for_staff(proxy_requests.approve(call.actor, path_id(call, "proxy_request_id"), approval)))


@routes.post(f"{_ONE}/deny", _DECIDES, answer=shapes.ClinicProxyRequest, errors=(errors.NotFound, errors.Conflict))
def deny_request(call: Call, body: shapes.ProxyDenial) -> Answer:
    """Turn a request down."""
    denied = proxy_requests.deny(call.actor, path_id(call, "proxy_request_id"), body.reason)
    return Answer(_for_staff(denied))


def _for_staff(one: ProxyRequestView) -> shapes.ClinicProxyRequest:
    return shapes.ClinicProxyRequest(**_fields(one), account_id=one.account_id)


def _fields(one: ProxyRequestView) -> dict[str, Any]:
    claim = one.claim
    return {
        "proxy_request_id": one.proxy_request_id,
        "relation": claim.relation,
        "first_name": claim.first_name,
        "last_name": claim.last_name,
        "date_of_birth": claim.date_of_birth,
        "clinic_number": claim.clinic_number,
        "scopes": sorted(claim.scopes),
        "requester_name": claim.requester_name,
        "note": claim.note,
        "status": one.status,
        "created_at": one.created_at,
        "decided_at": one.decided_at,
        "reason": one.reason,
        "patient_id": one.patient_id,
    }

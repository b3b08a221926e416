"""Shapes of requests to act for a patient."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.caregivers import Relation, Scope
from chalicelib.domain.proxy_requests import ProxyStatus
from chalicelib.schemas.base import Body, Instant, LongText, PageQuery, PersonName, Shape, Text
from chalicelib.schemas.caregivers import Scopes

_Note = Annotated[LongText, Field(max_length=1000)]


class NewProxyRequest(Body):
    """For whom you ask to act. Papers that prove it you show to the clinic; say in the note which you have."""

    relation: Literal["parent", "guardian", "agent"]
    first_name: PersonName
    last_name: PersonName
    date_of_birth: date
    clinic_number: Annotated[Text, Field(max_length=40)] | None = None
    scopes: Scopes = Field(default=[Scope.EVERYTHING])
    requester_name: PersonName | None = Field(default=None, description="Your own name, if you are no patient of ours.")
    note: _Note | None = None


class ProxyRequest(Shape):
    """A request of yours. Whether there is such a patient it does not say before it is approved."""

    proxy_request_id: str
    relation: Relation
    first_name: str
    last_name: str
    date_of_birth: date
    clinic_number: str | None
    scopes: list[Scope]
    requester_name: str | None
    note: str | None
    status: ProxyStatus
    created_at: Instant
    decided_at: Instant | None
    reason: str | None = Field(description="Why it was denied, if the clinic says so.")
    patient_id: str | None = Field(description="Whom you may act for; null until it is approved.")


class ProxyRequestPage(Shape):
    """A page of requests."""

    items: list[ProxyRequest]
    next_cursor: str | None


class ClinicProxyRequest(ProxyRequest):
    """A request as staff see it."""

    account_id: str = Field(description="The account that asks.")


class ClinicProxyRequestPage(Shape):
    """A page of requests as staff see them."""

    items: list[ClinicProxyRequest]
    next_cursor: str | None


class ProxyRequestsQuery(PageQuery):
    """How one's own requests are paged."""


class ClinicProxyRequestsQuery(PageQuery):
    """Which requests."""

    status: ProxyStatus = Field(default=ProxyStatus.PENDING, description="What became of them.")


class ProxyApproval(Body):
    """For whom somebody may act, and how far."""

    patient_id: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Scopes | None = Field(default=None, description="Those that were asked for where it is null.")
    expires_at: Instant | None = None
    sensitive: bool = False
    differs: bool = Field(
        default=False, description="That you have seen that name or birth date are not those of the request."
    )


class ProxyDenial(Body):
    """Why somebody may not act for a patient, in words for them; it must not say whether there is such a patient."""

    reason: Annotated[LongText, Field(max_length=500)] | None = None

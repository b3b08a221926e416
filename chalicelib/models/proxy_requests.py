"""Requests to act for a patient, in the patients table; the account that asked has a row that leads to each of its own.

A request that waits stands before those that are decided, so that the clinic's list is one query.
"""

import json

from pynamodb.attributes import UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.domain.caregivers import Relation, Scope
from chalicelib.domain.proxy_requests import Claim, ProxyStatus
from chalicelib.errors import Conflict
from chalicelib.models.accounts import AccountsTable
from chalicelib.models.base import Key, storage_errors
from chalicelib.models.patients import PatientsTable
from chalicelib.models.transaction import Transaction

_PARTITION, _OWN = "proxy_requests", "proxy_request#"


class ProxyRequest(PatientsTable, discriminator="proxy_request"):
    """One request; partition key `proxy_requests`, sort key `<status>#<request id>`."""

    proxy_request_id = UnicodeAttribute()
    account_id = UnicodeAttribute()
    relation = UnicodeAttribute()
    first_name = UnicodeAttribute()
    last_name = UnicodeAttribute()
    date_of_birth = UnicodeAttribute()
    clinic_number = UnicodeAttribute(null=True)
    scopes = UnicodeAttribute()
    requester_name = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    created_at = UnicodeAttribute()
    decided_at = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    patient_id = UnicodeAttribute(null=True)

    def claim(self) -> Claim:
        """For whom somebody asks to act."""
        return Claim(
            relation=Relation(self.relation),
            first_name=self.first_name,
            last_name=self.last_name,
            date_of_birth=self.date_of_birth,
            clinic_number=self.clinic_number,
            scopes=frozenset(Scope(one) for one in json.loads(self.scopes)),
            requester_name=self.requester_name,
            note=self.note,
        )


class OwnProxyRequest(AccountsTable, discriminator="own_proxy_request"):
    """A request of the holder of an account; sort key `proxy_request#<request id>`."""

    proxy_request_id = UnicodeAttribute()


def create(tx: Transaction, account_id: str, claim: Claim) -> str:
    """A new request; returns its id."""
    request_id = ids.new_id("prx")
    row = ProxyRequest(
        *_key(request_id, ProxyStatus.PENDING),
        proxy_request_id=request_id,
        account_id=account_id,
        relation=claim.relation,
        first_name=claim.first_name,
        last_name=claim.last_name,
        date_of_birth=claim.date_of_birth,
        clinic_number=claim.clinic_number,
        scopes=json.dumps(sorted(claim.scopes)),
        requester_name=claim.requester_name,
        note=claim.note,
        status=ProxyStatus.PENDING,
        created_at=clock.stamp(clock.now()),
    )
    tx.create(row, error=None)
    tx.create(OwnProxyRequest(account_id, f"{_OWN}{request_id}", proxy_request_id=request_id), error=None)
    return request_id


def decide(
    tx: Transaction, row: ProxyRequest, status: ProxyStatus, *, patient_id: str | None = None, reason: str | None = None
) -> None:
    """What staff have decided, once. One that was decided meanwhile is a Conflict at the commit."""
    tx.delete(row, condition=ProxyRequest.pk.exists(), error=Conflict())
    decided = ProxyRequest.from_raw_data(row.to_dynamodb_dict())
    decided.pk, decided.sk = _key(row.proxy_request_id, status)
    decided.status, decided.decided_at = status, clock.stamp(clock.now())
    decided.patient_id, decided.reason = patient_id, reason
    tx.create(decided, error=Conflict())


def find(request_id: str) -> ProxyRequest | None:
    """One request, whatever became of it."""
    return next(iter(_find_all([request_id])), None)


def find_all_of(account_id: str) -> list[ProxyRequest]:
    """Every request of the holder of an account, the newest first: two round trips."""
    with storage_errors():
        own = list(OwnProxyRequest.query(account_id, OwnProxyRequest.sk.startswith(_OWN), consistent_read=True))
    return sorted(_find_all([row.proxy_request_id for row in own]), key=lambda row: row.proxy_request_id, reverse=True)


def find_page(status: ProxyStatus, limit: int, before: str | None) -> list[ProxyRequest]:
    """Requests of one status, the newest first, older than the id `before` where one is given."""
    prefix = f"{status}#"
    older = ProxyRequest.sk.between(prefix, f"{prefix}{before}") if before else ProxyRequest.sk.startswith(prefix)
    with storage_errors():
        rows = list(
            ProxyRequest.query(_PARTITION, older, consistent_read=True, scan_index_forward=False, limit=limit + 1)
        )
    return [row for row in rows if row.proxy_request_id != before][:limit]


def _find_all(request_ids: list[str]) -> list[ProxyRequest]:
    keys = [_key(request_id, status) for request_id in request_ids for status in ProxyStatus]
    return list(ProxyRequest.find_all(keys).values()) if keys else []


def _key(request_id: str, status: ProxyStatus) -> Key:
    return _PARTITION, f"{status}#{request_id}"

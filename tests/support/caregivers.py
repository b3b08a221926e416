"""Caregivers as they come to be: invited by a patient, and accepted by the link of their email."""

import re
import uuid
from typing import Any

from tests.support.people import new_account, token_of
from tests.support.portal import Answer, Person, Portal


def account_id_of(person: Person) -> str:
    """The id of somebody's account."""
    account_id: str = person.session["account"]["account_id"]
    return account_id


def strong(person: Person) -> str:
    """The token of a session of theirs that was stepped up just now."""
    return token_of(account_id_of(person))


def new_email() -> str:
    """A mailbox that nobody had before."""
    return f"invited-{uuid.uuid4().hex[:10]}@example.org"


def key() -> dict[str, str]:
    """The headers of one more request that creates something."""
    return {"Idempotency-Key": str(uuid.uuid4())}


def invite(person: Person, *scopes: str, **changes: Any) -> Answer:
    """A patient's invitation; `changes` replace fields of the request."""
    headers = changes.pop("headers", None) or key()
    token = changes.pop("token", None) or strong(person)
    asked = {"email": new_email(), "scopes": list(scopes or ("medications",)), **changes}
    return person.portal.call("POST", "/v1/patients/me/caregivers", asked, headers=headers, token=token)


def link_of(portal: Portal, email: str) -> str:
    """The token of the link in the newest invitation to an address."""
    found = re.search(r"/l/(\S+)", portal.emails(email)[-1].text or "")
    assert found is not None
    return found[1]


def accept(portal: Portal, token: str, account_token: str) -> Answer:
    """Somebody who is signed in says yes."""
    return portal.call("POST", f"/v1/caregiver-invitations/{token}/accept", headers=key(), token=account_token)


def new_invited(person: Person, *scopes: str, **changes: Any) -> tuple[str, str]:
    """The id and the token of a caregiver who was invited and has accepted with an account of their own."""
    email = new_email()
    invited = invite(person, *scopes, email=email, **changes)
    assert invited.status == 201, invited.text
    token = token_of(new_account())
    accepted = accept(person.portal, link_of(person.portal, email), token)
    assert accepted.status == 200, accepted.text
    return invited.json["caregiver_id"], token


def give(patient_id: str) -> str:
    """The id of a caregiver of a patient, without the steps."""
    from chalicelib.domain.caregivers import Grant, Scope
    from chalicelib.models import caregivers
    from chalicelib.models.transaction import transaction

    grant = Grant(new_account(), frozenset({Scope.RESULTS}), caregiver_id=f"cgv_{uuid.uuid4().hex[:26].upper()}")
    with transaction() as tx:
        caregivers.put_grant(tx, patient_id, grant)
    return grant.caregiver_id


def invitation_to(patient_id: str) -> str:
    """The token of an invitation to look after a patient, without the steps."""
    from chalicelib import clock, ids
    from chalicelib.domain.caregivers import Grant, Scope
    from chalicelib.domain.links import LASTS, LinkPurpose
    from chalicelib.models import caregivers, links
    from chalicelib.models.transaction import transaction
    from chalicelib.services import links as link_service

    purpose, scopes = LinkPurpose.ACCEPT_INVITATION, frozenset({Scope.RESULTS})
    grant = Grant("", scopes, caregiver_id=ids.new_id("cgv"), email=new_email())
    with transaction() as tx:
        link = links.create(tx, purpose, "", about=f"{patient_id}#{grant.caregiver_id}")
        until = clock.now() + LASTS[purpose]
        caregivers.invite(tx, caregivers.new_invitation(patient_id, grant, link.pk, until, "en"))
    return link_service.token(link.pk)


def ask_to_act(account_id: str, relation: str = "parent", born: str = "2019-05-06") -> str:
    """The id of a request to act for a child, without the steps."""
    from chalicelib.domain.caregivers import Relation, Scope
    from chalicelib.domain.proxy_requests import Claim
    from chalicelib.models import proxy_requests
    from chalicelib.models.transaction import transaction

    everything = frozenset({Scope.EVERYTHING})
    with transaction() as tx:
        claim = Claim(Relation(relation), "Liv", "Solberg", born, None, everything, "Kari Moe", None)
        return proxy_requests.create(tx, account_id, claim)

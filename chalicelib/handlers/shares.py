"""Sharing a record, and the manifests of SMART Health Links."""

from datetime import UTC
from typing import Any

from chalicelib import clock, errors
from chalicelib.auth import cursors
from chalicelib.domain.access import PUBLIC
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.exports import ExportFormat, Wanted
from chalicelib.domain.shares import LASTS, SHARING, Contents, NewShare, ShareLinks, ShareView
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import shares as shapes
from chalicelib.services import share_openings, shares

routes = Routes(__name__)

_RETRY_SECONDS = 30


@routes.post(
    "/v1/patients/{pid}/shares",
    SHARING,
    feature=Feature.RECORDS,
    status=201,
    answer=shapes.MadeShare,
    creates=True,
    step_up=True,
    errors=(errors.NotFound, errors.TooManyRequests, errors.Conflict),
)
def create_share(call: Call, body: shapes.NewShare) -> Answer:
    """Share the record, as far as you see it, by a link and a SMART Health Link that open with a PIN."""
    new = NewShare(
        recipient=body.recipient,
        wanted=Wanted(ExportFormat.PDF, call.language, tuple(body.categories), body.from_, body.to),
        expires_at=(body.expires_at or clock.now() + LASTS).astimezone(UTC),
        pin=body.pin,
    )
    view, links = shares.create(call.actor, call.reach, new, call.once)
    return Answer(shapes.MadeShare(**_fields(view), **_links(links), pin=links.pin))


@routes.get(
    "/v1/patients/{pid}/shares",
    SHARING,
    feature=Feature.RECORDS,
    answer=shapes.SharePage,
    errors=(errors.NotFound,),
)
def list_shares(call: Call, query: shapes.SharesQuery) -> Answer:
    """List the shares of the record with who opened them, the newest first."""
    binding = call.binding()
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    found, after = shares.find_page(call.actor, call.reach, limit=query.limit, before=before)
    next_cursor = cursors.seal([after], binding) if after is not None else None
    return Answer(shapes.SharePage(items=[shapes.Share(**_fields(one)) for one in found], next_cursor=next_cursor))


@routes.get(
    "/v1/patients/{pid}/shares/{share_id}",
    SHARING,
    feature=Feature.RECORDS,
    answer=shapes.OpenShare,
    errors=(errors.NotFound,),
)
def read_share(call: Call) -> Answer:
    """See one share, and what opens it, to show or send it again. The PIN is not in it."""
    view, links = shares.find(call.actor, call.reach, path_id(call, "share_id"))
    return Answer(shapes.OpenShare(**_fields(view), **_links(links)))


@routes.delete(
    "/v1/patients/{pid}/shares/{share_id}",
    SHARING,
    feature=Feature.RECORDS,
    status=204,
    errors=(errors.NotFound,),
)
def revoke_share(call: Call) -> Answer:
    """End a share at once."""
    shares.revoke(call.actor, call.reach, path_id(call, "share_id"))
    return Answer()


@routes.post(
    f"{shares.MANIFESTS}/{{manifest_token}}",
    PUBLIC,
    feature=Feature.RECORDS,
    answer=shapes.ShareManifest,
    limits_refusals=True,
    errors=(errors.NotFound, errors.WrongPasscode),
)
def read_manifest(call: Call, body: shapes.ManifestRequest) -> Answer:
    """Open a share by its SMART Health Link, from any app and any page."""
    found = share_openings.open_manifest(
        path_id(call, "manifest_token"), body.passcode, body.recipient, body.embedded_length_max
    )
    headers = {"Retry-After": str(_RETRY_SECONDS)} if found.is_building else {}
    # What is not there is left out: a reader may take a null for content.
    return Answer(_manifest(found).model_dump_json(by_alias=True, exclude_none=True), headers=headers)


def _manifest(found: Contents) -> shapes.ShareManifest:
    if found.is_building or found.made_at is None:
        return shapes.ShareManifest(status="can-change", files=[])
    file = shapes.ManifestFile(
        contentType="application/fhir+json",
        location=found.sealed_url,
        embedded=found.embedded,
        lastUpdated=found.made_at,
    )
    return shapes.ShareManifest(status="finalized", files=[file])


def _fields(found: ShareView) -> dict[str, Any]:
    return {
        "share_id": found.share_id,
        "recipient": found.recipient,
        "status": found.status,
        "categories": list(found.wanted.categories),
        "from": found.wanted.since,
        "to": found.wanted.until,
        "created_at": found.created_at,
        "expires_at": found.expires_at,
        "is_own": found.is_own,
        "wrong_pins": found.wrong_tries,
        "counts": dict(found.counts) if found.counts is not None else None,
        "openings": [
            shapes.Opening(opened_at=one.opened_at, by=one.by, recipient=one.recipient) for one in found.openings
        ],
        "opening_count": found.opening_count,
    }


def _links(links: ShareLinks | None) -> dict[str, Any]:
    if links is None:
        return {"url": None, "smart_health_link": None, "qr_svg": None}
    return {"url": links.url, "smart_health_link": links.smart_health_link, "qr_svg": links.qr_svg}

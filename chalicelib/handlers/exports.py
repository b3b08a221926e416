"""Copies of what the portal keeps, to download."""

from chalicelib import errors
from chalicelib.domain.access import ACCOUNT
from chalicelib.domain.exports import ExportSubject, ExportView
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import exports as shapes
from chalicelib.services import exports

routes = Routes(__name__)


@routes.post(
    "/v1/me/export",
    ACCOUNT,
    status=202,
    answer=shapes.Export,
    creates=True,
    step_up=True,
    errors=(errors.TooManyRequests, errors.Conflict),
)
def request_export(call: Call) -> Answer:
    """Ask for a copy of all that the portal keeps about your account; the health record is not in it."""
    return Answer(_shape(exports.request(call.actor, ExportSubject.ACCOUNT, call.once)))


@routes.get("/v1/me/export", ACCOUNT, answer=shapes.Export, errors=(errors.NotFound,))
def read_export(call: Call) -> Answer:
    """See how far the copy is that you asked for last, and download it once it is ready."""
    return Answer(_shape(exports.find_latest(call.actor, ExportSubject.ACCOUNT)))


def _shape(found: ExportView) -> shapes.Export:
    manifest = found.manifest
    return shapes.Export(
        export_id=found.export_id,
        status=found.status,
        progress=found.progress,
        requested_at=found.requested_at,
        ready_at=found.ready_at,
        expires_at=found.expires_at,
        download_url=found.download_url,
        manifest=shapes.Manifest(counts=dict(manifest.counts), sha256=manifest.sha256, size=manifest.size)
        if manifest
        else None,
    )

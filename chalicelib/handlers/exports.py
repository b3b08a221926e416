"""Copies of what the portal keeps, to download."""

from typing import Any

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import ACCOUNT, patient
from chalicelib.domain.clinic_settings import Feature
from chalicelib.domain.exports import ExportView, Wanted
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
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
    return Answer(shapes.Export(**_fields(exports.request(call.actor, call.once))))


@routes.get("/v1/me/export", ACCOUNT, answer=shapes.Export, errors=(errors.NotFound,))
def read_export(call: Call) -> Answer:
    """See how far the copy is that you asked for last, and download it once it is ready."""
    return Answer(shapes.Export(**_fields(exports.find_latest(call.actor))))


@routes.post(
    "/v1/patients/{pid}/exports",
    patient(None),
    feature=Feature.RECORDS,
    status=202,
    answer=shapes.RecordExport,
    creates=True,
    step_up=True,
    errors=(errors.NotFound, errors.TooManyRequests, errors.Conflict),
)
def request_record_export(call: Call, body: shapes.NewRecordExport) -> Answer:
    """Ask for a copy of the record, as far as you see it."""
    wanted = Wanted(
        format=body.format,
        language=call.language,
        categories=tuple(body.categories),
        since=body.from_,
        until=body.to,
        large_print=body.large_print,
    )
    return Answer(_record_shape(exports.request_record(call.actor, call.reach, wanted, call.once)))


@routes.get(
    "/v1/patients/{pid}/exports",
    patient(None),
    feature=Feature.RECORDS,
    answer=shapes.RecordExportPage,
    errors=(errors.NotFound,),
)
def list_record_exports(call: Call, query: shapes.RecordExportsQuery) -> Answer:
    """List the copies of the record that you asked for, the newest first."""
    binding = call.binding()
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    found, after = exports.find_page(call.actor, call.reach, limit=query.limit, before=before)
    next_cursor = cursors.seal([after], binding) if after is not None else None
    return Answer(shapes.RecordExportPage(items=[_record_shape(one) for one in found], next_cursor=next_cursor))


@routes.get(
    "/v1/patients/{pid}/exports/{export_id}",
    patient(None),
    feature=Feature.RECORDS,
    answer=shapes.RecordExport,
    errors=(errors.NotFound,),
)
def read_record_export(call: Call) -> Answer:
    """See how far a copy is that you asked for, and download it once it is ready."""
    return Answer(_record_shape(exports.find_record(call.actor, call.reach, path_id(call, "export_id"))))


@routes.delete(
    "/v1/patients/{pid}/exports/{export_id}",
    patient(None),
    feature=Feature.RECORDS,
    status=204,
    errors=(errors.NotFound,),
)
def withdraw_record_export(call: Call) -> Answer:
    """Have a copy removed that you asked for: nobody can download it any more."""
    exports.withdraw_record(call.actor, call.reach, path_id(call, "export_id"))
    return Answer()


def _record_shape(found: ExportView) -> shapes.RecordExport:
    wanted = found.wanted
    if wanted is None:
        raise AssertionError("a copy of a record is one of something")
    asked: dict[str, Any] = {
        "format": wanted.format,
        "categories": list(wanted.categories),
        "from": wanted.since,
        "to": wanted.until,
        "large_print": wanted.large_print,
    }
    return shapes.RecordExport(**_fields(found), **asked)


def _fields(found: ExportView) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "export_id": found.export_id,
        "status": found.status,
        "progress": found.progress,
        "requested_at": found.requested_at,
        "ready_at": found.ready_at,
        "expires_at": found.expires_at,
        "download_url": found.download_url,
        "manifest": shapes.Manifest(counts=dict(manifest.counts), sha256=manifest.sha256, size=manifest.size)
        if manifest
        else None,
    }

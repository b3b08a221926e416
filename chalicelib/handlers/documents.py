"""Documents of a patient's own, kept apart from the chart."""

from typing import Any

from chalicelib import errors, words
from chalicelib.auth import cursors
from chalicelib.domain.access import patient
from chalicelib.domain.documents import DocumentView, NewDocument
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import documents as shapes
from chalicelib.services import documents, uploads

routes = Routes(__name__)

_ALL = "/v1/patients/{pid}/documents"
_ONE = f"{_ALL}/{{document_id}}"
_OWNERS = patient(permission=None)


@routes.post(
    _ALL,
    _OWNERS,
    status=201,
    answer=shapes.AwaitedDocument,
    creates=True,
    errors=(errors.TooManyRequests, errors.UploadsFull, errors.Conflict),
)
def create_document(call: Call, body: shapes.NewDocument) -> Answer:
    """Add a document: PDF, JPEG, PNG or plain text of up to 10 MB, sent next by the form of the answer."""
    new = NewDocument(body.title, body.kind, body.dated)
    made = documents.create(call.actor, call.reach, new, body.file_name, call.once)
    form = uploads.find_form(made.upload)
    ends_at = made.upload.upload_ends_at
    upload = shapes.UploadForm(url=form.url, fields=form.fields, expires_at=ends_at) if form else None
    return Answer(shapes.AwaitedDocument(**_fields(call, made), upload=upload))


@routes.get(_ALL, patient(), answer=shapes.DocumentPage)
def list_documents(call: Call, query: shapes.DocumentsQuery) -> Answer:
    """List the documents, the newest first."""
    binding = call.binding()
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    found, after = documents.find_page(call.reach, limit=query.limit, before=before)
    next_cursor = cursors.seal([after], binding) if after is not None else None
    items = [shapes.DocumentRow(**_fields(call, one)) for one in found]
    return Answer(shapes.DocumentPage(items=items, next_cursor=next_cursor))


@routes.get(_ONE, patient(), answer=shapes.Document)
def read_document(call: Call) -> Answer:
    """See how far a document is, and download it once it is ready."""
    found = documents.find(call.reach, path_id(call, "document_id"))
    url = documents.find_download(call.actor, call.reach, found)
    return Answer(shapes.Document(**_fields(call, found), download_url=url))


@routes.delete(_ONE, _OWNERS, status=204, errors=(errors.Conflict,))
def remove_document(call: Call) -> Answer:
    """Take a document away. It cannot be brought back: its file is removed at once."""
    documents.remove(call.actor, call.reach, path_id(call, "document_id"))
    return Answer()


def _fields(call: Call, found: DocumentView) -> dict[str, Any]:
    upload = found.upload
    because = words.say(f"upload.refused.{upload.refusal}", call.language) if upload.refusal else None
    return {
        "document_id": found.document_id,
        "title": found.title,
        "kind": found.kind,
        "dated": found.dated,
        "file_name": upload.file_name,
        "status": upload.status,
        "refused_code": upload.refusal,
        "refused_because": because,
        "size": upload.size,
        "content_type": upload.media_type,
        "created_at": upload.created_at,
        "uploaded_at": upload.uploaded_at,
        "uploaded_by": found.by,
        "uploaded_by_me": upload.account_id == call.actor.id,
    }

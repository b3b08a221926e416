"""Large files of FHIR resources, which go through the bucket."""

from dataclasses import asdict

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import ClientScope, clinic
from chalicelib.domain.import_files import FileFormat, ImportFileView
from chalicelib.domain.staff import Permission
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import import_files as shapes
from chalicelib.services import import_files

routes = Routes(__name__)

_IMPORTERS = clinic(ClientScope.RECORDS_WRITE, Permission.RECORDS_IMPORT)
_ONE = "/v1/clinic/imports/{import_id}"


@routes.post("/v1/clinic/imports", _IMPORTERS, status=201, answer=shapes.AwaitedImport, creates=True)
def create_import(call: Call, body: shapes.NewImport) -> Answer:
    """Ask for the import of a file of up to 5 GB: NDJSON or a Bundle; importing it again changes nothing."""
    made, upload = import_files.create(call.actor, FileFormat(body.format), body.size, body.client_id, call.once)
    headers = upload.headers if upload else {}
    return Answer(
        shapes.AwaitedImport(**asdict(made), upload_url=upload.url if upload else None, upload_headers=headers)
    )


@routes.get("/v1/clinic/imports", _IMPORTERS, answer=shapes.ImportPage)
def list_imports(call: Call, query: shapes.ImportsQuery) -> Answer:
    """List imports, the newest first: a system's own, for staff all."""
    binding = call.binding()
    after = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    found = import_files.find_page(call.actor, limit=query.limit + 1, after=after)
    page = found[: query.limit]
    next_cursor = cursors.seal([page[-1].import_id], binding) if len(found) > query.limit else None
    return Answer(shapes.ImportPage(items=[shapes.ImportRow(**asdict(one)) for one in page], next_cursor=next_cursor))


@routes.get(_ONE, _IMPORTERS, answer=shapes.ImportFile)
def read_import(call: Call) -> Answer:
    """See how far an import is, and get what it refused once it is over."""
    return _answer(*import_files.find(call.actor, path_id(call, "import_id")))


@routes.post(f"{_ONE}/cancel", _IMPORTERS, answer=shapes.ImportFile, errors=(errors.ImportOver,))
def cancel_import(call: Call) -> Answer:
    """End an import; what was taken in until now stays."""
    return _answer(*import_files.cancel(call.actor, path_id(call, "import_id")))


def _answer(found: ImportFileView, rejects_url: str | None) -> Answer:
    return Answer(shapes.ImportFile(**asdict(found), rejects_url=rejects_url))

"""Who did what, as admins of the clinic read it."""

from chalicelib.auth import cursors
from chalicelib.domain.access import staff
from chalicelib.domain.clinic_audit import AuditView
from chalicelib.domain.staff import Permission
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import clinic_audit as shapes
from chalicelib.services import clinic_audit
from chalicelib.services.clinic_audit import Wanted

routes = Routes(__name__)


@routes.get("/v1/clinic/audit", staff(Permission.AUDIT_READ), answer=shapes.AuditPage)
def list_entries(call: Call, query: shapes.ClinicAuditQuery) -> Answer:
    """List who did what in a patient's history, an account's or the clinic's, the newest first."""
    wanted = Wanted(query.patient, query.account, query.action, query.from_, query.to)
    binding = call.binding(filters=repr(wanted))
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    page = clinic_audit.find_page(call.actor, wanted, limit=query.limit, before=before)
    next_cursor = cursors.seal([page.after], binding) if page.after is not None else None
    return Answer(shapes.AuditPage(items=[_shape(view) for view in page.items], next_cursor=next_cursor))


def _shape(view: AuditView) -> shapes.AuditRow:
    return shapes.AuditRow(
        entry_id=view.entry_id,
        at=view.at,
        action=view.action,
        actor=shapes.AuditActor(kind=view.actor_kind, id=view.actor_id),
        patient_id=view.patient_id,
        account_id=view.account_id,
        request_id=view.request_id,
        about=dict(view.about),
    )

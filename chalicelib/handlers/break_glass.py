"""Opening a record in an emergency."""

from chalicelib import errors
from chalicelib.domain.access import staff
from chalicelib.domain.staff import Permission
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import break_glass as shapes
from chalicelib.services import break_glass as service

routes = Routes(__name__)


@routes.post(
    "/v1/clinic/patients/{pid}/break-glass",
    staff(Permission.GLASS_BREAK),
    status=201,
    answer=shapes.BrokenGlass,
    creates=True,
    errors=(errors.PatientMerged,),
)
def break_glass(call: Call, body: shapes.BreakingGlass) -> Answer:
    """Open a patient's record in an emergency for 60 minutes; the patient is told, and the clinic alarmed."""
    broken = service.break_glass(call.actor, call.patient_id, body.reason, call.once)
    return Answer(shapes.BrokenGlass(patient_id=broken.patient_id, ends_at=broken.ends_at))

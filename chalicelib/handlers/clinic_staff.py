"""The clinic's staff, as admins manage them."""

from dataclasses import asdict

from chalicelib import errors
from chalicelib.domain.access import staff as may
from chalicelib.domain.staff import Permission, StaffView
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes, etag, path_id
from chalicelib.schemas import staff as shapes
from chalicelib.services import staff
from chalicelib.services.staff import NewMember

routes = Routes(__name__)

_ADMIN = may(Permission.STAFF_WRITE)
_ONE = "/v1/clinic/staff/{staff_id}"


@routes.get("/v1/clinic/staff", _ADMIN, answer=shapes.StaffPage)
def list_staff(call: Call, query: shapes.StaffQuery) -> Answer:
    """List the clinic's staff, the newest first."""
    page, next_cursor = paging.page(call, staff.find_all(), lambda member: member.staff_id, query)
    return Answer(shapes.StaffPage(items=[_shape(member) for member in page], next_cursor=next_cursor))


@routes.post(
    "/v1/clinic/staff",
    _ADMIN,
    status=201,
    answer=shapes.StaffMember,
    creates=True,
    tells_version=True,
    step_up=True,
    errors=(errors.EmailTaken,),
)
def invite_member(call: Call, body: shapes.NewStaffMember) -> Answer:
    """Invite somebody by a link to their address at work, at which they set up their account."""
    new = NewMember(
        name=body.name,
        email=body.email,
        roles=body.roles,
        practitioner_id=body.practitioner_id,
        language=body.language or call.language,
    )
    return _answer(staff.invite(call.actor, new, call.once))


@routes.get(_ONE, _ADMIN, answer=shapes.StaffMember, tells_version=True)
def read_member(call: Call) -> Answer:
    """Read what a member of staff may do, and how far they are."""
    return _answer(staff.find(path_id(call, "staff_id")))


@routes.patch(
    _ONE, _ADMIN, answer=shapes.StaffMember, edits=True, tells_version=True, step_up=True, errors=(errors.LastAdmin,)
)
def edit_member(call: Call, body: shapes.StaffEdit) -> Answer:
    """Change a member's name or roles, or disable them; other roles and disabling end their sessions at once."""
    given = body.model_dump(mode="json", exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name == "practitioner_id"}
    return _answer(staff.edit(call.actor, path_id(call, "staff_id"), call.expected_version, changes))


@routes.post(
    f"{_ONE}/invitation",
    _ADMIN,
    status=202,
    answer=shapes.StaffMember,
    creates=True,
    tells_version=True,
    step_up=True,
    errors=(errors.StaffJoined, errors.StaleVersion),
)
def invite_again(call: Call) -> Answer:
    """Send a new link to somebody who has no account or no second factor yet; the one before does nothing any more."""
    return _answer(staff.invite_again(call.actor, path_id(call, "staff_id"), call.once))


def _answer(member: StaffView) -> Answer:
    return Answer(_shape(member), headers=etag(member.version))


def _shape(member: StaffView) -> shapes.StaffMember:
    fields = {name: value for name, value in asdict(member).items() if name != "version"}
    return shapes.StaffMember(**{**fields, "roles": list(member.roles)})

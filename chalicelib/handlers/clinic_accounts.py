"""The help desk: who has an account, why tries failed, and recovery for those who cannot help themselves."""

from chalicelib import errors
from chalicelib.domain.access import staff
from chalicelib.domain.help_desk import DeskAccount
from chalicelib.domain.staff import Permission
from chalicelib.handlers import paging
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import clinic_accounts as shapes
from chalicelib.services import clinic_accounts

routes = Routes(__name__)


@routes.get("/v1/clinic/accounts", staff(Permission.ACCOUNTS_FIND), answer=shapes.DeskAccountPage)
def find_accounts(call: Call, query: shapes.AccountsQuery) -> Answer:
    """Find somebody by username, email address or clinic number, with the reasons why they could not get in."""
    found = sorted(clinic_accounts.find(call.actor, query.q), key=_place, reverse=True)
    page, next_cursor = paging.page(call, found, _place, query, q=query.q)
    return Answer(shapes.DeskAccountPage(items=[_shape(one) for one in page], next_cursor=next_cursor))


@routes.post(
    "/v1/clinic/accounts/{account_id}/recovery",
    staff(Permission.ACCOUNTS_RECOVER),
    status=202,
    answer=shapes.StartedRecovery,
    creates=True,
    step_up=True,
    errors=(errors.AccountDisabled, errors.NoAddress, errors.Conflict, errors.TooManyRequests),
)
def start_recovery(call: Call, body: shapes.Recovery) -> Answer:
    """Send a code and a link for a new password to somebody, after checking who asks."""
    started = clinic_accounts.start_recovery(
        call.actor,
        path_id(call, "account_id"),
        body.check,
        reset_second_factor=body.reset_second_factor,
        once=call.once,
    )
    return Answer(shapes.StartedRecovery(sent_to=list(started.sent_to), expires_at=started.expires_at))


def _place(found: DeskAccount) -> str:
    return f"{found.account_id or ''}{found.patient_id or ''}"


def _shape(found: DeskAccount) -> shapes.DeskAccount:
    return shapes.DeskAccount(
        account_id=found.account_id,
        patient_id=found.patient_id,
        username=found.username,
        state=found.state,
        roles=list(found.roles),
        second_factors=list(found.second_factors),
        contacts=[
            shapes.DeskContact(channel=one.channel, address=one.address, verified=one.is_verified)
            for one in found.contacts
        ],
        failed_tries=[shapes.FailedTry(at=one.at, what=one.what, reason=one.reason) for one in found.failed_tries],
        closed_until=found.closed_until,
    )

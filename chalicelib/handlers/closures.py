"""Closing one's own account."""

from chalicelib import errors
from chalicelib.domain.access import ACCOUNT
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.schemas import closures as shapes
from chalicelib.services import closures

routes = Routes(__name__)


@routes.delete("/v1/me", ACCOUNT, answer=shapes.Closure, step_up=True, errors=(errors.StaffAccount,))
def close_me(call: Call) -> Answer:
    """Close your account: a link that we send you opens it again for 30 days. Get a copy first if you want one."""
    closed = closures.close(call.actor)
    return Answer(
        shapes.Closure(closed_at=closed.closed_at, reopen_until=closed.reopen_until, exported_at=closed.exported_at)
    )

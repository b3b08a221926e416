"""The portal's own copy of every notice that it sent."""

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain.access import ACCOUNT
from chalicelib.domain.clinic_settings import Feature
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import notices as shapes
from chalicelib.services import notices
from chalicelib.services.notices import NoticeView

routes = Routes(__name__)


@routes.get("/v1/me/notices", ACCOUNT, feature=Feature.NOTICES, answer=shapes.NoticePage)
def list_notices(call: Call, query: shapes.NoticesQuery) -> Answer:
    """Read what we have told you, the newest first."""
    binding = call.binding(unread=query.unread)
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    page = notices.find_page(call.actor, call.language, limit=query.limit, before=before, unread=query.unread)
    next_cursor = cursors.seal([page.after], binding) if page.after is not None else None
    return Answer(shapes.NoticePage(items=[_shape(notice) for notice in page.items], next_cursor=next_cursor))


@routes.get(
    "/v1/me/notices/{notice_id}", ACCOUNT, feature=Feature.NOTICES, answer=shapes.Notice, errors=(errors.NotFound,)
)
def read_notice(call: Call) -> Answer:
    """Read one notice."""
    return Answer(_shape(notices.find(call.actor, path_id(call, "notice_id"), call.language)))


@routes.post(
    "/v1/me/notices/{notice_id}/read", ACCOUNT, feature=Feature.NOTICES, answer=shapes.Notice, errors=(errors.NotFound,)
)
def mark_notice_read(call: Call) -> Answer:
    """Note that you have read a notice; the first time counts."""
    return Answer(_shape(notices.mark_read(call.actor, path_id(call, "notice_id"), call.language)))


def _shape(notice: NoticeView) -> shapes.Notice:
    return shapes.Notice(
        notice_id=notice.notice_id,
        patient_id=notice.patient_id,
        title=notice.title,
        text=notice.text,
        sent_at=notice.sent_at,
        read_at=notice.read_at,
        channels=[shapes.NoticeChannel(channel=channel, status=status) for channel, status in notice.channels.items()],
        target=shapes.NoticeTarget(kind=notice.target_kind, id=notice.target_id),
    )

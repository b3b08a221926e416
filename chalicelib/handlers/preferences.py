"""What one wants to be told, by which channels, and when it shall be quiet."""

from datetime import time

from chalicelib.domain.access import ACCOUNT
from chalicelib.domain.notices import Channel
from chalicelib.domain.preferences import QuietHours, Row, is_locked
from chalicelib.handlers.routing import Answer, Call, Routes, etag
from chalicelib.schemas import preferences as shapes
from chalicelib.services import preferences
from chalicelib.services.preferences import PreferencesView

routes = Routes(__name__)


@routes.get("/v1/me/notification-preferences", ACCOUNT, answer=shapes.Preferences, tells_version=True)
def read_preferences(call: Call) -> Answer:
    """Read what you are told about, how, and when it is quiet."""
    return _answer(preferences.read(call.actor))


@routes.put("/v1/me/notification-preferences", ACCOUNT, answer=shapes.Preferences, edits=True, tells_version=True)
def replace_preferences(call: Call, body: shapes.PreferencesEdit) -> Answer:
    """Choose what you are told about, how, and when it is quiet."""
    rows = [Row(row.notice_type, row.lead_time, _chosen(row.channels)) for row in body.rows]
    quiet = body.quiet_hours
    quiet_hours = QuietHours(time.fromisoformat(quiet.starts), time.fromisoformat(quiet.ends)) if quiet else None
    return _answer(preferences.replace(call.actor, call.expected_version, rows, quiet_hours))


def _chosen(choice: shapes.ChannelChoice) -> frozenset[Channel]:
    return frozenset(Channel(name) for name, wanted in choice.model_dump().items() if wanted)


def _answer(view: PreferencesView) -> Answer:
    quiet = view.chosen.quiet_hours
    body = shapes.Preferences(
        rows=[_shape(row) for row in view.chosen.rows()],
        quiet_hours=shapes.QuietSpan(starts=f"{quiet.starts:%H:%M}", ends=f"{quiet.ends:%H:%M}") if quiet else None,
        time_zone=view.time_zone,
        language=view.language,
    )
    return Answer(body, headers=etag(view.chosen.version))


def _shape(row: Row) -> shapes.PreferenceRow:
    channels = shapes.Channels(**{channel.value: channel in row.channels for channel in Channel})
    return shapes.PreferenceRow(notice_type=row.kind, lead_time=row.lead, channels=channels, locked=is_locked(row.kind))

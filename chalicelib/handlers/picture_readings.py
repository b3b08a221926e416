"""Pictures of insurance cards, medicine labels and letters, read into fields that a person confirms."""

from typing import Any

from chalicelib import errors, words
from chalicelib.auth import cursors
from chalicelib.domain.access import patient
from chalicelib.domain.picture_readings import Confirmation, ReadingView, Reason
from chalicelib.handlers.routing import Answer, Call, Routes, path_id
from chalicelib.schemas import documents as document_shapes
from chalicelib.schemas import picture_readings as shapes
from chalicelib.services import picture_readings, uploads

routes = Routes(__name__)

_ALL = "/v1/patients/{pid}/picture-readings"
_ONE = f"{_ALL}/{{reading_id}}"
_OWNERS = patient(permission=None)


@routes.post(
    _ALL,
    _OWNERS,
    status=201,
    answer=shapes.AwaitedPictureReading,
    creates=True,
    errors=(errors.TooManyRequests, errors.UploadsFull, errors.Conflict),
)
def create_picture_reading(call: Call, body: shapes.NewPictureReading) -> Answer:
    """Have a picture read: JPEG or PNG of up to 10 MB, sent next by the form of the answer."""
    made = picture_readings.create(call.actor, call.reach, body.kind, body.file_name, call.once)
    form = uploads.find_form(made.upload) if made.upload else None
    upload = (
        document_shapes.UploadForm(url=form.url, fields=form.fields, expires_at=made.upload.upload_ends_at)
        if form and made.upload
        else None
    )
    return Answer(shapes.AwaitedPictureReading(**_row(call, made), upload=upload))


@routes.get(_ALL, patient(), answer=shapes.PictureReadingPage)
def list_picture_readings(call: Call, query: shapes.PictureReadingsQuery) -> Answer:
    """List the readings, the newest first."""
    binding = call.binding()
    before = cursors.unseal(query.cursor, binding)[0] if query.cursor is not None else None
    found, after = picture_readings.find_page(call.reach, limit=query.limit, before=before)
    next_cursor = cursors.seal([after], binding) if after is not None else None
    items = [shapes.PictureReadingRow(**_row(call, one)) for one in found]
    return Answer(shapes.PictureReadingPage(items=items, next_cursor=next_cursor))


@routes.get(_ONE, patient(), answer=shapes.PictureReading)
def read_picture_reading(call: Call) -> Answer:
    """See how far a reading is, and what was read."""
    return _whole(call, picture_readings.find(call.reach, path_id(call, "reading_id")))


@routes.post(f"{_ONE}/confirm", _OWNERS, answer=shapes.PictureReading, errors=(errors.ReadingNotReady,))
def confirm_picture_reading(call: Call, body: shapes.ReadingConfirmation) -> Answer:
    """Keep the fields as somebody has corrected them. Nothing is taken over from a picture in any other way."""
    given = [(one.name, one.value) for one in body.fields]
    return _whole(call, picture_readings.confirm(call.actor, call.reach, path_id(call, "reading_id"), given))


@routes.post(
    f"{_ONE}/retry",
    _OWNERS,
    status=202,
    answer=shapes.PictureReading,
    errors=(errors.ReadingNotRepeatable, errors.TooManyRequests, errors.Conflict),
)
def retry_picture_reading(call: Call) -> Answer:
    """Read the same picture once more, where that may help."""
    return _whole(call, picture_readings.retry(call.actor, call.reach, path_id(call, "reading_id")))


@routes.delete(_ONE, _OWNERS, status=204, errors=(errors.Conflict,))
def remove_picture_reading(call: Call) -> Answer:
    """Take a reading away, with its text, what was confirmed, and its picture. It cannot be brought back."""
    picture_readings.remove(call.actor, call.reach, path_id(call, "reading_id"))
    return Answer()


def _whole(call: Call, found: ReadingView) -> Answer:
    content = found.content
    return Answer(
        shapes.PictureReading(
            **_row(call, found),
            text=list(content.text) if content else [],
            fields=[
                shapes.ReadField(name=one.name, value=one.value, confidence=one.confidence, is_certain=one.is_certain)
                for one in (content.fields if content else ())
            ],
            confirmed=_confirmed(call, found.confirmation),
            picture_url=picture_readings.find_download(call.actor, call.reach, found),
        )
    )


def _confirmed(call: Call, said: Confirmation | None) -> shapes.Confirmed | None:
    if said is None:
        return None
    return shapes.Confirmed(
        fields=[shapes.KeptField(name=name, value=value) for name, value in said.fields.items()],
        confirmed_at=said.at,
        confirmed_by=said.by,
        confirmed_by_me=said.account_id == call.actor.id,
    )


def _row(call: Call, found: ReadingView) -> dict[str, Any]:
    return {
        "reading_id": found.reading_id,
        "kind": found.kind,
        "status": found.status,
        "reason_code": found.reason,
        "reason": _reason(call, found),
        "can_retry": found.can_retry,
        "created_at": found.created_at,
        "sent_by": found.by,
        "sent_by_me": found.account_id == call.actor.id,
    }


def _reason(call: Call, found: ReadingView) -> str | None:
    """Of a picture that was not taken, what its check has found."""
    if found.reason is Reason.NOT_TAKEN and found.upload and found.upload.refusal:
        return words.say(f"upload.refused.{found.upload.refusal}", call.language)
    return words.say(f"reading.{found.reason}", call.language) if found.reason else None

"""What stands beside a health record, and is no part of it."""

from typing import Any

from chalicelib import clock
from chalicelib.domain.access import Actor, Reach
from chalicelib.domain.picture_readings import ReadingView
from chalicelib.models import patients
from chalicelib.models.accounts import Account
from chalicelib.services import (
    amendments,
    documents,
    language_model,
    picture_readings,
    questions,
    shares,
)
from chalicelib.services.account_exports.values import AT_ONCE, stamp, walk


def find_amendments(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """What was written of a record is of the record; here is that it was asked for, and what became of it."""
    return [
        {
            "amendment_id": one.amendment_id,
            "patient_id": one.patient_id,
            "status": one.status,
            "created_at": clock.stamp(one.created_at),
            "decided_at": stamp(one.decided_at),
        }
        for one in amendments.find_all_of(holder)
    ]


def find_documents(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """What is kept beside the health record, for the holder and those who are merged into them."""
    patient = patients.find(account.patient_id) if account.patient_id else None
    if patient is None:
        return []
    reach = Reach(patient.pk, joined=patient.joined_ids)
    return [
        {
            "document_id": one.document_id,
            "title": one.title,
            "kind": one.kind,
            "dated": one.dated.isoformat() if one.dated else None,
            "file_name": one.upload.file_name,
            "status": one.upload.status,
            "size": one.upload.size,
            "content_type": one.upload.media_type,
            "created_at": clock.stamp(one.upload.created_at),
            "uploaded_by": one.by,
        }
        for one in walk(lambda before: documents.find_page(reach, limit=AT_ONCE, before=before))
    ]


def find_model_consent(account: Account, _holder: Actor) -> dict[str, Any]:
    """Whether a language model may say what the portal explains of the holder's record in other words."""
    consent = language_model.read_consent(Reach(account.patient_id)) if account.patient_id else None
    return {"given_at": consent.given_at if consent else None}


def find_picture_readings(account: Account, _holder: Actor) -> list[dict[str, Any]]:
    """What was read from pictures for the holder and those who are merged into them, and what was confirmed of it."""
    patient = patients.find(account.patient_id) if account.patient_id else None
    if patient is None:
        return []
    reach = Reach(patient.pk, joined=patient.joined_ids)
    rows = walk(lambda before: picture_readings.find_page(reach, limit=AT_ONCE, before=before))
    return [_reading(picture_readings.find(reach, row.reading_id)) for row in rows]


def _reading(one: ReadingView) -> dict[str, Any]:
    said = one.confirmation
    return {
        "reading_id": one.reading_id,
        "kind": one.kind,
        "status": one.status,
        "created_at": clock.stamp(one.created_at),
        "sent_by": one.by,
        "text": list(one.content.text) if one.content else [],
        "fields": {field.name: field.value for field in one.content.fields if field.value} if one.content else {},
        "confirmed": dict(said.fields) if said else None,
        "confirmed_at": stamp(said.at if said else None),
        "confirmed_by": said.by if said else None,
    }


def find_shares(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """What the holder shares of a record, and who opened it, without what opens it."""
    return [
        {
            "share_id": one.share_id,
            "recipient": one.recipient,
            "status": one.status,
            "categories": list(one.wanted.categories),
            "created_at": clock.stamp(one.created_at),
            "expires_at": clock.stamp(one.expires_at),
            "openings": [
                {"opened_at": clock.stamp(opening.opened_at), "by": opening.by, "recipient": opening.recipient}
                for opening in one.openings
            ],
        }
        for one in shares.find_own(holder)
    ]


def find_questions(_account: Account, holder: Actor) -> list[dict[str, Any]]:
    """What the holder asked about a record: their own words. What was answered is of the record."""
    return [
        {
            "question_id": row.question_id,
            "thread_id": row.thread_id,
            "patient_id": row.patient_id,
            "question": row.question,
            "asked_at": row.created_at,
        }
        for row in walk(lambda after: questions.find_own(holder, limit=AT_ONCE, after=after))
    ]

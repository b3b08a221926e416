"""Pictures that are read for a patient: one row for each with how far it is, and one with what was read and confirmed.

The picture itself is an upload.
"""

import json
from collections.abc import Mapping

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import clock, ids
from chalicelib.domain.access import ReachKind
from chalicelib.domain.picture_readings import (
    Confirmation,
    Content,
    Field,
    PictureKind,
    ReadingStatus,
    Reason,
)
from chalicelib.errors import Conflict, NotFound, ReadingNotReady, ReadingNotRepeatable
from chalicelib.models.base import storage_errors
from chalicelib.models.patients import PatientsTable
from chalicelib.models.transaction import Precedence, Transaction

PREFIX = "pic"
_SORT_KEY, _TEXT_KEY = "picture_reading#", "picture_text#"


class PictureReading(PatientsTable, discriminator="picture_reading"):
    """One reading; partition key is the patient's id, sort key `picture_reading#<reading id>`, which sorts by time.

    `about` is what the picture shows, `by` as what its sender reached the patient. What waits for its picture is
    `reading` as well; `round` counts how often it was to be read.
    """

    reading_id = UnicodeAttribute()
    upload_id = UnicodeAttribute(null=True)
    about = UnicodeAttribute()
    account_id = UnicodeAttribute()
    by = UnicodeAttribute()
    created_at = UnicodeAttribute()
    status = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    round = NumberAttribute(default=1)


class PictureText(PatientsTable, discriminator="picture_text"):
    """What was read; partition key is the patient's id, sort key `picture_text#<reading id>`.

    `confirmed` is what somebody said that it is: the last one's word holds, the audit has all of them.
    """

    content = UnicodeAttribute()
    confirmed = UnicodeAttribute(null=True)
    confirmed_at = UnicodeAttribute(null=True)
    confirmed_by = UnicodeAttribute(null=True)
    confirmed_as = UnicodeAttribute(null=True)

    def read(self) -> Content:
        """The text and the fields."""
        found = json.loads(self.content)
        return Content(tuple(found["text"]), tuple(Field(*one) for one in found["fields"]))

    def confirmation(self) -> Confirmation | None:
        """What somebody has confirmed."""
        if not (self.confirmed and self.confirmed_at and self.confirmed_by and self.confirmed_as):
            return None
        at = clock.read_stamp(self.confirmed_at)
        return Confirmation(json.loads(self.confirmed), self.confirmed_by, ReachKind(self.confirmed_as), at)


def create(tx: Transaction, row: PictureReading) -> None:
    """A reading that was asked for."""
    tx.create(row, error=None)


def made(patient_id: str, kind: PictureKind, account_id: str, by: ReachKind) -> PictureReading:
    """A reading that is to be created, with its id; nothing is stored yet."""
    reading_id = ids.new_id(PREFIX)
    return PictureReading(
        patient_id,
        f"{_SORT_KEY}{reading_id}",
        reading_id=reading_id,
        about=kind,
        account_id=account_id,
        by=by,
        created_at=clock.stamp(clock.now()),
        status=ReadingStatus.READING,
    )


def find(patient_ids: tuple[str, ...], reading_id: str) -> PictureReading | None:
    """One reading of any of these patients."""
    found = PictureReading.find_all([(patient_id, f"{_SORT_KEY}{reading_id}") for patient_id in patient_ids])
    return next(iter(found.values()), None)


def find_text(row: PictureReading) -> PictureText | None:
    """What was read, if anything was."""
    return PictureText.find(row.pk, f"{_TEXT_KEY}{row.reading_id}")


def find_page(patient_id: str, *, limit: int, before: str | None) -> list[PictureReading]:
    """At most `limit` readings of one patient, the newest first; `before` is the last id of the page before."""
    # The character behind the separator ends the range of those that begin with it.
    last = f"{_SORT_KEY}{before}" if before else f"{_SORT_KEY}~"
    with storage_errors():
        condition = PictureReading.sk.between(_SORT_KEY, last)
        rows = PictureReading.query(
            patient_id, condition, consistent_read=True, scan_index_forward=False, limit=limit + (before is not None)
        )
        return [row for row in rows if row.reading_id != before][:limit]


def finish(tx: Transaction, row: PictureReading, content: Content) -> None:
    """A picture was read. Raises Conflict at the commit where it is over, removed, or to be read anew."""
    _settle(tx, row, ReadingStatus.READY, None)
    fields = [(one.name, one.value, one.confidence, one.is_certain) for one in content.fields]
    tx.put(
        PictureText(
            row.pk,
            f"{_TEXT_KEY}{row.reading_id}",
            content=json.dumps({"text": content.text, "fields": fields}, ensure_ascii=False),
        )
    )


def give_up(tx: Transaction, row: PictureReading, status: ReadingStatus, reason: Reason) -> None:
    """A picture was not read. Raises as `finish`."""
    _settle(tx, row, status, reason)


def _settle(tx: Transaction, row: PictureReading, status: ReadingStatus, reason: Reason | None) -> None:
    why = PictureReading.reason.set(reason) if reason else PictureReading.reason.remove()
    same = (PictureReading.status == ReadingStatus.READING) & (PictureReading.round == row.round)
    tx.update(row, [PictureReading.status.set(status), why], condition=same, error=Conflict())


def begin_again(tx: Transaction, row: PictureReading) -> None:
    """A picture is to be read once more. Raises ReadingNotRepeatable at the commit where it is not as it was."""
    actions = [
        PictureReading.status.set(ReadingStatus.READING),
        PictureReading.reason.remove(),
        PictureReading.round.set(row.round + 1),
    ]
    same = (PictureReading.status == row.status) & (PictureReading.round == row.round)
    tx.update(row, actions, condition=same, error=ReadingNotRepeatable())


def confirm(tx: Transaction, row: PictureReading, fields: Mapping[str, str], account_id: str, by: ReachKind) -> None:
    """Somebody says what stands on a picture. Raises ReadingNotReady at the commit where there is nothing."""
    has_text = PictureReading.status.is_in(ReadingStatus.READY, ReadingStatus.CONFIRMED)
    tx.update(row, [PictureReading.status.set(ReadingStatus.CONFIRMED)], condition=has_text, error=ReadingNotReady())
    actions = [
        PictureText.confirmed.set(json.dumps(dict(fields), ensure_ascii=False)),
        PictureText.confirmed_at.set(clock.stamp(clock.now())),
        PictureText.confirmed_by.set(account_id),
        PictureText.confirmed_as.set(by),
    ]
    text = PictureText(row.pk, f"{_TEXT_KEY}{row.reading_id}", content="")
    tx.update(text, actions, condition=PictureText.pk.exists(), error=ReadingNotReady())


def remove(tx: Transaction, row: PictureReading) -> None:
    """A reading that is no more. Raises NotFound at the commit where somebody else has removed it."""
    tx.delete(row, condition=PictureReading.pk.exists(), error=NotFound(), precedence=Precedence.STATE)
    tx.delete(PictureText(row.pk, f"{_TEXT_KEY}{row.reading_id}", content=""))

"""Notices as changes ask for them, without making the change."""

from chalicelib import clock, ids
from chalicelib.domain.notices import Notice, NoticeKind
from chalicelib.models import outbox
from chalicelib.models.notices import NoticeCopy
from chalicelib.models.transaction import transaction
from tests.support.portal import Person

_AT_ONCE = 50


def tell(person: Person, kind: NoticeKind = NoticeKind.PASSWORD_CHANGED) -> str:
    """Have the portal tell somebody of something; returns the notice's id. It arrives with the next `drain`."""
    with transaction() as tx:
        if kind is NoticeKind.NEW_RESULTS:
            row_id = outbox.post(tx, Notice(kind, patient_id=person.patient.patient_id))
        else:
            row_id = outbox.post(tx, Notice(kind, person.session["account"]["account_id"], _about(person, kind)))
    return f"ntc_{row_id.partition('_')[2]}"


def _about(person: Person, kind: NoticeKind) -> dict[str, str]:
    """What a kind's message asks for; it is no longer true by the time that the message is composed."""
    if kind in {NoticeKind.ACCOUNT_CLOSED, NoticeKind.PASSWORD_RESET}:
        return {"link_id": "gone"}
    if kind in {NoticeKind.AGE_BOUNDARY, NoticeKind.COMING_OF_AGE}:
        return {"boundary_patient_id": person.patient.patient_id, "age": "18"}
    return {}


def told(person: Person, kind: NoticeKind = NoticeKind.PASSWORD_CHANGED) -> str:
    """As `tell`, and it has arrived."""
    notice_id = tell(person, kind)
    person.portal.drain()
    return notice_id


def keep_read(person: Person, count: int) -> None:
    """Fill somebody's notices with as many that they have read."""
    account_id, now = person.session["account"]["account_id"], clock.stamp(clock.now())
    for start in range(0, count, _AT_ONCE):
        with transaction() as tx:
            for _ in range(min(_AT_ONCE, count - start)):
                notice_id = ids.new_id("ntc")
                tx.put(
                    NoticeCopy(
                        account_id,
                        f"notice#{notice_id}",
                        notice_id=notice_id,
                        notice_kind=NoticeKind.PASSWORD_CHANGED,
                        about="{}",
                        sent_at=now,
                        read_at=now,
                    )
                )

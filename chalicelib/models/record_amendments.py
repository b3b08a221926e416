"""What a record's own page says of the requests to correct it: one row beside the record's, read with it."""

from pynamodb.attributes import UnicodeSetAttribute
from pynamodb.expressions.update import Action

from chalicelib.domain.amendments import AmendmentStatus
from chalicelib.models.base import Key, find_rows
from chalicelib.models.patients import PatientsTable
from chalicelib.models.records import Record, record_sk
from chalicelib.models.transaction import Transaction


class RecordAmendments(PatientsTable, discriminator="record_amendments"):
    """The requests about one record; sort key `amended#<record id>`.

    They are sets, to which those who ask at the same moment add without having read them. `over` has ids with what
    became of each, as `<amendment id> <status>`.
    """

    waiting = UnicodeSetAttribute(null=True)
    over = UnicodeSetAttribute(null=True)

    @property
    def statuses(self) -> dict[str, AmendmentStatus]:
        """What became of each request, by id, the newest first."""
        over = (one.partition(" ") for one in self.over or ())
        found = dict.fromkeys(self.waiting or (), AmendmentStatus.WAITING)
        found |= {amendment_id: AmendmentStatus(status) for amendment_id, _, status in over}
        return dict(sorted(found.items(), reverse=True))


def note(tx: Transaction, patient_id: str, record_id: str, amendment_id: str, status: AmendmentStatus) -> None:
    """Let a record name a request about it, as the request is now."""
    row, kind = RecordAmendments(*_key(patient_id, record_id)), RecordAmendments
    actions: list[Action] = [kind.kind.set(kind)]
    if status is AmendmentStatus.WAITING:
        actions.append(kind.waiting.add({amendment_id}))
    else:
        actions += [kind.waiting.delete({amendment_id}), kind.over.add({f"{amendment_id} {status}"})]
    tx.update(row, actions)


def find_with_record(patient_ids: tuple[str, ...], record_id: str) -> tuple[Record | None, RecordAmendments | None]:
    """A record that one of some patients has, and the requests about it: one round trip."""
    named: list[tuple[type[PatientsTable], Key]] = [(RecordAmendments, _key(one, record_id)) for one in patient_ids]
    rows = find_rows([*((Record, (one, record_sk(record_id))) for one in patient_ids), *named]).values()
    record = next((row for row in rows if isinstance(row, Record)), None)
    return record, next((row for row in rows if isinstance(row, RecordAmendments) and record is not None), None)


def _key(patient_id: str, record_id: str) -> Key:
    return patient_id, f"amended#{record_id}"

"""The patients table: what the names that sending systems give to resources stand for, and who waits for one."""

from collections.abc import Sequence

from pynamodb.attributes import UnicodeAttribute

from chalicelib.errors import Conflict
from chalicelib.models.base import Key, storage_errors
from chalicelib.models.patients import PatientsTable
from chalicelib.models.records import Record, record_sk
from chalicelib.models.transaction import Transaction


class Alias(PatientsTable, discriminator="alias"):
    """What a sending system's name of a resource stands for; partition key `alias#<hash>`.

    `owner` is the patient whose record it is. Of a patient's identity `content_hash` and `last_updated` say what this
    sender sent last, since several may know the same patient.
    """

    target_id = UnicodeAttribute()
    owner = UnicodeAttribute(null=True)
    display_name = UnicodeAttribute(null=True)
    code = UnicodeAttribute(null=True)
    content_hash = UnicodeAttribute(null=True)
    last_updated = UnicodeAttribute(null=True)


class Awaited(PatientsTable, discriminator="awaited"):
    """Somebody waits for this reference; partition key `waiting#<hash of the reference>`."""


class Waiting(PatientsTable, discriminator="waiting"):
    """A record that refers to what is not known yet; partition key `waiting#<hash of the reference>`."""

    patient_id = UnicodeAttribute()
    record_id = UnicodeAttribute()
    full_url = UnicodeAttribute(null=True)


def find_aliases(hashes: Sequence[str]) -> dict[str, Alias]:
    """What the URLs of these hashes stand for."""
    rows = Alias.find_all([(f"alias#{digest}", "alias") for digest in hashes])
    return {pk.removeprefix("alias#"): row for (pk, _), row in rows.items()}


def alias(
    digest: str, target_id: str, owner: str | None = None, *, display_name: str | None = None, code: str | None = None
) -> Alias:
    """A name of a resource."""
    return Alias(f"alias#{digest}", "alias", target_id=target_id, owner=owner, display_name=display_name, code=code)


def put_alias(tx: Transaction, row: Alias) -> None:
    """From now on this name stands for this resource, and for no other."""
    tx.put(row, condition=Alias.pk.does_not_exist() | (Alias.target_id == row.target_id), error=Conflict())


def point_alias(tx: Transaction, row: Alias) -> None:
    """From now on this name stands for this resource, whatever it stood for before."""
    tx.put(row)


def put_waiting(tx: Transaction, digest: str, patient_id: str, record_id: str, full_url: str | None) -> None:
    """A record waits for what a reference names. `full_url` is the record's own, by which its references are read."""
    row = Waiting(
        f"waiting#{digest}",
        f"{patient_id}#{record_id}",
        patient_id=patient_id,
        record_id=record_id,
        full_url=full_url,
    )
    tx.put(row)


def put_awaited(tx: Transaction, digest: str) -> None:
    """Note that somebody waits for a reference, if no name of its target has arrived."""
    tx.check(Alias(f"alias#{digest}", "alias"), Alias.pk.does_not_exist(), error=Conflict())
    tx.put(Awaited(*awaited_key(digest)))


def check_absent(tx: Transaction, patient_id: str, record_id: str) -> None:
    """Require that a record has not arrived."""
    tx.check(Record(patient_id, record_sk(record_id)), Record.pk.does_not_exist(), error=Conflict())


def awaited_key(digest: str) -> Key:
    """Where it is noted that somebody waits for a reference."""
    return f"waiting#{digest}", "awaited"


def find_awaited(digests: Sequence[str]) -> set[str]:
    """Which of these references somebody waits for."""
    return {pk.removeprefix("waiting#") for pk, _ in Awaited.find_all([awaited_key(digest) for digest in digests])}


def keep_awaited(tx: Transaction, digest: str) -> None:
    """Note that somebody waits on, although the reference was told of."""
    tx.put(Awaited(*awaited_key(digest)))


def find_waiting(digest: str, limit: int, after: str) -> list[Waiting]:
    """Up to `limit` records that wait for a reference, in the order of their sort keys."""
    # All sort keys have one length, so that a longer one stands right behind its beginning.
    later = Waiting.sk.between(f"{after} " if after else "pat_", "pat_\uffff")
    with storage_errors():
        return list(Waiting.query(f"waiting#{digest}", later, consistent_read=True, limit=limit))


def end_waiting(tx: Transaction, waiting: Waiting) -> None:
    """A record waits no more."""
    tx.delete(waiting)


def end_awaited(digest: str) -> None:
    """Nobody waits for a reference any more."""
    with storage_errors():
        Awaited(*awaited_key(digest)).delete()

"""Which results of a patient have values of other codes in them, such as the systolic blood pressure."""

import hashlib

from pynamodb.attributes import UnicodeAttribute

from chalicelib.models.base import storage_errors
from chalicelib.models.patients import PatientsTable


class Holds(PatientsTable, discriminator="holds"):
    """A patient has results of one code, `panel`, in which a value of another stands.

    Partition key is the patient's id, sort key `holds#<hash of the value's code>#<hash of the panel's>`.
    """

    panel = UnicodeAttribute()


def put(patient_id: str, member: str, panel: str) -> None:
    """Note that a patient's results of one code have values of another in them; the codes are parts of keys.

    It is written alone: saying it twice does no harm, and neither does what a failed import leaves of it.
    """
    with storage_errors():
        Holds(patient_id, f"{_holds_sk(member)}{_digest(panel)}", panel=panel).save()


def find(patient_id: str, member: str) -> list[str]:
    """The codes of the results that have values of a code in them: one round trip."""
    with storage_errors():
        rows = Holds.query(patient_id, Holds.sk.startswith(_holds_sk(member)), consistent_read=True)
        return [row.panel for row in rows]


def _holds_sk(member: str) -> str:
    return f"holds#{_digest(member)}#"


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()[:32]

"""Whether a patient lets a language model say things about their record in other words: one row beside the patient."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import clock
from chalicelib.errors import StaleVersion
from chalicelib.models.patients import PatientsTable
from chalicelib.models.transaction import Transaction

_SORT_KEY = "model_consent"


class ModelConsent(PatientsTable, discriminator="model_consent"):
    """The last choice about a patient; partition key is the patient's id. `given_at` is null where it was withdrawn."""

    given_at = UnicodeAttribute(null=True)
    account_id = UnicodeAttribute()
    version = NumberAttribute()


def find(patient_id: str) -> ModelConsent | None:
    """The last choice; None where nobody has chosen yet."""
    return ModelConsent.find(patient_id, _SORT_KEY)


def put(tx: Transaction, patient_id: str, account_id: str, expected_version: int, *, is_given: bool) -> None:
    """Choose anew. Raises StaleVersion at the commit where somebody has since that version (0: nobody has yet)."""
    unchanged = ModelConsent.version == expected_version
    tx.put(
        ModelConsent(
            patient_id,
            _SORT_KEY,
            given_at=clock.stamp(clock.now()) if is_given else None,
            account_id=account_id,
            version=expected_version + 1,
        ),
        condition=unchanged if expected_version else ModelConsent.pk.does_not_exist(),
        error=StaleVersion(),
    )


def remove(tx: Transaction, row: ModelConsent) -> None:
    """Forget what was chosen."""
    tx.delete(row)

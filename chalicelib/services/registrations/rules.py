"""Who may have an account of their own, once their identity is proved (ID 6)."""

from chalicelib import clock
from chalicelib.domain import identity
from chalicelib.errors import BelowMinimumAge, RecordClosed
from chalicelib.models.patients import Patient
from chalicelib.services import clinic_settings
from chalicelib.settings import settings


def check_may_have_account(patient: Patient) -> None:
    """Raises RecordClosed for somebody who has died or turned out to be another patient, and BelowMinimumAge."""
    if patient.deceased or patient.merged_into:
        raise RecordClosed
    check_age(patient.birth_date or "")


def check_age(birth_date: str) -> None:
    """Raises BelowMinimumAge by the clinic's calendar (a birth date in ISO 8601)."""
    minimum_age = clinic_settings.rules().minimum_age
    if not identity.is_of_age(birth_date, clock.now(), settings().clinic_zone, minimum_age):
        raise BelowMinimumAge(minimum_age=minimum_age)

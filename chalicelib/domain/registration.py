"""What is claimed when somebody registers, and how long each step of it lasts."""

from dataclasses import dataclass
from datetime import date, timedelta

REGISTRATION_LASTS = timedelta(hours=1)
ACTIVATION_LASTS = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says they are."""

    clinic_number: str
    activation_code: str
    first_name: str
    last_name: str
    date_of_birth: date

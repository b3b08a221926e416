"""The first half of registering: say, and prove, who you are (ID 1, 2, 6, 7)."""

from chalicelib.services.registrations.codes import resend as resend_code
from chalicelib.services.registrations.rules import check_age, check_may_have_account
from chalicelib.services.registrations.starting import StartedRegistration, Wanted, start

__all__ = ["StartedRegistration", "Wanted", "check_age", "check_may_have_account", "resend_code", "start"]

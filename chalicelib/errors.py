"""What the portal refuses.

Each refusal has a stable code; its words are in the catalogue and its HTTP status in handlers/problems.py.
"""

from dataclasses import dataclass, field
from typing import ClassVar


class PortalError(Exception):
    """A refusal that a caller can understand and mend.

    `values` fill the placeholders of its words and hold no health data.
    """

    code: ClassVar[str]

    def __init__(self, **values: object) -> None:
        super().__init__(self.code)
        self.values = values


class Malformed(PortalError):
    """The request cannot be read."""

    code = "malformed_request"


class NotSignedIn(PortalError):
    """Nobody, or nobody any more, is signed in by what the request carries."""

    code = "not_signed_in"


class Forbidden(PortalError):
    """The caller is known and may not do this."""

    code = "not_allowed"


class NotInCareTeam(Forbidden):
    """Staff may see a patient's record only while they care for them, or once they have broken the glass."""

    code = "not_in_care_team"


class StepUpRequired(Forbidden):
    """What moves money, data or contacts needs a proof, under 5 minutes old, that it is really its owner."""

    code = "step_up_required"


class HeldBack(Forbidden):
    """A result that its reader has chosen to see later, asked for without `reveal`."""

    code = "held_back"


class FeatureOff(Forbidden):
    """The clinic does not offer this to patients and caregivers at present, whoever asks for it."""

    code = "feature_off"


class SecondFactorRequired(Forbidden):
    """A password alone is not enough: the account has a second factor, or is of somebody who has to have one."""

    code = "second_factor_required"


class NotFound(PortalError):
    """Missing, or not the caller's: the same answer for both."""

    code = "not_found"


class MethodNotAllowed(PortalError):
    """The path exists, the method does not."""

    code = "method_not_allowed"


class Gone(PortalError):
    """It was there and is over."""

    code = "gone"


class NotAcceptable(PortalError):
    """The answer cannot be given in the form that the caller asks for."""

    code = "not_acceptable"


class SearchNotUnderstood(Malformed):
    """A search that cannot be understood; `reason` says why, for whoever wrote the program."""

    code = "search_not_understood"


class Conflict(PortalError):
    """Something else is already so."""

    code = "conflict"


class StaleVersion(PortalError):
    """The thing was changed since the caller read it."""

    code = "stale_version"


class TooLarge(PortalError):
    """The body is over the route's limit."""

    code = "payload_too_large"


class BundleTooLarge(TooLarge):
    """A bundle that is too large for one call; there is another way for it."""

    code = "bundle_too_large"


class UnsupportedMediaType(PortalError):
    """The body is of a type that the route does not read."""

    code = "unsupported_media_type"


class Refused(PortalError):
    """Well-formed, understood, and against a rule."""

    code = "refused"


class PreconditionMissing(PortalError):
    """An edit without If-Match."""

    code = "if_match_missing"


class TooManyRequests(PortalError):
    """A limit was reached; `retry_after` is in whole seconds."""

    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after


class Unavailable(PortalError):
    """Something that the portal needs does not answer; trying again in `retry_after` whole seconds may help."""

    code = "temporarily_unavailable"

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after


class InternalError(PortalError):
    """A bug of the portal's own."""

    code = "internal_error"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one place of a request.

    A JSON pointer (or `?name` for a query parameter), a code, and the values of its words.
    """

    pointer: str
    code: str
    values: dict[str, object] = field(default_factory=dict)


class Invalid(Refused):
    """Fields of a request are wrong; `errors` names all of them at once."""

    code = "invalid_request"

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__()
        self.errors = errors


class InvalidCursor(Malformed):
    """A list's cursor was altered, is too old, or belongs to another query."""

    code = "invalid_cursor"


class IdempotencyKeyMissing(Malformed):
    """A POST that creates needs an Idempotency-Key."""

    code = "idempotency_key_missing"


class IdempotencyKeyReused(Refused):
    """The same Idempotency-Key came with another body."""

    code = "idempotency_key_reused"


class CsrfTokenMissing(Forbidden):
    """A cookie session's unsafe request without the session's CSRF token, or from another origin."""

    code = "csrf_token_missing"


class WrongCredentials(NotSignedIn):
    """Username and password do not sign anybody in: unknown, wrong and disabled are one answer."""

    code = "wrong_credentials"


class WrongClientCredentials(NotSignedIn):
    """Client id and secret do not sign a service client in."""

    code = "wrong_client_credentials"


class SessionEnded(NotSignedIn):
    """A refresh token that is spent, expired or revoked."""

    code = "session_ended"


class WrongCode(NotSignedIn):
    """The code of the second step is wrong, used, or too old."""

    code = "wrong_code"


class WrongPasscode(NotSignedIn):
    """The PIN of a share is another; after `remaining` more wrong ones it is over."""

    code = "wrong_passcode"

    def __init__(self, *, remaining: int) -> None:
        super().__init__(remaining=remaining)
        self.remaining = remaining


class PasskeyNotAccepted(WrongCode):
    """A passkey that nobody has, a wrong signature, or an answer to a challenge that was used or is too old."""

    code = "passkey_not_accepted"


class SignInEnded(NotSignedIn):
    """The second step of a sign-in took too long, had too many wrong codes, or was done already."""

    code = "sign_in_ended"


class IdentityNotConfirmed(Refused):
    """What was typed does not prove who the patient is. One answer for every reason."""

    code = "identity_not_confirmed"


class BelowMinimumAge(Refused):
    """The identity is proved, and the patient is too young for an account of their own."""

    code = "below_minimum_age"


class RecordClosed(Refused):
    """The identity is proved, and no account can be opened for it."""

    code = "record_closed"


class TermsOutdated(Refused):
    """The terms that were accepted are not the current ones."""

    code = "terms_outdated"


class UsernameTaken(Conflict):
    """Somebody else has this username, or one that looks the same."""

    code = "username_taken"


class EmailTaken(Conflict):
    """Another account has confirmed this email address."""

    code = "email_taken"


class PasskeyLimitReached(Conflict):
    """There are as many passkeys as there may be."""

    code = "passkey_limit_reached"


class LongerPasswordNeeded(Conflict):
    """The password is long enough only beside a second factor, and this is the last one."""

    code = "longer_password_needed"


class AccountExists(Conflict):
    """The patient has an account already."""

    code = "account_exists"


class LastAdmin(Conflict):
    """Somebody must stay who can manage the clinic's staff."""

    code = "last_admin"


class NoAddress(Conflict):
    """There is no verified address, and none on file, that a message could go to."""

    code = "no_address"


class LastAddress(Conflict):
    """Nothing else is left by which the account's holder could be reached."""

    code = "last_address"


class AccountDisabled(Conflict):
    """The account is disabled: nobody signs in with it, whatever their password."""

    code = "account_disabled"


class ClinicNumberTaken(Conflict):
    """Another patient has this clinic number, or one that reads the same."""

    code = "clinic_number_taken"


class StaffJoined(Conflict):
    """A member of staff has an account with a second factor, or is disabled: there is nothing to set up."""

    code = "staff_joined"


class MessagesStopped(Conflict):
    """The phone itself told the portal to stop, which it alone can take back."""

    code = "messages_stopped"


class CaregiverLimitReached(Conflict):
    """A patient has as many caregivers and open invitations as there may be."""

    code = "caregiver_limit_reached"


class OwnInvitation(Conflict):
    """A patient cannot be their own caregiver."""

    code = "own_invitation"


class OwnRequest(Conflict):
    """Nobody of the clinic decides what they have asked for themselves."""

    code = "own_request"


class StaffAccount(Conflict):
    """Accounts of staff are ended by an admin, not by their holder."""

    code = "staff_account"


class PatientDeceased(Conflict):
    """No activation code for somebody who has died."""

    code = "patient_deceased"


class PatientMerged(Conflict):
    """The patient turned out to be another one: `merged_into` is the id that counts."""

    code = "patient_merged"

    def __init__(self, merged_into: str) -> None:
        super().__init__()
        self.merged_into = merged_into


class DuplicateHasMerges(Conflict):
    """Others are merged into the patient who shall be merged: there are no chains."""

    code = "duplicate_has_merges"


class MergeLimitReached(Conflict):
    """As many patients are merged into one as may be."""

    code = "merge_limit_reached"


class MergeOfStaff(Conflict):
    """An account of somebody of the clinic is not closed by merging patients."""

    code = "merge_of_staff"


class OwnMerge(Conflict):
    """Nobody of the clinic merges their own file, or that of somebody whom they look after."""

    code = "own_merge"


class MergeOutdated(Conflict):
    """What was previewed is no longer so."""

    code = "merge_outdated"


class MergeUndone(Conflict):
    """The merge was undone before."""

    code = "merge_undone"


class MergeSettled(Conflict):
    """A merge can be undone for 30 days."""

    code = "merge_settled"


class LaterMergeFirst(Conflict):
    """Merges are undone in the order in which they would be taken apart: the latest first."""

    code = "later_merge_first"


class ActivationCodeChanged(Conflict):
    """An activation code was used or replaced at the same moment."""

    code = "activation_code_changed"


class RegistrationEnded(Gone):
    """The registration has become an account, or its time is over."""

    code = "registration_ended"


class BindingEnded(Gone):
    """Setting up a second factor was not begun, took too long, or was begun anew."""

    code = "binding_ended"


class LinkEnded(Gone):
    """A link that was used, has expired, or had too many wrong tries."""

    code = "link_used_or_expired"


class ResetNotAccepted(Refused):
    """What was sent does not reset a password: wrong, used, expired, ended and superseded are one answer."""

    code = "reset_not_accepted"


class SecurityAnswerRequired(Forbidden):
    """The code of a reset was right, and the clinic also asks one of the account's security questions."""

    code = "security_answer_required"

    def __init__(self, question_id: str) -> None:
        super().__init__(question_id=question_id)
        self.question_id = question_id


class EventsExpired(Gone):
    """Events after the one that was named are kept no longer: the reader has to take stock anew."""

    code = "events_expired"


class WebhookDisabled(Conflict):
    """Nothing is sent to a webhook whose receiver said that it is gone."""

    code = "webhook_disabled"


class WebhookLimitReached(Conflict):
    """There are as many webhooks as there may be."""

    code = "webhook_limit_reached"


class ImportOver(Conflict):
    """An import that is done, failed or cancelled is not cancelled any more."""

    code = "import_over"


class UploadsFull(Conflict):
    """There are as many files as there may be, or they take as much room as they may."""

    code = "uploads_full"


class ReadingNotReady(Conflict):
    """A picture is not read yet, or there was nothing in it to confirm."""

    code = "reading_not_ready"


class ReadingNotRepeatable(Conflict):
    """A picture that was read, or is being read, is not read again; nor one that is not there."""

    code = "reading_not_repeatable"


class NotFhir(Refused):
    """The body is no FHIR R4 resource or Bundle."""

    code = "not_fhir"


def all_errors() -> list[type[PortalError]]:
    """Every kind of refusal that has a code of its own, by code."""
    found = {PortalError}
    while more := {sub for kind in found for sub in kind.__subclasses__()} - found:
        found |= more
    return sorted((kind for kind in found if "code" in vars(kind)), key=lambda kind: kind.code)

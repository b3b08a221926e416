"""Requests for every route of the table: right bodies, and paths whose objects exist, are another's, or miss."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import app as _app  # noqa: F401  Its import fills the table of routes.
from chalicelib import clock, ids
from chalicelib.domain import picture_readings as picture_domain
from chalicelib.domain.access import PolicyKind, ReachKind
from chalicelib.domain.documents import DocumentKind, NewDocument
from chalicelib.domain.exports import ExportFormat, ExportSubject, Seen, Wanted
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Channel
from chalicelib.domain.picture_readings import Content, PictureKind, ReadingStatus
from chalicelib.domain.questions.answers import Answer as Answered
from chalicelib.domain.questions.intents import Intent
from chalicelib.domain.records.sight import FULL
from chalicelib.domain.shares import FORMATS, NewShare
from chalicelib.domain.staff import PERMISSIONS, Role
from chalicelib.domain.suppressions import Reason
from chalicelib.domain.uploads import MediaType
from chalicelib.domain.webhooks import Outcome, WebhookDeliveryStatus
from chalicelib.handlers.operations import REGISTRY, Operation
from chalicelib.models import (
    accounts,
    documents,
    exports,
    links,
    outbox,
    patient_changes,
    picture_readings,
    questions,
    shares,
    webhooks,
)
from chalicelib.models import uploads as upload_rows
from chalicelib.models.picture_readings import PictureReading
from chalicelib.models.transaction import transaction
from chalicelib.models.uploads import NewUpload
from chalicelib.services import devices, share_secrets, suppressions, uploads
from tests.support import amendments, contact_changes, factors, import_files, merging, passkeys, registering
from tests.support.caregivers import ask_to_act, give, invitation_to
from tests.support.clinic_system import happen
from tests.support.crowd import fresh_address
from tests.support.members import new_member
from tests.support.people import new_account, new_staff, token_of
from tests.support.portal import PASSWORD, Answer, Person, Portal
from tests.support.resets import answer_to, ask, confirm, start
from tests.support.sign_in import confirm_email

OWN, ANOTHERS, MISSING = "own", "another's", "missing"

MISSING_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def condition(patient: str = "Patient/me", **changes: Any) -> dict[str, Any]:
    """A Condition resource about a patient."""
    return {
        "resourceType": "Condition",
        "id": f"condition-{uuid.uuid4().hex[:8]}",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": "Hay fever"},
        "subject": {"reference": patient},
        **changes,
    }


@dataclass(frozen=True)
class Somebody:
    """A person with one record, so that every kind of object of theirs exists."""

    person: Person
    record_id: str

    @property
    def patient_id(self) -> str:
        return self.person.patient.patient_id

    def new_session(self) -> tuple[str, str]:
        """The id and access token of one more session."""
        answer = self.person.portal.sign_in(self.person.username, source_ip=fresh_address())
        assert answer.status == 201, answer.text
        return answer.json["session_id"], answer.json["access_token"]


def somebody(portal: Portal) -> Somebody:
    """A person with one record and a confirmed account."""
    resource_id = f"somebody-{uuid.uuid4().hex[:8]}"
    patient = portal.new_patient(id=resource_id, resources=(condition(f"Patient/{resource_id}"),))
    person = portal.register(patient)
    (record,) = person.get("/v1/patients/me/records").json["items"]
    return Somebody(person, record["record_id"])


def link_of(portal: Portal, somebody: Somebody) -> str:
    """The token of the link in somebody's confirmation email."""
    first, *_others = portal.emails(somebody.person.patient.email)
    found = re.search(r"/l/(\S+)", first.text or "")
    assert found is not None
    return found[1]


def _registration_of(portal: Portal, whose: Somebody) -> str:
    """A registration that waits for its code."""
    asked = registering.claim(registering.patient_of_their_own(portal), "clinic_number")
    registration_id: str = registering.start(portal, asked, source_ip=fresh_address()).json["registration_id"]
    return registration_id


def _notice_of(portal: Portal, whose: Somebody) -> str:
    """The notice that registering left, which its reader has not read yet."""
    portal.drain()
    notices = portal.call("GET", "/v1/me/notices", token=whose.new_session()[1]).json["items"]
    notice_id: str = notices[-1]["notice_id"]
    return notice_id


def _device_of(portal: Portal, whose: Somebody) -> str:
    body, token = {"platform": "ios", "push_token": f"token:{uuid.uuid4().hex}"}, whose.new_session()[1]
    made = portal.call("POST", "/v1/me/devices", body, token=token, headers={"Idempotency-Key": str(uuid.uuid4())})
    device_id: str = made.json["device_id"]
    return device_id


def _trusted_device_of(_portal: Portal, whose: Somebody) -> str:
    account = accounts.find_account(whose.person.session["account"]["account_id"])
    assert account is not None
    with transaction() as tx:
        return devices.remember(tx, account, "Ana's phone", devices.trust(account))[0]


def _address_of(portal: Portal, whose: Somebody) -> str:
    """Somebody's mailbox, which nobody else has, and which has sent an email back."""
    email = whose.person.patient.email
    with transaction() as tx:
        suppressions.suppress(tx, Channel.EMAIL, email, Reason.BOUNCE, at=clock.now())
    items = portal.call("GET", "/v1/me/addresses", token=whose.new_session()[1]).json["items"]
    return next(str(item["address_id"]) for item in items if item["channel"] == "email")


def _reset_of(portal: Portal, whose: Somebody) -> str:
    reset_id: str = ask(portal, whose.person.username).json["reset_id"]
    return reset_id


def _webhook_of(portal: Portal, _whose: Somebody) -> str:
    """A webhook of the test's own client."""
    token = portal.client_token()
    for item in portal.call("GET", "/v1/clinic/webhooks", token=token).json["items"]:
        return str(item["webhook_id"])
    return new_webhook(portal, token)


def new_webhook(portal: Portal, token: str) -> str:
    """A webhook of a client, where nobody listens."""
    key, asked = {"Idempotency-Key": str(uuid.uuid4())}, {"url": "http://127.0.0.1:9/"}
    made = portal.call("POST", "/v1/clinic/webhooks", asked, headers=key, token=token)
    assert made.status == 201, made.text
    webhook_id: str = made.json["webhook_id"]
    return webhook_id


def _delivery_of(portal: Portal, whose: Somebody) -> str:
    return new_delivery(portal, portal.client_token(), _webhook_of(portal, whose))


def new_delivery(portal: Portal, token: str, webhook_id: str) -> str:
    """An event that did not arrive at a client's webhook."""
    happen()
    portal.drain()
    path = f"/v1/clinic/webhooks/{webhook_id}/deliveries?status=pending"
    delivery_id: str = portal.call("GET", path, token=token).json["items"][0]["delivery_id"]
    found = webhooks.find_deliveries(webhook_id, [delivery_id])[delivery_id]
    with transaction() as tx:
        webhooks.finish(tx, found, WebhookDeliveryStatus.FAILED, Outcome(status=500))
    return delivery_id


def _change_of(_portal: Portal, whose: Somebody) -> str:
    """What somebody asked the clinic to change."""
    before = patient_changes.find(whose.patient_id)
    with transaction() as tx:
        return patient_changes.ask(tx, whose.patient_id, ids.new_id("acc"), {"first_name": "Astrid"}, before)


def _merge_of(portal: Portal, whose: Somebody) -> str:
    """A duplicate that was merged into somebody."""
    return merging.merged(portal, whose.patient_id, portal.new_patient().patient_id)


def _share_of(portal: Portal, whose: Somebody) -> str:
    """A share of their own record that somebody made, beyond the limit."""
    return new_share(whose.person.session["account"]["account_id"], whose.patient_id)


def new_share(account_id: str, patient_id: str) -> str:
    """A share of a patient's record, whose files nobody makes."""
    new = NewShare("Dr. Okafor", Wanted(ExportFormat.PDF, "en"), clock.now() + timedelta(days=1))
    with transaction() as tx:
        link = links.create(tx, LinkPurpose.OPEN_SHARE, account_id, about="share", expires_at=new.expires_at)
        share_id = share_secrets.share_id_of(link.pk)
        copies = {
            one: exports.create(
                tx,
                account_id,
                exports.Subject(ExportSubject.SHARE, patient_id, replace(new.wanted, format=one), share_id),
            ).export_id
            for one in FORMATS
        }
        shares.create(tx, account_id, patient_id, new, shares.Made(share_id, copies, None))
    return share_id


def _manifest_of(portal: Portal, whose: Somebody) -> str:
    return share_secrets.manifest_token(_share_of(portal, whose))


def _right_manifest(portal: Portal, whose: Somebody) -> dict[str, Any]:
    share_id = _share_of(portal, whose)
    path = {"manifest_token": share_secrets.manifest_token(share_id)}
    return {"recipient": "Riverside Viewer", "passcode": share_secrets.made_pin(share_id), "_path": path}


def _export_of(portal: Portal, whose: Somebody) -> str:
    """A copy of their own record that somebody asked for, beyond the limit."""
    account_id = whose.person.session["account"]["account_id"]
    wanted = Wanted(ExportFormat.TEXT, "en")
    with transaction() as tx:
        export = exports.create(tx, account_id, exports.Subject(ExportSubject.RECORD, whose.patient_id, wanted))
        outbox.post_export(tx, account_id, export.export_id, subject=ExportSubject.RECORD)
    return export.export_id


def _document_of(_portal: Portal, whose: Somebody) -> str:
    """A document of somebody's own, whose file is awaited, beyond the limit of a day."""
    account_id, patient_id = whose.person.session["account"]["account_id"], whose.patient_id
    with transaction() as tx:
        upload_id = uploads.create(tx, NewUpload(patient_id, account_id, patient_id))
        new = NewDocument("Vaccinations", DocumentKind.REPORT, None)
        return documents.create(tx, patient_id, new, upload_id, account_id, ReachKind.SELF)


def _question_of(_portal: Portal, whose: Somebody) -> str:
    """A question that somebody asked about their own record, beyond the limit."""
    account_id, patient_id = whose.person.session["account"]["account_id"], whose.patient_id
    answer = Answered("en", Intent.UNCOVERED, ())
    kept = questions.Kept("When was my last visit?", None, answer, Seen(frozenset({patient_id}), FULL))
    with transaction() as tx:
        return questions.create(tx, account_id, patient_id, kept, None).question_id


def _begun_reading(whose: Somebody) -> PictureReading:
    """A reading of somebody's own whose picture is awaited, beyond the limit of a day."""
    account_id, patient_id = whose.person.session["account"]["account_id"], whose.patient_id
    row = picture_readings.made(patient_id, PictureKind.LETTER, account_id, ReachKind.SELF)
    with transaction() as tx:
        row.upload_id = uploads.create(tx, NewUpload(patient_id, account_id, patient_id, reading_id=row.reading_id))
        picture_readings.create(tx, row)
    return row


def _reading_of(_portal: Portal, whose: Somebody) -> str:
    """A reading that waits to be confirmed."""
    row = _begun_reading(whose)
    with transaction() as tx:
        picture_readings.finish(tx, row, Content(("Lakeside Heart Clinic",), ()))
    return row.reading_id


def _upload_of(row: PictureReading) -> upload_rows.Upload:
    upload = upload_rows.find(str(row.upload_id))
    assert upload is not None
    return upload


def _unread_of(_portal: Portal, whose: Somebody) -> str:
    """A reading whose picture is there, and could not be read."""
    row = _begun_reading(whose)
    with transaction() as tx:
        upload_rows.note_passed(tx, _upload_of(row), "tag")
    with transaction() as tx:
        upload_rows.finish(tx, _upload_of(row), MediaType.JPEG, 1)
    with transaction() as tx:
        picture_readings.give_up(tx, row, ReadingStatus.FAILED, picture_domain.Reason.UNREACHABLE)
    return row.reading_id


PARAMETERS: dict[str, Callable[[Portal, Somebody], str]] = {
    "pid": lambda _, whose: whose.patient_id,
    "record_id": lambda _, whose: whose.record_id,
    "amendment_id": lambda _, whose: amendments.asked_about(whose.patient_id, whose.record_id),
    "export_id": _export_of,
    "question_id": _question_of,
    "document_id": _document_of,
    "reading_id": _unread_of,
    "share_id": _share_of,
    "manifest_token": _manifest_of,
    "caregiver_id": lambda _, whose: give(whose.patient_id),
    "invitation_token": lambda portal, _: invitation_to(portal.new_patient().patient_id),
    "proxy_request_id": lambda _, whose: ask_to_act(whose.person.session["account"]["account_id"]),
    "session_id": lambda _, whose: whose.new_session()[0],
    "registration_id": _registration_of,
    "reset_id": _reset_of,
    "notice_id": _notice_of,
    "device_id": _device_of,
    "passkey_id": lambda _, whose: passkeys.bind_in(whose.person),
    "trusted_device_id": _trusted_device_of,
    "address_id": _address_of,
    "webhook_id": _webhook_of,
    "delivery_id": _delivery_of,
    "token": link_of,
    "account_id": lambda _, whose: whose.person.session["account"]["account_id"],
    "change_id": _change_of,
    "merge_id": _merge_of,
    "staff_id": lambda *_: new_member().staff_id,
    "client_id": lambda portal, _: portal.new_client("events.read")[0],
    "import_id": lambda portal, _: import_files.ask(portal).json["import_id"],
    "kind": lambda *_: "terms",
    "slug": lambda *_: "asthma",
    "resource_type": lambda *_: "Patient",
    "resource_id": lambda _, whose: whose.patient_id,
    "version_id": lambda *_: "1",
    "operation": lambda *_: "$everything",
    "code": lambda *_: "4548-4",
}
"""What stands for an object in a path, by the name of the parameter."""

LOOKS = frozenset({"patient:lookup", "patient:access", "account:lookup", "audit:read"})
"""What is audited of a look alone, such as the one that an edit begins with."""

OF_CLIENTS = frozenset({"webhook_id", "delivery_id", "import_id"})
"""Parameters whose objects are a client's."""

OF_ACCOUNTS = frozenset(
    {
        *{"caregiver_id", "session_id", "notice_id", "device_id", "trusted_device_id", "passkey_id", "address_id"},
        *{"export_id", "share_id", "question_id"},
    }
)
"""Parameters whose objects are an account's, and nobody else's."""

OF_THE_CLINIC = frozenset({"account_id", "change_id", "merge_id", "staff_id", "client_id", "proxy_request_id"})
"""Parameters whose objects are the clinic's: whoever may call the route finds them."""

UNSHARED = frozenset(
    {
        "invitation_token",
        "kind",
        "slug",
        "token",
        "registration_id",
        "reset_id",
        "resource_type",
        "version_id",
        "operation",
    }
    | {"manifest_token"}
)
"""Parameters whose objects are nobody's in particular: whoever knows them may use them."""

QUESTIONS = frozenset({"code"})
"""Parameters that name no object: whatever they are, there is an answer, be it an empty one."""

ABSENT = {
    "pid": f"pat_{MISSING_ID}",
    "record_id": f"rec_{MISSING_ID}",
    "amendment_id": f"amd_{MISSING_ID}",
    "question_id": f"qst_{MISSING_ID}",
    "export_id": f"exp_{MISSING_ID}",
    "document_id": f"doc_{MISSING_ID}",
    "reading_id": f"pic_{MISSING_ID}",
    "share_id": f"shr_{MISSING_ID}",
    "manifest_token": "A" * 64,
    "caregiver_id": f"cgv_{MISSING_ID}",
    "invitation_token": MISSING_ID + "A" * 22,
    "proxy_request_id": f"prx_{MISSING_ID}",
    "session_id": f"ses_{MISSING_ID}",
    "registration_id": f"reg_{MISSING_ID}",
    "reset_id": f"rst_{MISSING_ID}",
    "notice_id": f"ntc_{MISSING_ID}",
    "device_id": f"psh_{MISSING_ID}",
    "passkey_id": f"pky_{MISSING_ID}",
    "trusted_device_id": f"dev_{MISSING_ID}",
    "address_id": f"adr_{MISSING_ID}",
    "webhook_id": f"whk_{MISSING_ID}",
    "delivery_id": f"dlv_{MISSING_ID}",
    "token": MISSING_ID + "A" * 22,
    "account_id": f"acc_{MISSING_ID}",
    "change_id": f"chr_{MISSING_ID}",
    "merge_id": f"mrg_{MISSING_ID}",
    "staff_id": f"stf_{MISSING_ID}",
    "client_id": f"cli_{MISSING_ID}",
    "import_id": f"imp_{MISSING_ID}",
    "kind": "nothing-of-the-kind",
    "resource_type": "Nothing",
    "slug": "no-such-term",
    "resource_id": f"pat_{MISSING_ID}",
    "version_id": "999999",
    "operation": "$nothing",
    "code": "nothing-of-the-kind",
}


NEED_A_FACTOR = frozenset({"second_factors_remove_totp", "second_factors_renew_recovery_codes"})
"""Operations that are for those who have a second factor; nobody else has what they are about."""


def ready_for(portal: Portal, whose: Somebody, operation_id: str) -> Somebody:
    """Somebody who has what an operation is about; the one who is given has no second factor."""
    if operation_id == "trusted_devices_forget_all":
        _trusted_device_of(portal, whose)
    if operation_id == "contact_changes_remove_phone":
        # Not the phone of the one who is given: a code may be on its way to it.
        other = somebody(portal)
        contact_changes.move_phone(other.person)
        return other
    if operation_id == "clinic_revoke_activation_code":
        portal.issue_code(patient := portal.new_patient())
        return replace(whose, person=replace(whose.person, patient=patient))
    if operation_id not in NEED_A_FACTOR:
        return whose
    other = somebody(portal)
    factors.bind(other.person)
    return other


def token_for(portal: Portal, whose: Somebody, operation: Operation) -> str | None:
    """The token of somebody who may call an operation, stepped up where it asks for that; None where anybody may."""
    policy = operation.policy
    match policy.kind:
        case PolicyKind.CLIENT | PolicyKind.CLINIC | PolicyKind.RESOURCE:
            return portal.client_token()
        case PolicyKind.STAFF:
            return token_of(new_staff(next(role for role in Role if policy.permission in PERMISSIONS[role])))
        case PolicyKind.ACCOUNT | PolicyKind.PATIENT if operation.step_up:
            return token_of(whose.person.session["account"]["account_id"])
        case PolicyKind.ACCOUNT | PolicyKind.PATIENT:
            return whose.person.token
        case _:
            return None


def parameters(operation: Operation) -> list[str]:
    """The names in a route's path."""
    return re.findall(r"{(\w+)}", operation.path)


def by_id(operation_id: str) -> Operation:
    """The operation of an id."""
    return next(operation for operation in REGISTRY if operation.id == operation_id)


def _right_merge(portal: Portal) -> dict[str, Any]:
    patient_id, duplicate_id = portal.new_patient().patient_id, portal.new_patient().patient_id
    return {**merging.body(portal, patient_id, duplicate_id), "_path": {"pid": patient_id}}


def _right_undo(portal: Portal) -> dict[str, Any]:
    patient_id = portal.new_patient().patient_id
    merge_id = merging.merged(portal, patient_id, portal.new_patient().patient_id)
    return {"reason": merging.REASON, "_path": {"pid": patient_id, "merge_id": merge_id}}


def bodies(portal: Portal, whose: Somebody) -> dict[str, Callable[[], dict[str, Any]]]:
    """A right body for each operation that takes a JSON object, made when it is asked for."""
    client_id, secret = portal.client_credentials

    def registration() -> dict[str, Any]:
        patient = portal.new_patient()
        return {
            "method": "activation_code",
            "clinic_number": patient.clinic_number,
            "activation_code": portal.issue_code(patient).json["activation_code"],
            "first_name": patient.first_name,
            "last_name": patient.last_name,
            "date_of_birth": patient.date_of_birth,
        }

    def account() -> dict[str, Any]:
        patient = portal.new_patient()
        started = portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).json
        return {
            "registration_token": started["registration_token"],
            "username": f"user-{uuid.uuid4().hex[:12]}",
            "password": PASSWORD,
            "security_answers": portal.security_answers(),
            "terms_version": started["terms_version"],
            "_path": {"registration_id": started["registration_id"]},
        }

    def reset() -> dict[str, Any]:
        whose = somebody(portal).person
        reset = start(portal, whose.username, whose.patient.email)
        sent = {"otp": reset.code, "new_password": "nine violet harbors wait"}
        asked = confirm(portal, reset.reset_id, sent["new_password"], otp=reset.code)
        return {**sent, "security_answer": answer_to(portal, asked), "_path": {"reset_id": reset.reset_id}}

    def phone_code() -> dict[str, Any]:
        number = contact_changes.new_phone()
        assert contact_changes.change(whose.person, "phone", number).status == 202
        return {"code": contact_changes.phone_code(portal, number)}

    def passkey_sign_in() -> dict[str, Any]:
        authenticator = passkeys.Authenticator()
        passkeys.bind(somebody(portal).person, authenticator)
        return authenticator.answer(passkeys.options(portal))

    def waiting() -> dict[str, Any]:
        person = somebody(portal).person
        confirm_email(portal, person)
        factors.bind(person)
        return {"mfa_token": factors.begin(portal, person), "method": "email"}

    def second_step() -> dict[str, Any]:
        person = somebody(portal).person
        app = factors.bind(person)
        mfa_token = factors.begin(portal, person)
        return {"mfa_token": mfa_token, "method": "recovery_code", "code": app.recovery_codes[0]}

    return {
        "caregivers_invite_caregiver": lambda: {
            "email": f"invited-{uuid.uuid4().hex[:10]}@example.org",
            "scopes": ["appointments", "medications"],
            "_path": {"pid": "me"},
        },
        "caregivers_edit_caregiver": lambda: {
            "scopes": ["results"],
            "_path": {"pid": "me", "caregiver_id": give(whose.patient_id)},
        },
        "proxy_requests_create_request": lambda: {
            "relation": "parent",
            "first_name": "Liv",
            "last_name": "Solberg",
            "date_of_birth": "2019-05-06",
            "clinic_number": "2051 7764",
            "note": "I have her birth certificate.",
        },
        "proxy_requests_approve_request": lambda: {
            "patient_id": portal.new_patient(birthDate="2019-05-06").patient_id,
            "differs": True,
            "_path": {"proxy_request_id": ask_to_act(new_account())},
        },
        "proxy_requests_deny_request": lambda: {
            "reason": "Please show us your papers.",
            "_path": {"proxy_request_id": ask_to_act(new_account())},
        },
        "amendments_ask_for_amendment": lambda: {
            **amendments.WORDS,
            "record_id": whose.record_id,
            "_path": {"pid": whose.patient_id},
        },
        "questions_ask_question": lambda: {
            "question": "When was my last visit?",
            "record_id": whose.record_id,
            "_path": {"pid": whose.patient_id},
        },
        "amendments_approve_amendment": lambda: {
            "note": "Told the laboratory.",
            "_path": {"amendment_id": amendments.asked_about(whose.patient_id)},
        },
        "amendments_deny_amendment": lambda: {
            "reason": "We measured it again.",
            "_path": {"amendment_id": amendments.asked_about(whose.patient_id)},
        },
        "releases_replace_release_preferences": lambda: {
            "categories": {"lab": "after_comment"},
            "_path": {"pid": "me"},
        },
        "language_model_replace_model_consent": lambda: {"consent": True, "_path": {"pid": "me"}},
        "caregivers_accept_invitation": lambda: {
            "_path": {"invitation_token": invitation_to(portal.new_patient().patient_id)}
        },
        "sessions_sign_in": lambda: {"username": whose.person.username, "password": PASSWORD},
        "sessions_send_code": waiting,
        "sessions_finish_sign_in": second_step,
        "passkeys_sign_in": passkey_sign_in,
        "passkeys_bind_passkey": lambda: passkeys.new(whose.person, passkeys.Authenticator()),
        "sessions_prove_again": lambda: {"password": PASSWORD},
        "second_factors_confirm_totp": lambda: {"code": factors.begun(whose.person).code()},
        "sessions_refresh": lambda: {"refresh_token": whose.person.session["refresh_token"]},
        "registrations_register": registration,
        "registrations_request_activation_code": lambda: {
            "clinic_number": portal.new_patient().clinic_number,
            "date_of_birth": "1961-04-12",
        },
        "registrations_resend_code": lambda: {
            "channel": "sms",
            "_path": {"registration_id": _registration_of(portal, whose)},
        },
        "registrations_create_account": account,
        "accounts_verify_email": lambda: {"token": link_of(portal, whose), "date_of_birth": "1961-04-12"},
        "contact_changes_change_email": lambda: {"email": contact_changes.new_email()},
        "contact_changes_change_phone": lambda: {"mobile_phone": contact_changes.new_phone()},
        "contact_changes_confirm_phone": phone_code,
        "contact_changes_change_username": lambda: {"username": f"renamed-{uuid.uuid4().hex[:10]}"},
        "accounts_edit_me": lambda: {"time_zone": "Europe/Madrid"},
        "accounts_change_password": lambda: {"current_password": PASSWORD, "new_password": "nine violet harbors wait"},
        "recovery_request_reset": lambda: {"identifier": whose.person.username},
        "recovery_confirm_reset": reset,
        "recovery_remind_of_username": lambda: {"email": whose.person.patient.email},
        "clinic_create_token": lambda: {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        },
        "clinic_issue_activation_code": lambda: {"_path": {"pid": portal.new_patient().patient_id}},
        "clinic_settings_replace_settings": lambda: {"features": {"push": True}},
        "patient_changes_ask_for_change": lambda: {
            "mobile_phone": "+13125550177",
            "_path": {"pid": whose.patient_id},
        },
        "patient_changes_approve_change": lambda: {"_path": {"change_id": _change_of(portal, somebody(portal))}},
        "clinic_patients_create_patient": lambda: {
            "first_name": "Ingrid",
            "last_name": "Solberg",
            "birth_date": "1961-04-12",
        },
        "clinic_patients_edit_patient": lambda: {
            "first_name": "Ingrid",
            "_path": {"pid": portal.new_patient().patient_id},
        },
        "clinic_patients_search_patients": lambda: {"q": whose.person.patient.clinic_number},
        "merges_preview_merge": lambda: {
            "duplicate_patient_id": portal.new_patient().patient_id,
            "_path": {"pid": portal.new_patient().patient_id},
        },
        "merges_merge_patients": lambda: _right_merge(portal),
        "merges_undo_merge": lambda: _right_undo(portal),
        "exports_request_record_export": lambda: {"format": "text", "_path": {"pid": whose.patient_id}},
        "shares_create_share": lambda: {"recipient": "Dr. Okafor", "_path": {"pid": whose.patient_id}},
        "shares_read_manifest": lambda: _right_manifest(portal, whose),
        "break_glass_break_glass": lambda: {
            "reason": "Unconscious in the emergency room",
            "_path": {"pid": whose.patient_id},
        },
        "clinic_accounts_start_recovery": lambda: {
            "check": "in_person",
            "_path": {"account_id": whose.person.session["account"]["account_id"]},
        },
        "clinic_staff_invite_member": lambda: {
            "name": "Nora Whitfield",
            "email": f"nora-{uuid.uuid4().hex[:8]}@example.org",
            "roles": ["front_desk"],
        },
        "clinic_staff_edit_member": lambda: {"name": "Nora W.", "_path": {"staff_id": new_member().staff_id}},
        "clients_create_client": lambda: {"name": "Laboratory system", "scopes": ["events.read"]},
        "clients_edit_client": lambda: {
            "name": "Laboratory system",
            "_path": {"client_id": portal.new_client("events.read")[0]},
        },
        "clients_rotate_secret": lambda: {"_path": {"client_id": portal.new_client("events.read")[0]}},
        "webhooks_create_webhook": lambda: {"url": "http://127.0.0.1:9/", "types": ["account.created"]},
        "webhooks_replay": lambda: {"_path": {"webhook_id": _webhook_of(portal, whose)}},
        "documents_create_document": lambda: {
            "title": "Vaccinations",
            "kind": "report",
            "file_name": "scan.pdf",
            "_path": {"pid": whose.patient_id},
        },
        "picture_readings_create_picture_reading": lambda: {
            "kind": "letter",
            "file_name": "scan.jpg",
            "_path": {"pid": whose.patient_id},
        },
        "picture_readings_confirm_picture_reading": lambda: {
            "fields": [{"name": "sender", "value": "Lakeside Heart Clinic"}],
            "_path": {"pid": whose.patient_id, "reading_id": _reading_of(portal, whose)},
        },
        "import_files_create_import": lambda: {"format": "bundle", "size": 1_000, "client_id": client_id},
        "clinic_import_fhir": lambda: condition(f"Patient/{whose.person.patient.resource_id}"),
        "preferences_replace_preferences": lambda: {"rows": [], "quiet_hours": {"starts": "22:00", "ends": "07:00"}},
        "push_devices_register_device": lambda: {"platform": "ios", "push_token": f"token:{uuid.uuid4().hex}"},
        "push_devices_refresh_device": lambda: {
            "push_token": f"token:{uuid.uuid4().hex}",
            "_path": {"device_id": _device_of(portal, whose)},
        },
        "security_phrase_replace_phrase": lambda: {"security_phrase": "two grey herons"},
        "pages_act_on_link": lambda: {"date_of_birth": "1961-04-12", "_path": {"token": link_of(portal, whose)}},
    }


def send(
    portal: Portal,
    operation: Operation,
    path: dict[str, str],
    body: dict[str, Any] | None,
    token: str | None = None,
    query: str = "",
) -> Answer:
    """One request on a route, with whatever headers the route asks for."""
    url = operation.path.format(**path) + query
    headers = {"Idempotency-Key": str(uuid.uuid4())} if operation.creates else {}
    if operation.edits:
        # Of what is not there nobody knows a version.
        headers["If-Match"] = portal.call("GET", url, token=token).header("etag") or '"1"'
    if body is None or not operation.takes_body:
        return portal.call(operation.method, url, headers=headers, token=token)
    if operation.media_types[0] == "application/x-www-form-urlencoded":
        form = "&".join(f"{name}={value}" for name, value in body.items()).encode()
        headers["Content-Type"] = operation.media_types[0]
        return portal.call(operation.method, url, raw=form, headers=headers, token=token)
    return portal.call(operation.method, url, body, headers=headers, token=token)

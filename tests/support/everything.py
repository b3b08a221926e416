"""The portal used in every way that it can be, for the tests that watch what it does meanwhile."""

import random
import uuid
from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.domain.caregivers import Grant, Scope
from chalicelib.domain.exports import ExportFormat
from chalicelib.domain.links import LinkPurpose
from chalicelib.domain.notices import Channel, NoticeKind
from chalicelib.domain.staff import Role
from chalicelib.domain.webhooks import PAUSES
from chalicelib.handlers.operations import REGISTRY
from chalicelib.models import caregivers
from chalicelib.models.transaction import transaction
from infra.local.feedback import Feedback
from tests.support import (
    clinic_work,
    contact_changes,
    documents,
    factors,
    fhir,
    import_files,
    in_plain_words,
    leaving,
    links,
    merging,
    passkeys,
    picture_readings,
    record_exports,
    registering,
    resets,
    shares,
)
from tests.support.aws_calls import failing, refused, unreachable
from tests.support.caregivers import invite, new_email, new_invited
from tests.support.caregivers import link_of as invited_link
from tests.support.clinic_system import ClinicSystem, clinic_system, happen
from tests.support.crowd import fresh_address
from tests.support.notices import tell, told
from tests.support.people import new_caregiver, new_staff, token_of
from tests.support.portal import PASSWORD, Patient, Person, Portal
from tests.support.receiver import receiving, status
from tests.support.routes import bodies, condition, send, somebody, token_for

_NUMBER = "+13125550179"
"""The telephone of those who answer texts: a STOP holds for whoever has the number."""


def do_everything(portal: Portal) -> None:
    """Everything that the API does, and everything that the event functions do after it."""
    me = somebody(portal)
    with_body = set(bodies(portal, me))
    for operation in REGISTRY:
        if operation.id in with_body:
            me = somebody(portal)
            sent = bodies(portal, me)[operation.id]()
            token = token_for(portal, me, operation)
            assert send(portal, operation, sent.pop("_path", {}), sent, token).status == operation.status
    me = somebody(portal)
    assert me.person.call("DELETE", f"/v1/sessions/{me.new_session()[0]}").status == 204
    _read_and_leave(portal, me.person.token, me.record_id)
    late_and_large(portal)
    person = portal.register(email=None)
    for _ in range(2):
        portal.sign_in(person.username, "wrong wrong wrong wrong", source_ip="198.51.100.230")
    _wrong(portal)
    _move(portal)
    _use_second_factors(portal)
    _read_public(portal)
    _open_links(portal)
    _recover(portal)
    _change_contacts(portal)
    _choose_and_read(portal)
    _meet_every_fate(portal)
    for channel in Channel:
        _fall_through(portal, channel)
    _come_back(portal)
    parts = _look_after, _act_for_others, _see_later, clinic_work.work, import_files.every_way, documents.every_way
    for part in (*parts, picture_readings.every_way, in_plain_words.every_way):
        part(portal)
    with clinic_system(portal) as system:
        _follow(portal, system)
    _leave(portal)


def late_and_large(portal: Portal) -> None:
    """A record that refers to what arrives later, one whose large content lies in S3."""
    patient = portal.new_patient()
    late = f"late-{uuid.uuid4().hex[:8]}"
    subject = f"Patient/{patient.resource_id}"
    for extra in ({}, _note("large")):
        waits = condition(subject, recorder={"reference": f"Practitioner/{late}"}, **extra)
        assert portal.import_fhir(waits).json["created"] == 1
    assert portal.import_fhir(_crowded(subject, late)).json["created"] == 1
    practitioner = {"resourceType": "Practitioner", "id": late, "name": [{"family": "Late"}]}
    for day in ("2026-01-01", "2026-01-02"):
        # The same, said to be right at a later time.
        assert portal.import_fhir({**practitioner, "meta": {"lastUpdated": f"{day}T00:00:00Z"}}).status == 200


def _read_and_leave(portal: Portal, token: str, record_id: str) -> None:
    large = portal.register(portal.new_patient(id="p-large", resources=(_large("p-large"),)))
    (record,) = large.get("/v1/patients/me/records").json["items"]
    assert large.get(f"/v1/patients/me/records/{record['record_id']}?format=fhir").status == 200
    _take_copies(portal, large)
    filters = ("", "?category=condition", "?q=hay", f"?encounter=rec_{'0' * 26}", "?code=x", "?limit=1")
    paths = [f"/v1/patients/me/records{one}" for one in filters]
    paths += [f"/v1/patients/me/records/{record_id}{one}" for one in ("", "?format=fhir", "/explanation")]
    paths += [f"/v1/patients/me/changes{one}" for one in ("", "?since=last_visit", "?since=2026-01-01&category=lab")]
    paths += [
        "/v1/patients/me/trends/4548-4",
        "/v1/patients/me/trends/8480-6?limit=1&from=2020-01-01",
        "/v1/patients/me/calendar",
    ]
    for path in ("/v1/me", "/v1/me/home", "/v1/sessions", "/v1/sessions/current", "/v1/patients/me/summary", *paths):
        assert portal.call("GET", path, token=token).status == 200, path
    pid = portal.call("GET", "/v1/me", token=token).json["patient_id"]
    asked = [f"Patient/{pid}", f"Condition/{record_id}", f"Condition/{record_id}/_history/1", "metadata", "Patient"]
    asked += [f"Condition?_id={record_id}", "Condition?_count=1", "Claim", f"Patient/{pid}/$everything?_count=1&x=1"]
    for one in asked:
        assert portal.call("GET", f"/fhir/R4/{one}", token=token).status == 200, one
    assert large.get(f"/fhir/R4/Condition/{record['record_id']}").status == 200
    assert large.get("/fhir/R4/Condition?code=http://loinc.org|1&date=ge2020&category=x").status == 200
    assert large.get(f"/fhir/R4/Patient/{pid}").status == large.get(f"/fhir/R4/Condition/{record_id}").status == 404
    assert portal.call("GET", f"/v1/patients/{large.patient.patient_id}/summary", token=token).status == 404
    for path in ("/v1/sessions/others", "/v1/sessions/current"):
        assert portal.call("DELETE", path, token=token).status == 204


def _take_copies(portal: Portal, person: Person) -> None:
    """Copies of a record in every format, for the patient, a caregiver and staff."""
    patient_id = person.patient.patient_id
    for format_ in ExportFormat:
        assert record_exports.own(person, format=format_)["status"] == "ready"
    caregiver = token_of(new_caregiver(patient_id, Scope.EVERYTHING))
    _share(portal, person, caregiver)
    clinician = token_of(new_staff(Role.CLINICIAN, cares_for=patient_id))
    for token in (caregiver, clinician):
        assert record_exports.made(portal, patient_id, token, format="fhir")["status"] == "ready"
    items = portal.call("GET", record_exports.path_of(patient_id), token=caregiver).json["items"]
    one = f"{record_exports.path_of(patient_id)}/{items[0]['export_id']}"
    assert portal.call("DELETE", one, token=caregiver).status == 204
    portal.drain()


def _share(portal: Portal, person: Person, caregiver: str) -> None:
    """Shares of the patient and of a caregiver: opened by page and by app, with right and wrong PINs, and ended."""
    patient_id = person.patient.patient_id
    first = shares.ask(portal, patient_id, record_exports.strong(person), pin=shares.PIN).json
    assert shares.ask_manifest(portal, first, shares.PIN).json["files"] == []
    portal.drain()
    given = shares.made_by(portal, patient_id, caregiver)
    for share, pin in ((first, shares.PIN), (given, given["pin"])):
        assert portal.call("GET", shares.page_of(share)).status == 200
        assert shares.open_page(portal, share, pin, recipient="Dr. Okafor").status == 200
        assert shares.ask_manifest(portal, share, pin).status == 200
        assert shares.ask_manifest(portal, share, pin, embeddedLengthMax=10_000_000).status == 200
        assert shares.ask_manifest(portal, share, "000000").status == 401
    assert len(shares.listed(person)) == 2
    for share in (given, first):
        path = f"{shares.path_of(patient_id)}/{share['share_id']}"
        assert person.get(path).status == 200
        assert person.call("DELETE", path).status == 204
    late = shares.made(person)
    for _ in range(5):
        shares.ask_manifest(portal, late, "000000")
    portal.drain()


def _large(resource_id: str) -> dict[str, Any]:
    return condition(f"Patient/{resource_id}", note=[{"text": random.Random(3).randbytes(400_000).hex()}])


def _crowded(subject: str, late: str) -> dict[str, Any]:
    """A report that waits for more people than one transaction has room for."""
    names = [late, *(f"{late}-{place}" for place in range(150))]
    return {
        "resourceType": "DiagnosticReport",
        "id": f"crowded-{late}",
        "status": "final",
        "code": {"text": "Second opinions"},
        "subject": {"reference": subject},
        "performer": [{"reference": f"Practitioner/{name}"} for name in names],
    }


def _note(seed: str) -> dict[str, Any]:
    return {"note": [{"text": random.Random(seed).randbytes(400_000).hex()}]}


def _move(portal: Portal) -> None:
    """A patient whose identifier changes, and a record that turns out to be another patient's."""
    one, other = portal.new_patient(), portal.new_patient()
    changed = {"resourceType": "Patient", "id": one.resource_id, "name": [{"family": "Moved"}]}
    assert portal.import_fhir(changed).json["updated"] == 1
    record = condition(f"Patient/{one.resource_id}")
    assert portal.import_fhir(record).json["created"] == 1
    assert portal.import_fhir({**record, "subject": {"reference": f"Patient/{other.resource_id}"}}).status == 200


def _wrong(portal: Portal) -> None:
    patient = portal.new_patient()
    portal.issue_code(patient)
    assert portal.start_registration(patient, "ZZZZ-ZZZZ-ZZZZ").status == 422
    _hand_out_codes(portal)
    for method, what in (("clinic_number", "clinic_number"), ("identity_match", "phone_last4")):
        _register_by_code(portal, registering.patient_of_their_own(portal), method)
        nobody = registering.claim(patient, method, **{what: "0000"})
        assert registering.start(portal, nobody, source_ip=fresh_address()).status == 422


def _hand_out_codes(portal: Portal) -> None:
    """Activation codes that are sent, looked at, revoked, and asked for by the right and the wrong people."""
    patient, token = registering.patient_of_their_own(portal), portal.client_token()
    path = f"/v1/clinic/patients/{patient.patient_id}/activation-codes"
    for channel in ("email", "sms"):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        assert portal.call("POST", path, {"deliver": channel}, headers=headers, token=token).status == 201
        portal.drain()
    for method, status_ in (("GET", 200), ("DELETE", 204)):
        assert portal.call(method, path, token=token).status == status_
    for born in (patient.date_of_birth, "1950-01-01"):
        asked = {"clinic_number": patient.clinic_number, "date_of_birth": born}
        assert portal.call("POST", "/v1/activation-code-requests", asked, source_ip=fresh_address()).status == 202
        portal.drain()


def _register_by_code(portal: Portal, patient: Patient, method: str) -> None:
    """A code by email, typed wrongly, and another by SMS."""
    started = registering.start(portal, registering.claim(patient, method), source_ip=fresh_address()).json
    wrong = registering.wrong(registering.emailed_code(portal, patient))
    assert portal.finish_registration(started, code=wrong).status == 422
    path = f"/v1/registrations/{started['registration_id']}/code"
    assert portal.call("POST", path, {"channel": "sms"}).status == 202
    code = registering.texted_code(portal, registering.PHONE)
    assert portal.finish_registration(started, code=code).status == 201


def _use_second_factors(portal: Portal) -> None:
    """An app that is bound, used, and removed, and recovery codes; rightly and wrongly typed."""
    person = portal.register()
    app = factors.bind(person)
    assert factors.finish(portal, factors.begin(portal, person), "000000").status == 401
    portal.advance(minutes=10)
    for _ in range(2):
        trusting = factors.finish(portal, factors.begin(portal, person), app.code(), remember_device=True)
        assert trusting.status == 201
        portal.advance(minutes=1)
    # Listed before any of what follows ends the trust in all of them.
    trusted = person.get("/v1/me/trusted-devices").json["items"]
    assert person.call("DELETE", f"/v1/me/trusted-devices/{trusted[0]['device_id']}").status == 204
    assert factors.step_up(person, code="000000").status == 422
    assert factors.step_up(person, code=app.code()).status == 201
    codes = person.call("POST", "/v1/me/mfa/recovery-codes").json["recovery_codes"]
    assert factors.step_up(person, method="recovery_code", code=codes[0]).status == 201
    assert person.get("/v1/me/mfa").status == 200
    assert person.call("DELETE", "/v1/me/trusted-devices").status == 204
    assert person.call("DELETE", "/v1/me/mfa/totp").status == 204
    authenticator = passkeys.Authenticator()
    bound = passkeys.bind(person, authenticator)
    assert passkeys.sign_in(portal, passkeys.Authenticator().answer(passkeys.options(portal))).status == 401
    authenticator.flags = passkeys.PRESENT
    assert passkeys.sign_in(portal, authenticator.answer(passkeys.options(portal))).status == 401
    authenticator.flags |= passkeys.VERIFIED
    assert passkeys.sign_in(portal, authenticator.answer(passkeys.options(portal))).status == 201
    assert factors.step_up(person, passkey=authenticator.answer(passkeys.options(portal))).status == 201
    assert person.get("/v1/me/passkeys").status == 200
    assert person.call("DELETE", f"/v1/me/passkeys/{bound.json['passkey_id']}").status == 204


def _read_public(portal: Portal) -> None:
    for operation in REGISTRY:
        if operation.method == "GET" and operation.policy.kind == "public" and "{" not in operation.path:
            assert portal.call("GET", operation.path).status == 200, operation.path
    assert portal.call("GET", "/v1/legal/terms").status == 200
    patient = portal.new_patient()
    assert portal.call(
        "GET", f"/v1/clinic/patients?identifier=MRN-{patient.resource_id}", token=portal.client_token()
    ).json["items"]


def _open_links(portal: Portal) -> None:
    """The page behind a link of every purpose, and its form, rightly and wrongly filled in."""
    for purpose in links.OF_ACCOUNTS:
        person = portal.register()
        assert person.call("POST", "/v1/me/email/resend").status == 204
        path = links.path_of(portal, person, purpose)
        assert portal.call("HEAD", path).status == portal.call("GET", path).status == 200
        fields = {} if purpose is LinkPurpose.DISOWN_EMAIL else {"date_of_birth": person.patient.date_of_birth}
        more = {"new_password": links.NEW_PASSWORD} if purpose is LinkPurpose.RESET_PASSWORD else {}
        if fields:
            assert links.post(portal, path, date_of_birth="1950-01-01", **more).status == 422, purpose
        assert links.post(portal, path, **fields, **more).status in {200, 403}, purpose


def _recover(portal: Portal) -> None:
    """A password that is set anew by code, after a wrong one, and a username that is sent."""
    person = _confirmed(portal, portal.new_patient())
    reset = resets.start(portal, person.username, person.patient.email)
    assert resets.confirm(portal, reset.reset_id, otp=reset.wrong_code()).status == 422
    asked = resets.confirm(portal, reset.reset_id, otp=reset.code)
    if asked.status == 403:
        answer = resets.answer_to(portal, asked)
        asked = resets.confirm(portal, reset.reset_id, otp=reset.code, security_answer=answer)
    assert asked.status == 204
    assert resets.ask(portal, "nobody-at-all").status == 202
    for email in (person.patient.email, "nobody@example.org"):
        assert portal.call("POST", "/v1/username-reminders", {"email": email}).status == 202
    portal.drain()


def _change_contacts(portal: Portal) -> None:
    """Email, phone and username that are changed, one of them wrongly, taken back, undone, and read of afterwards."""
    person = _confirmed(portal, portal.new_patient())
    contact_changes.move_email(person)
    number = contact_changes.move_phone(person)
    assert contact_changes.confirm_phone(person, "000000").status == 422
    assert contact_changes.change(person, "username", f"renamed-{uuid.uuid4().hex[:8]}").status == 200
    assert contact_changes.change(person, "email", contact_changes.new_email()).status == 202
    token = contact_changes.stepped_up(person)
    assert portal.call("GET", "/v1/me/activity", token=token).status == 200
    assert portal.call("DELETE", "/v1/me/email/pending", token=token).status == 204
    assert portal.call("DELETE", "/v1/me/phone", token=token).status == 204
    path = contact_changes.undo_path(contact_changes.texts(portal, number)[-1])
    assert path is not None
    assert links.post(portal, path, date_of_birth=person.patient.date_of_birth).status == 200
    unreached = portal.new_patient(telecom=[registering.phone_contact(number)])
    assert resets.ask(portal, portal.register(unreached, email=None).username).status == 202
    portal.drain()


def _confirmed(portal: Portal, patient: Patient) -> Person:
    """Somebody whose email is confirmed."""
    person = portal.register(patient)
    path = links.path_of(portal, person, LinkPurpose.VERIFY_EMAIL)
    assert links.post(portal, path, date_of_birth=patient.date_of_birth).status == 200
    return person


def _reachable(portal: Portal) -> Person:
    """Somebody with a mailbox, a telephone and an app, who wants to be told of results by all of them."""
    contacts = [
        {"system": "email", "value": f"reachable-{uuid.uuid4().hex[:8]}@example.org"},
        {"system": "phone", "value": _NUMBER},
    ]
    patient = portal.new_patient(telecom=contacts)
    person = portal.register(patient)
    path = links.path_of(portal, person, LinkPurpose.VERIFY_EMAIL)
    assert links.post(portal, path, date_of_birth=patient.date_of_birth).status == 200
    _choose(person)
    _register_device(person)
    return person


def _choose(person: Person, *channels: Channel, quiet_hours: dict[str, str] | None = None) -> None:
    path = "/v1/me/notification-preferences"
    row = {"notice_type": "results", "channels": {str(one): one in (channels or tuple(Channel)) for one in Channel}}
    headers = {"If-Match": person.get(path).header("etag") or ""}
    body = {"rows": [row], "quiet_hours": quiet_hours}
    assert person.call("PUT", path, body, headers=headers).status == 200


def _register_device(person: Person) -> str:
    body = {"platform": "ios", "push_token": f"token-{uuid.uuid4().hex}"}
    made = person.call("POST", "/v1/me/devices", body, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert made.status == 201
    device_id: str = made.json["device_id"]
    return device_id


def _choose_and_read(portal: Portal) -> None:
    """Devices, preferences, the phrase, addresses, and the portal's own copies of notices."""
    person = _reachable(portal)
    # All day: what is not urgent waits for its end.
    _choose(person, quiet_hours={"starts": "00:00", "ends": "23:59"})
    notice_id = told(person, NoticeKind.NEW_RESULTS)
    _choose(person)
    device_id = _register_device(person)
    refreshed = {"push_token": f"token-{uuid.uuid4().hex}"}
    assert person.call("POST", f"/v1/me/devices/{device_id}/refresh", refreshed).status == 200
    assert person.call("DELETE", f"/v1/me/devices/{device_id}").status == 204
    phrase = {"security_phrase": "two grey herons"}
    headers = {"If-Match": person.get("/v1/me/security-phrase").header("etag") or ""}
    assert person.call("PUT", "/v1/me/security-phrase", phrase, headers=headers).status == 200
    for path in ("/v1/me/devices", "/v1/me/addresses", "/v1/me/notices", f"/v1/me/notices/{notice_id}"):
        assert person.get(path).status == 200, path
    assert person.call("POST", f"/v1/me/notices/{notice_id}/read").status == 200


def _meet_every_fate(portal: Portal) -> None:
    """Messages that are sent, put off, refused, bounced, complained of, answered, and to devices that are gone."""
    person, feedback = _reachable(portal), Feedback(portal.aws)
    told(person, NoticeKind.NEW_RESULTS)
    for throttled in ("SendEmail", "Publish"):
        tell(person, NoticeKind.NEW_RESULTS)
        _drain_failing(portal, throttled, "Throttling")
        portal.advance(minutes=1)
    told(person, NoticeKind.PASSWORD_CHANGED)
    for text in ("STOP", "HELP"):
        feedback.reply(portal.aws.sent_sms()[-1].message_id, text)
        portal.drain()
    told(person, NoticeKind.NEW_RESULTS)
    feedback.reply(portal.aws.sent_sms()[-1].message_id, "START")
    feedback.bounce(portal.aws.sent_emails()[-1].message_id)
    portal.drain()
    told(person, NoticeKind.NEW_RESULTS)
    _restore(person)
    told(person, NoticeKind.NEW_RESULTS)
    feedback.complain(portal.aws.sent_emails()[-1].message_id)
    feedback.end_token(portal.aws.sent_pushes()[-1].message_id)
    portal.drain()


def _drain_failing(portal: Portal, operation: str, code: str) -> None:
    with failing(lambda call: call.operation == operation, refused(code), times=1):
        portal.drain()


def _restore(person: Person) -> None:
    for address in person.get("/v1/me/addresses").json["items"]:
        assert person.call("POST", f"/v1/me/addresses/{address['address_id']}/restore").status == 204


_NEVER = {Channel.EMAIL: ("SendEmail", "BadRequestException"), Channel.SMS: ("Publish", "OptedOut")}


def _fall_through(portal: Portal, channel: Channel) -> None:
    """A message whose channel will never take it, and that goes to the next; so does the one after it."""
    person = _reachable(portal)
    told(person, NoticeKind.NEW_RESULTS)
    _choose(person, channel)
    if channel is Channel.PUSH:
        endpoint = portal.aws.sent_pushes()[-1].endpoint_arn
        portal.aws.client("sns").set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
        told(person, NoticeKind.NEW_RESULTS)
    else:
        operation, code = _NEVER[channel]
        tell(person, NoticeKind.NEW_RESULTS)
        _drain_failing(portal, operation, code)
    told(person, NoticeKind.NEW_RESULTS)
    if channel is Channel.SMS:
        Feedback(portal.aws).reply(portal.aws.sent_sms()[-1].message_id, "START")
        portal.drain()


def _come_back(portal: Portal) -> None:
    """An email that bounces and goes to the next channel; the second before its worker could note that it was sent."""
    person, feedback = _reachable(portal), Feedback(portal.aws)
    _choose(person, Channel.EMAIL)
    told(person, NoticeKind.NEW_RESULTS)
    feedback.bounce(portal.aws.sent_emails()[-1].message_id)
    portal.drain()
    _restore(person)
    before = len(portal.aws.sent_emails())
    tell(person, NoticeKind.NEW_RESULTS)
    with failing(lambda call: call.writes_to("outbox") and len(portal.aws.sent_emails()) > before, unreachable()):
        portal.drain()
    feedback.bounce(portal.aws.sent_emails()[-1].message_id)
    portal.drain()


def _look_after(portal: Portal) -> None:
    """A child's results, which their caregiver is told of."""
    caregiver, child = _reachable(portal), portal.new_patient(birthDate="2020-05-04")
    with transaction() as tx:
        caregivers.put_grant(tx, child.patient_id, Grant(links.account_id_of(caregiver), frozenset(Scope), None))
    patient = Person(portal, child, "", PASSWORD, {})
    told(patient, NoticeKind.NEW_RESULTS)


def _see_later(portal: Portal) -> None:
    """Results that wait, that are shown all the same, and that a comment shows."""
    person = _reachable(portal)
    path, token = "/v1/patients/me", token_of(links.account_id_of(person))
    headers = {"If-Match": person.get(f"{path}/release-preferences").header("etag") or ""}
    wanted = {"categories": {"lab": "after_comment", "imaging": "at_visit"}}
    assert portal.call("PUT", f"{path}/release-preferences", wanted, token=token, headers=headers).status == 200
    portal.advance(seconds=5)
    result = fhir.lab(f"Patient/{person.patient.resource_id}")
    assert portal.import_fhir(result).status == 200
    portal.drain()
    record_id = portal.call("GET", f"{path}/records?category=lab", token=token).json["items"][0]["record_id"]
    for query, expected in (("", 200), ("?reveal=true", 200), ("?format=fhir", 403), ("?format=fhir&reveal=true", 200)):
        assert portal.call("GET", f"{path}/records/{record_id}{query}", token=token).status == expected
    for one in ("summary", "changes", "trends/4548-4"):
        assert portal.call("GET", f"{path}/{one}", token=token).status == 200
    assert portal.import_fhir({**result, "note": [{"text": "All is well."}]}).status == 200
    portal.drain()


def _act_for_others(portal: Portal) -> None:
    """Caregivers who come, read, are looked at, leave and are sent away; invitations that are declined or replaced."""
    person = somebody(portal).person
    path = f"/v1/patients/{person.patient.patient_id}"
    gone, token = new_invited(person, "everything", sensitive=True)
    for query in ("", "/summary", "/records", "/records?category=condition", "/changes", "/trends/4548-4", "/calendar"):
        expected = 404 if not query else 200
        assert portal.call("GET", f"{path}{query}", token=token).status == expected
    record_id = portal.call("GET", f"{path}/records", token=token).json["items"][0]["record_id"]
    limited, limited_token = new_invited(person, "results", "medications")
    for query in ("", "?format=fhir"):
        assert portal.call("GET", f"{path}/records/{record_id}{query}", token=token).status == 200
        assert portal.call("GET", f"{path}/records/{record_id}{query}", token=limited_token).status == 404
    assert portal.call("GET", f"{path}/records", token=limited_token).status == 200
    assert portal.call("GET", f"/fhir/R4/Condition/{record_id}", token=token).status == 200
    assert portal.call("GET", f"/fhir/R4/Condition/{record_id}", token=limited_token).status == 404
    assert portal.call("GET", "/fhir/R4/Patient", token=limited_token).json["total"] == 1
    for item in portal.call("GET", "/v1/patients", token=token).json["items"]:
        assert item["relation"] == "family"
    email = new_email()
    for _ in range(2):
        assert invite(person, email=email).status == 201
    assert links.post(portal, f"/l/{invited_link(portal, email)}").status == 200
    taken_back = invite(person).json["caregiver_id"]
    mine = "/v1/patients/me/caregivers"
    assert person.get(mine).status == person.get(f"{mine}/{limited}").status == 200
    assert person.get(f"/v1/patients/me/records?as={limited}").status == 200
    assert person.get("/v1/patients/me/access-log?limit=2").json["next_cursor"]
    for kind in ("csv", "fhir"):
        assert person.get(f"/v1/patients/me/access-log?format={kind}").status == 200
    assert portal.call("DELETE", f"{path}/caregivers/{limited}", token=limited_token).status == 204
    for caregiver_id in (gone, taken_back):
        assert person.call("DELETE", f"{mine}/{caregiver_id}").status == 204
    assert person.get("/v1/proxy-requests").status == 200
    desk = token_of(new_staff(Role.FRONT_DESK))
    assert portal.call("GET", "/v1/clinic/proxy-requests", token=desk).status == 200
    portal.drain()


def _follow(portal: Portal, system: ClinicSystem) -> None:
    """Events as a clinic's system reads and gets them, from receivers that fail, come back and are gone."""
    with receiving() as receiver:
        hook = system.hook(receiver.url)
        receiver.next = [status(204), status(500)]
        happen(2)
        portal.drain()
        portal.advance(minutes=30)
        portal.drain()
        receiver.usual = status(400)
        happen()
        for pause in (timedelta(), *PAUSES):
            portal.advance(seconds=pause.total_seconds() + 300)
            portal.drain()
        system.renew()
        assert hook.deliveries("failed")
        receiver.usual = status(204)
        _replay(portal, hook.path, system)
        receiver.usual = status(410)
        happen()
        portal.drain()
        assert system.get("/v1/clinic/webhooks").status == system.get(hook.path).status == 200
        assert system.call("DELETE", hook.path).status == 204


def _replay(portal: Portal, path: str, system: ClinicSystem) -> None:
    first = system.events("?limit=1")[0]["event_id"]
    for body in ({}, {"from_event": first}):
        assert system.post(f"{path}/replay", body).status == 202
        portal.drain()
    done = system.get(f"{path}/deliveries?status=done").json["items"]
    one = done[0]["delivery_id"]
    assert system.post(f"{path}/deliveries/{one}/replay").status == 202
    assert system.post(f"{path}/rotate-secret").status == 201
    portal.drain()


def _leave(portal: Portal) -> None:
    """Copies of accounts that are made, given up and removed; accounts that are closed, opened again and removed."""
    for person in (leaving.full(portal), portal.register()):
        with failing(lambda call: call.operation == "PutObject", unreachable()):
            assert leaving.export(person).status == 202
            for _ in range(10):
                portal.drain()
                portal.advance(minutes=20)
        assert leaving.exported(person)["status"] == "ready"
    portal.advance(days=4)
    portal.drain()
    assert leaving.exported(person)["status"] == "ready"
    leaving.closed(person)
    (path,) = leaving.reopening_paths(portal, person.patient.email)
    assert links.post(portal, path, date_of_birth=person.patient.date_of_birth).status == 200
    leaving.closed(person)
    desk, key = token_of(new_staff(Role.HELP_DESK)), {"Idempotency-Key": str(uuid.uuid4())}
    again = f"/v1/clinic/accounts/{links.account_id_of(person)}/recovery"
    assert portal.call("POST", again, {"check": "phone"}, token=desk, headers=key).status == 202
    other = leaving.full(portal)
    assert leaving.exported(other)["status"] == "ready"
    leaving.closed(other)
    # What was accepted in the moment of closing.
    with transaction() as tx:
        grant = Grant(links.account_id_of(other), frozenset({Scope.RESULTS}))
        caregivers.put_grant(tx, portal.new_patient().patient_id, grant)
    # What an account shares that a merge closes stays in the bucket until it is removed.
    kept, gone = portal.register(portal.new_patient()), portal.register(portal.new_patient())
    shares.made(gone, expires_at=clock.stamp(clock.now() + timedelta(days=60)))
    choice = {"keep_account_id": links.account_id_of(kept)}
    merging.merged(portal, kept.patient.patient_id, gone.patient.patient_id, **choice)
    portal.drain()
    portal.advance(days=30, minutes=1)
    # The copy, which nothing has removed before, leaves with the account.
    with failing(lambda call: call.operation == "DeleteObject", unreachable(), times=1):
        portal.drain()

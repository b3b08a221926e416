"""AC 4: nothing about a patient, and no secret, gets into what is logged, counted, queued, sent or named.

Canaries are seeded in everything that comes in. What must not keep them is captured while the portal does all that it
can do, and fails in all the ways that can be provoked, and is searched.
"""

import json
import re
import traceback
import uuid
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.exports import ExportFormat
from chalicelib.handlers.functions import FunctionFailed
from infra.local.lambda_proxy import LambdaContext
from tests.support import leaving, picture_readings, record_exports, shares, textract
from tests.support.aws_calls import AwsCall, failing, hooked, refused
from tests.support.people import token_of
from tests.support.portal import Answer, Patient, Person, Portal
from tests.support.promises import Promise
from tests.support.secrecy import Canaries, Sinks, listening


def _listen_to_queues_and_files(sinks: Sinks, canaries: Canaries, call: AwsCall) -> None:
    """What is queued, and under which name a file lies; the file itself is the record."""
    if call.service == "sqs":
        sinks.add("queues", json.dumps(call.params))
    if call.service == "s3":
        sinks.add("file keys", repr({name: value for name, value in call.params.items() if name != "Body"}))
    if call.service == "sns" and call.operation == "Publish":
        is_text = "PhoneNumber" in call.params
        content = call.params["Message"]
        sinks.add(*("text messages", _without_what_it_carries(content, canaries)) if is_text else ("push", content))
    if call.service == "sesv2":
        content = _without_what_it_carries(json.dumps(call.params["Content"], ensure_ascii=False), canaries)
        sinks.add("emails", content)
        for url in re.findall(r"https?://[^\s\"<\\]+", content):
            sinks.add("URLs in emails", url)


def _without_what_it_carries(content: str, canaries: Canaries) -> str:
    """A message exists to carry its link, its code, or the username that was asked for; nothing else may."""
    for token in set(re.findall(r"/l/([\w-]+)", content)):
        canaries.seed(f"link token {token[:26]}", token)
        content = content.replace(token, "-")
    for code in set(re.findall(r"\b[0-9]{8}\b", content)):
        canaries.seed(f"one-time code {code[:2]}", code)
        content = content.replace(code, "-")
    return content.replace(canaries.values["username"], "-") if "Your username" in content else content


TITLE = "Zanzibar fever of the left elbow"
NAMES = ("Perpetua", "Quillfeather-Żółw")


def _resources(resource_id: str, canaries: Canaries) -> tuple[dict[str, Any], ...]:
    subject = {"reference": f"Patient/{resource_id}"}
    title = canaries.seed("diagnosis", TITLE)
    value = canaries.seed("result", "48371.062")
    note = canaries.seed("note", "weeps at lanterns")
    return (
        {"resourceType": "Condition", "id": f"{resource_id}-c", "code": {"text": title}, "subject": subject},
        {
            "resourceType": "Observation",
            "id": f"{resource_id}-o",
            "status": "final",
            "effectiveDateTime": clock.now().isoformat(),
            "code": {"text": "Hemoglobin"},
            "category": [{"coding": [{"code": "laboratory"}]}],
            "subject": subject,
            "valueQuantity": {"value": 48371.062, "unit": "g/dL"},
            "note": [{"text": note + value}],
        },
        {
            "resourceType": "DocumentReference",
            "id": f"{resource_id}-d",
            "status": "current",
            "subject": subject,
            "description": note,
            # Random, so that it does not fit into a row even when compressed.
            "content": [{"attachment": {"data": uuid.uuid4().hex + _noise(), "title": title}}],
        },
    )


def _noise() -> str:
    import random

    return random.Random(7).randbytes(400_000).hex()


def _malformed(resource_id: str) -> dict[str, Any]:
    """Entries whose reasons for being refused could quote what they hold."""
    subject = {"reference": f"Patient/{resource_id}"}
    broken: list[Any] = [
        {"resourceType": TITLE, "subject": subject},
        {"resourceType": "Condition", "code": TITLE, "subject": subject},
        {"resourceType": "Condition", "code": {"text": TITLE}, "subject": {"reference": f"Patient/{NAMES[0]}"}},
        {"resourceType": "Observation", "status": TITLE, "effectiveDateTime": TITLE, "code": {}, "subject": subject},
        {"resourceType": "Patient", "birthDate": NAMES[1], "name": NAMES[0]},
        [TITLE],
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in broken]}


class Walk:
    """One patient's whole time with the portal, and everything that can go wrong in it."""

    def __init__(self, portal: Portal, canaries: Canaries) -> None:
        self.portal, self.canaries = portal, canaries
        self.resource_id = canaries.seed("resource id", f"canary{uuid.uuid4().hex[:10]}")
        self.answers: list[Answer] = []

    def all(self) -> None:
        patient = self._import()
        person = self._register(patient)
        self._errors(patient, person)
        self._links(patient)
        self._clinic(patient)
        self._messages(person)
        self._pictures(person)
        self._recovery(person)
        self._bugs(person)
        self._poison(person)
        self._leave(person)

    def _seed_session(self, which: str, session: dict[str, Any]) -> None:
        for name in ("access_token", "refresh_token", "device_token", "csrf_token"):
            if session.get(name):
                self.canaries.seed(f"{which} {name}", session[name])
        for name in ("access_token", "refresh_token", "device_token"):
            if session.get(name):
                self.canaries.seed(f"{which} secret of {name}", session[name].rpartition(".")[2])

    def _import(self) -> Patient:
        seed, given, family = self.canaries.seed, *NAMES
        seed("first name", given)
        seed("last name", family)
        patient = self.portal.new_patient(
            id=self.resource_id,
            name=[{"use": "official", "given": [given], "family": family}],
            birthDate=seed("birth date", "1947-11-23"),
            telecom=[{"system": "phone", "value": seed("phone", "+13125550187")}],
            address=[{"line": [seed("street", "11 Marmalade Row")]}],
            resources=_resources(self.resource_id, self.canaries),
        )
        seed("birth date in words", "November 23, 1947")
        seed("birth date in digits", "19471123")
        seed("clinic number", patient.clinic_number)
        self.portal.import_fhir(_malformed(self.resource_id))
        self.portal.import_fhir(f'{{"resourceType": "Patient", "name": "{NAMES[0]}", '.encode())
        self.portal.import_fhir({"resourceType": "Patient", "id": "x" * 3000, "name": [{"family": NAMES[1]}]})
        return patient

    def _register(self, patient: Patient) -> Person:
        seed = self.canaries.seed
        code = seed("activation code", self.portal.issue_code(patient).json["activation_code"])
        seed("activation code, canonical", code.replace("-", ""))
        seed("email", f"{self.resource_id}@example.org")
        started = self.portal.start_registration(patient, code, email=f"{self.resource_id}@example.org").json
        seed("registration token", started["registration_token"])
        username = seed("username", "quizzical-heron-77")
        password = seed("password", "eleven copper mittens sing")
        answers = self.portal.security_answers()
        for place, answer in enumerate(answers):
            answer["answer"] = seed(f"security answer {place}", f"papaya lighthouse {place}")
        finished = self.portal.finish_registration(
            started, username=username, password=password, security_answers=answers
        )
        assert finished.status == 201, finished.text
        self._seed_session("first session", finished.json)
        return Person(self.portal, patient, username, password, finished.json)

    def _errors(self, patient: Patient, person: Person) -> None:
        portal, seed = self.portal, self.canaries.seed
        other = portal.sign_in(person.username, person.password, source_ip="198.51.100.242").json
        self._seed_session("second session", other)
        portal.call("POST", "/v1/sessions/refresh", {"refresh_token": other["refresh_token"]})
        portal.call("POST", "/v1/sessions/refresh", {"refresh_token": other["refresh_token"]})
        wrong = seed("wrong password", "fourteen wooden parsnips")
        for _ in range(12):
            portal.sign_in(person.username, wrong, source_ip="198.51.100.240")
        portal.sign_in(seed("unknown username", "vermilion-otter-3"), wrong, source_ip="198.51.100.241")
        portal.start_registration(patient, seed("wrong code", "ZZZZ-7777-QQQQ"))
        portal.start_registration(patient, "ZZZZ-7777-QQQQ", date_of_birth="not a date", first_name=5, unknown=NAMES[0])
        portal.call("POST", "/v1/sessions", raw=f'{{"username": "{NAMES[0]}", "x": NaN}}'.encode())
        person.get(f"/v1/patients/{NAMES[0]}/records/{person.username}?q={TITLE.replace(' ', '%20')}")
        person.get(f"/v1/patients/me/records?q=Zanzibar&cursor={person.username}")
        person.get("/v1/patients/me/records?q=Zanzibar")
        portal.call("GET", f"/v1/{NAMES[0]}/{person.username}", checked=False)
        portal.call("GET", "/v1/me", token=seed("made up token", f"acc_{'0' * 26}.ses_{'0' * 26}.lavenderpancakes"))
        for record in person.get("/v1/patients/me/records").json["items"]:
            for query in ("", "?format=fhir"):
                assert person.get(f"/v1/patients/me/records/{record['record_id']}{query}").status == 200

    def _links(self, patient: Patient) -> None:
        email = self.portal.emails(f"{self.resource_id}@example.org")[0]
        found = re.search(r"/l/(\S+)", email.text or "")
        assert found is not None
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.portal.call("GET", f"/l/{found[1]}")
        self.portal.call("GET", f"/l/{found[1]}x")
        for birth_date in ("1950-01-01", NAMES[0], patient.date_of_birth, patient.date_of_birth):
            self.portal.call("POST", f"/l/{found[1]}", raw=f"date_of_birth={birth_date}".encode(), headers=form)

    def _clinic(self, patient: Patient) -> None:
        client_id, secret = self.portal.new_client("patients.read")
        self.canaries.seed("client secret", secret)
        token = self.canaries.seed("client token", self.portal.client_token((client_id, secret)))
        for identifier in (f"MRN-{self.resource_id}", patient.clinic_number, f"{NAMES[1][:5]}|x"):
            self.portal.call("GET", f"/v1/clinic/patients?identifier={identifier}", token=token)
        asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "zebra-marzipan"}
        self.canaries.seed("wrong client secret", "zebra-marzipan")
        self.portal.call("POST", "/v1/clinic/tokens", asked, source_ip="198.51.100.243")
        key = self.canaries.seed("idempotency key", "candelabra-5512")
        self.portal.issue_code(self.portal.new_patient(), key=key)

    def _messages(self, person: Person) -> None:
        """New results, by every channel."""
        token = self.canaries.seed("push token", f"pomegranate{uuid.uuid4().hex}")
        key = {"Idempotency-Key": str(uuid.uuid4())}
        asked = {"platform": "ios", "push_token": token}
        assert person.call("POST", "/v1/me/devices", asked, headers=key).status == 201
        tag = {"If-Match": person.get("/v1/me/notification-preferences").header("etag") or ""}
        row = {"notice_type": "results", "channels": {"push": True, "email": True, "sms": True}}
        choice = {"rows": [row], "quiet_hours": None}
        assert person.call("PUT", "/v1/me/notification-preferences", choice, headers=tag).status == 200
        _, result, _ = _resources(self.resource_id, self.canaries)
        self.portal.import_fhir({**result, "id": f"{self.resource_id}-o2"})
        self.portal.drain()
        for notice in person.get("/v1/me/notices").json["items"]:
            assert person.get(f"/v1/me/notices/{notice['notice_id']}").status == 200

    def _recovery(self, person: Person) -> None:
        portal, email = self.portal, f"{self.resource_id}@example.org"
        portal.call("POST", "/v1/username-reminders", {"email": email}, source_ip="198.51.100.246")
        asked = portal.call("POST", "/v1/password-resets", {"identifier": email}, source_ip="198.51.100.246").json
        code = re.search(r"\b[0-9]{8}\b", portal.emails(email)[-1].text or "")
        assert code is not None
        path = f"/v1/password-resets/{asked['reset_id']}/confirm"
        wrong_answer = self.canaries.seed("wrong security answer", "crimson accordion")
        person.password = self.canaries.seed("new password", "nineteen paper kettles hum")
        right = {"otp": code[0], "new_password": person.password}
        portal.call("POST", path, {**right, "otp": "00000000"})
        portal.call("POST", path, {**right, "new_password": "short"})
        question = portal.call("POST", path, {**right, "security_answer": wrong_answer}).json["question"]["question_id"]
        place = [item["question_id"] for item in portal.security_answers()].index(question)
        answer = self.canaries.values[f"security answer {place}"]
        assert portal.call("POST", path, {**right, "security_answer": answer}).status == 204
        again = portal.sign_in(person.username, person.password, source_ip="198.51.100.246").json
        self._seed_session("session after the reset", again)
        person.session = again
        portal.drain()

    def _pictures(self, person: Person) -> None:
        """A picture that is read, one that cannot be, and one whose reading breaks."""
        seed, medicine = self.canaries.seed, "Verdigrisol Forte"
        words = [
            (40, 40, 30, seed("medicine", f"{medicine} 48371 mg")),
            (40, 120, 30, f"Rx# {seed('prescription', '90417326-77')}"),
            (40, 200, 30, f"Prescriber: {' '.join(NAMES)}"),
        ]
        seed("file name", "verdigris-label.jpg")
        about: dict[str, Any] = {"kind": "medicine_label", "file_name": "verdigris-label.jpg"}
        with textract.answering(textract.blocks(words, (800, 400))):
            read = picture_readings.seen_to(person, None, **about)
            assert medicine in json.dumps(read.json["text"])
            prescriber = seed("what was confirmed", "Dr. Ottoline Marchbanks")
            assert read.confirm(medicine=medicine, prescriber=prescriber).status == 200
            assert read.confirm(medicine=f"{medicine} 4111 1111 1111 1111").status == 422
            assert read.confirm(prescription=prescriber).status == 422
            said = refused("BadDocumentException", message=medicine)
            for error in (said, KeyError(" ".join(self.canaries.values.values()))):
                with failing(lambda call: call.service == "textract", error, times=1):
                    picture_readings.seen_to(person, None, **about)
        assert person.call("DELETE", read.path).status == 204
        self.portal.drain()

    def _leave(self, person: Person) -> None:
        """A copy of the account, whose file holds what the canaries are and whose name does not, and its closing."""
        person.session = self.portal.sign_in(
            person.username, f"{person.password} again", source_ip="198.51.100.247"
        ).json
        leaving.export(person)
        self.portal.drain()
        token = self.canaries.seed("token of the last session", token_of(person.session["account"]["account_id"]))
        found = self.portal.call("GET", leaving.EXPORT, token=token).json
        assert self.canaries.values["last name"] not in found["download_url"]
        for format_ in ExportFormat:
            copy = record_exports.made(self.portal, "me", token, format=format_)
            assert self.canaries.values["last name"] not in copy["download_url"]
        self._share(token)
        assert leaving.close(person).status == 200
        self.portal.drain()

    def _share(self, token: str) -> None:
        """A share that is opened by both of its links."""
        pin = self.canaries.seed("PIN of a share", "804271936502")
        asked = {"recipient": self.canaries.seed("for whom a share is", "Dr. Quillfeather"), "pin": pin}
        share = shares.made_by(self.portal, "me", token, **asked)
        self.canaries.seed("token of a share", share["url"].rpartition("/")[2])
        self.canaries.seed("SMART Health Link", share["smart_health_link"].partition("/")[2])
        self.canaries.seed("token of a manifest", shares.shlink_of(share).path.rpartition("/")[2])
        wrong = self.canaries.seed("wrong PIN of a share", "918273640517")
        for opened in (shares.open_page, shares.ask_manifest):
            reader = self.canaries.seed(f"reader of {opened.__name__}", f"Nurse {opened.__name__}")
            assert opened(self.portal, share, pin, recipient=reader).status == 200
            assert opened(self.portal, share, wrong).status in {401, 422}
        self.portal.drain()

    def _poison(self, person: Person) -> None:
        """Messages that break their workers until they are set aside."""
        words = " ".join(self.canaries.values.values())
        with failing(lambda call: call.service in {"sesv2", "sns"}, KeyError(words)):
            asked = {"current_password": person.password, "new_password": f"{person.password} again"}
            assert person.call("PUT", "/v1/me/password", asked).status == 200
            self.portal.drain()
        # What stands in a report is the sender's; what becomes of it must say nothing.
        report = json.dumps({"Type": "Notification", "Message": json.dumps({"bounce": words}), "Signature": "AAAA"})
        self.portal.aws.client("sqs").send_message(QueueUrl=_queue_url(self.portal, "feedback"), MessageBody=report)
        self.portal.drain()

    def _bugs(self, person: Person) -> None:
        """A bug's exception quotes everything that it has."""
        words = " ".join(self.canaries.values.values())
        bugs = (ValueError(words), KeyError(words), refused("ValidationException", message=words), refused(words))
        for bug in bugs:
            with failing(lambda call: call.service == "dynamodb", bug):
                assert person.get("/v1/me").status in {500, 503}


@pytest.mark.promise
def test_nothing_about_a_patient_gets_into_any_sink(
    portal: Portal, capfd: pytest.CaptureFixture[str], promise: Promise
) -> None:
    """AC 4."""
    canaries, sinks = Canaries(), Sinks()
    with listening(sinks), hooked(lambda call: _listen_to_queues_and_files(sinks, canaries, call)):
        Walk(portal, canaries).all()
        portal.drain()
    _read_what_is_kept(portal, sinks)
    out, err = capfd.readouterr()
    sinks.add("standard output", out)
    sinks.add("standard error", err)
    _assert_alive(sinks)
    leaks = sinks.leaks(canaries)
    sinks_and_canaries = f"{len(canaries.values)} canaries in {len(sinks.texts)} sinks"
    promise("AC 4", f"{sinks_and_canaries}: leaks", asked=0, measured=len(leaks), passed=not leaks)
    assert not leaks, "\n".join(leaks[:20])


_KEPT_ROWS = {"served": "idempotency rows", "notice": "notices", "suppression": "suppressions"}


def _read_what_is_kept(portal: Portal, sinks: Sinks) -> None:
    for area in ("audit", "outbox"):
        for row in portal.rows(area):
            sinks.add(f"{area} rows", json.dumps(row, default=repr, ensure_ascii=False))
    for row in portal.rows("accounts"):
        if sink := _KEPT_ROWS.get(row.get("kind", {}).get("S", "")):
            sinks.add(sink, json.dumps(row))
        if row["pk"]["S"].startswith(("limit#", "tally#")):
            sinks.add("counters", json.dumps(row))
    listed = portal.aws.client("s3").list_objects_v2(Bucket=portal.aws.deployed.outputs["RecordsBucketName"])
    for found in listed.get("Contents", ()):
        sinks.add("file keys", found["Key"])

    _read_dead_letters(portal, sinks)


def _read_dead_letters(portal: Portal, sinks: Sinks) -> None:
    sqs = portal.aws.client("sqs")
    for url in [url for url in sqs.list_queues()["QueueUrls"] if url.endswith("-dlq")]:
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                sinks.add("dead letters", message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def _queue_url(portal: Portal, name: str) -> str:
    stack = portal.aws.deployed.outputs["Stack"]
    url: str = portal.aws.client("sqs").get_queue_url(QueueName=f"{stack}-{name}")["QueueUrl"]
    return url


def _assert_alive(sinks: Sinks) -> None:
    """A sink that caught nothing proves nothing."""
    wanted = {"logs", "queues", "emails", "URLs in emails", "text messages", "push", "dead letters", "file keys"}
    wanted |= {"audit rows", "outbox rows", "notices", "idempotency rows", "counters"}
    assert wanted <= set(sinks.texts)
    assert '"_aws"' in sinks.texts["standard output"][0]
    assert "http.bug" in sinks.texts["log lines"][0]


WORKERS = (
    "address_notices",
    "build_exports",
    "deliver_email",
    "deliver_push",
    "deliver_sms",
    "deliver_webhooks",
    "purge_accounts",
    "read_pictures",
    "record_events",
    "refresh_references",
)
"""What takes the id of an outbox row from a queue."""

SCHEDULED = ("lock_seals", "sweep_outbox")

FUNCTIONS: dict[str, dict[str, Any]] = {
    "relay_outbox": {"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1"}, "eventSourceARN": "x"}]},
    **{
        name: {"Records": [{"messageId": "m", "body": "{}"}]}
        for name in (*WORKERS, "clean_uploads", "import_files", "receive_feedback")
    },
    "seal_audit": {"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1"}, "eventSourceARN": "x"}]},
    **{name: {} for name in SCHEDULED},
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_an_event_function_raises_says_nothing_but_its_name(
    portal: Portal, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lambda's runtime prints the traceback of what a function raises."""
    words = f"{NAMES[0]} has {TITLE}"
    sinks, canaries = Sinks(), Canaries({"title": TITLE, "name": NAMES[0]})
    # An event that no source sends, so that the body fails at its first touch; its words are the exception's.
    event = {"Records": words} if name not in SCHEDULED else {}
    with listening(sinks), failing(lambda call: True, KeyError(words)), pytest.raises(FunctionFailed) as raised:
        getattr(portal.app, name)({**event, **_envelope()}, LambdaContext(name))
    sinks.add("traceback", "".join(traceback.format_exception(raised.value)))
    sinks.add("standard output", capfd.readouterr().out)
    assert str(raised.value) == name
    assert raised.value.__context__ is None
    assert sinks.leaks(canaries) == []
    assert "function.failed" in sinks.texts["log lines"][0]


def _envelope() -> dict[str, Any]:
    """What EventBridge's events have and Chalice reads."""
    return {
        "version": "0",
        "account": "0",
        "region": "r",
        "detail": {},
        "detail-type": "",
        "source": "",
        "time": "",
        "id": "",
        "resources": [],
    }


def test_every_event_function_is_among_them(portal: Portal) -> None:
    names = {source.handler_string.rpartition(".")[2] for source in portal.app.app.event_sources}
    assert names == set(FUNCTIONS)


def test_a_poison_message_leaves_nothing_in_the_log(portal: Portal, capfd: pytest.CaptureFixture[str]) -> None:
    sinks, canaries = Sinks(), Canaries({"title": TITLE})
    bodies = [
        TITLE,
        json.dumps({"name": TITLE}),
        json.dumps([TITLE]),
        json.dumps({"id": [TITLE]}),
        json.dumps({"id": TITLE}),
    ]
    records = [{"messageId": str(place), "body": body} for place, body in enumerate(bodies)]
    with listening(sinks):
        for name in WORKERS:
            answer = getattr(portal.app, name)({"Records": records}, LambdaContext(name))
            # A row of that id is no longer there: nothing to do, as for a row that was swept long ago.
            assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["0", "1", "2", "3"]
    sinks.add("standard output", capfd.readouterr().out)
    assert sinks.leaks(canaries) == []
    assert sinks.texts["log lines"][0].count("queue.message_failed") == 4 * len(WORKERS)


def test_a_library_that_logs_requests_is_silent_even_where_everything_is_logged(portal: Portal) -> None:
    sinks = Sinks()
    with listening(sinks):
        portal.sign_in("nobody-of-this-name", source_ip="198.51.100.244")
    assert [text for text in sinks.texts["logs"] if text.startswith(("botocore", "pynamodb", "urllib3"))] == []

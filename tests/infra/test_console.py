import json
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.notices import NoticeKind
from chalicelib.settings import settings
from infra.local.aws import EmbeddedAws
from infra.local.console import Console
from infra.local.console_input import LONGEST_ADVANCE_SECONDS, LONGEST_REPLY
from infra.local.feedback import Feedback
from infra.local.lambda_proxy import HttpRequest, HttpResponse
from infra.local.mailbox import Mailbox
from infra.local.seeded import SeededClient, SeededClinic, SeededPatient, SeededStaff

_PORTAL = "http://127.0.0.1:8000"
_HERE = ("Host", "127.0.0.1:8001")
_ADULT = SeededPatient(
    patient_id="pat_1",
    clinic_number="SC-1",
    activation_code="7QK2-M4XD-9TRA",
    first_name="Zoë",
    last_name="<b>O'Hara</b>",
    date_of_birth="1986-07-30",
    phone_last4="0102",
    email="zoe@example.com",
)
_CHILD = SeededPatient("pat_2", "SC-2", None, "Max", "O'Hara", "2019-05-04", None, None)
_ADMIN = SeededStaff("admin.sample", "violet kettle", "JBSWY3DP", ("admin",))
_CLINIC = SeededClinic((_ADULT, _CHILD), (SeededClient("cli_1", "kept-secret"),), (_ADMIN,))
_HTML = '<p style="color:#111">Hello "Zoë"</p><script>alert(1)</script>'


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as running:
        yield running


@pytest.fixture
def console(aws: EmbeddedAws) -> Iterator[Console]:
    yield Console(_CLINIC, Mailbox(aws), Feedback(aws), _PORTAL)
    clock.reset()


def _send_email(aws: EmbeddedAws, subject: str) -> None:
    body = {"Text": {"Data": "Open https://clinic.example/l/abc"}, "Html": {"Data": _HTML}}
    aws.client("sesv2").send_email(
        FromEmailAddress="portal@sample-clinic.example",
        Destination={"ToAddresses": ["zoe@example.com"]},
        Content={"Simple": {"Subject": {"Data": subject}, "Body": body}},
    )


def _get(console: Console, path: str) -> HttpResponse:
    return console.handle(HttpRequest("GET", path, headers=[_HERE]))


def _post(console: Console, path: str, body: str, *headers: tuple[str, str]) -> HttpResponse:
    return console.handle(HttpRequest("POST", path, headers=[_HERE, *headers], body=body.encode()))


def _post_clock(console: Console, body: str, *headers: tuple[str, str]) -> HttpResponse:
    return _post(console, "/clock", body, *headers)


def _react(console: Console, message_id: str, event: str, text: str = "") -> HttpResponse:
    return _post(console, "/feedback", json.dumps({"id": message_id, "event": event, "text": text}))


def _told(aws: EmbeddedAws) -> list[dict[str, Any]]:
    """What arrived on the queue for feedback since the last time."""
    sqs, queue = aws.client("sqs"), aws.deployed.resources["FeedbackQueue"].ref
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(json.loads(message["Body"])["Message"]) for message in found]


def _send_sms(aws: EmbeddedAws) -> None:
    aws.client("sns").publish(PhoneNumber="+13125550147", Message="Your visit is on Friday")


def _send_push(aws: EmbeddedAws) -> None:
    sns = aws.client("sns")
    token = f"token-{uuid.uuid4()}"
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=settings().push_applications["ios"], Token=token)
    payload = json.dumps({"aps": {"alert": "You have news"}, "notice_id": "ntc_1"})
    sns.publish(TargetArn=endpoint["EndpointArn"], Message=json.dumps({"APNS": payload}), MessageStructure="json")


def _items(console: Console) -> list[dict[str, Any]]:
    answer = _get(console, "/outbox.json")
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def _newest(console: Console, channel: str) -> dict[str, Any]:
    return next(item for item in reversed(_items(console)) if item["channel"] == channel)


def test_the_sample_clinic_is_served_as_programs_expect_it(console: Console) -> None:
    answer = _get(console, "/sample.json")
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    assert answer.json() == {
        "patients": [
            {
                "patient_id": "pat_1",
                "clinic_number": "SC-1",
                "activation_code": "7QK2-M4XD-9TRA",
                "first_name": "Zoë",
                "last_name": "<b>O'Hara</b>",
                "date_of_birth": "1986-07-30",
                "phone_last4": "0102",
                "email": "zoe@example.com",
            },
            {
                "patient_id": "pat_2",
                "clinic_number": "SC-2",
                "activation_code": None,
                "first_name": "Max",
                "last_name": "O'Hara",
                "date_of_birth": "2019-05-04",
                "phone_last4": None,
                "email": None,
            },
        ],
        "staff": [
            {
                "username": "admin.sample",
                "password": "violet kettle",
                "totp_secret": "JBSWY3DP",
                "roles": ["admin"],
            }
        ],
        "clients": [{"client_id": "cli_1", "client_secret": "kept-secret"}],
        "caregivers": [],
    }


def test_a_clinic_survives_its_file() -> None:
    assert SeededClinic.read(json.dumps(_CLINIC.as_json())) == _CLINIC


def test_emails_and_texts_are_listed_whole_and_newest_last(aws: EmbeddedAws, console: Console) -> None:
    _send_email(aws, "First")
    assert len(_items(console)) >= 1
    aws.client("sns").publish(PhoneNumber="+13125550102", Message="Your code is 12345678")
    email, sms = _items(console)[-2:]
    assert set(email) == set(sms) == {"id", "channel", "to", "subject", "text", "html", "sent_at"}
    assert (email["channel"], email["to"], email["subject"]) == ("email", "zoe@example.com", "First")
    assert (email["text"], email["html"]) == ("Open https://clinic.example/l/abc", _HTML)
    assert (sms["channel"], sms["to"], sms["text"]) == ("sms", "+13125550102", "Your code is 12345678")
    assert (sms["subject"], sms["html"]) == (None, None)
    assert email["id"] != sms["id"]


def test_a_message_keeps_the_time_at_which_it_went_out_when_the_clock_moves(aws: EmbeddedAws, console: Console) -> None:
    _send_email(aws, "Before")
    _post_clock(console, '{"advance_seconds": 86400}')
    _send_email(aws, "After")
    before, after = (clock.read_stamp(item["sent_at"]) for item in _items(console)[-2:])
    assert timedelta(hours=23) < after - before < timedelta(hours=25)
    assert all(item["sent_at"].endswith("Z") for item in _items(console))


def test_the_clock_moves_by_what_was_asked(console: Console) -> None:
    before = clock.now()
    answer = _post_clock(console, '{"advance_seconds": 3600}')
    assert answer.status == 200
    assert set(answer.json()) == {"now"}
    moved = clock.read_stamp(answer.json()["now"]) - before
    assert timedelta(seconds=3599) < moved < timedelta(seconds=3660)
    assert clock.now() - before >= timedelta(seconds=3599)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("[" * 100_000, 400),
        ("[]", 422),
        ("{}", 422),
        ('{"advance_seconds": "60"}', 422),
        ('{"advance_seconds": true}', 422),
        ('{"advance_seconds": -1}', 422),
        ('{"advance_seconds": NaN}', 422),
        ('{"advance_seconds": 1e400}', 422),
        (f'{{"advance_seconds": {LONGEST_ADVANCE_SECONDS + 1}}}', 422),
        ('{"advance_seconds": ' + "9" * 9000 + "}", 400),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_move_that_cannot_be_meant_is_refused_in_json_and_moves_nothing(
    console: Console, body: str, status: int
) -> None:
    before = clock.now()
    answer = _post_clock(console, body)
    assert (answer.status, answer.header("Content-Type")) == (status, "application/problem+json")
    assert answer.json()["detail"]
    assert clock.now() - before < timedelta(seconds=1)


def test_the_pages_own_form_moves_the_clock_and_comes_back(console: Console) -> None:
    before = clock.now()
    form = ("Content-Type", "application/x-www-form-urlencoded")
    answer = _post_clock(console, "advance_seconds=60", form, ("Origin", "http://127.0.0.1:8001"))
    assert (answer.status, answer.header("Location")) == (303, "/#clock")
    assert clock.now() - before >= timedelta(seconds=60)
    assert _post_clock(console, "advance_seconds=soon", form).status == 422


def test_another_site_can_neither_post_nor_read_under_its_own_name(console: Console) -> None:
    before = clock.now()
    foreign = _post_clock(console, '{"advance_seconds": 60}', ("Origin", "https://evil.example"))
    rebound = console.handle(HttpRequest("GET", "/outbox.json", headers=[("Host", "evil.example:8001")]))
    assert (foreign.status, rebound.status) == (403, 403)
    assert clock.now() - before < timedelta(seconds=1)


def test_what_the_console_does_not_have_is_a_problem(console: Console) -> None:
    assert _get(console, "/v1/health").status == 404
    wrong_method = console.handle(HttpRequest("DELETE", "/outbox.json", headers=[_HERE]))
    assert (wrong_method.status, wrong_method.header("Allow")) == (405, "GET")
    assert console.refuse(HttpRequest("GET", "/"), 400).header("Content-Type") == "application/problem+json"
    assert console.handle(HttpRequest("HEAD", "/", headers=[_HERE])).status == 200


class _Page(HTMLParser):
    """What a reader of the page gets at: elements with their attributes, and the visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def having(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        return [found for name, found in self.elements if name == tag and attributes.items() <= found.items()]


@pytest.fixture
def page(aws: EmbeddedAws, console: Console) -> _Page:
    _send_email(aws, "<i>Confirm</i> your email")
    answer = _get(console, "/")
    assert (answer.status, answer.header("Content-Type")) == (200, "text/html; charset=utf-8")
    return _Page(answer.body.decode())


def test_the_page_shows_patients_with_codes_to_copy(page: _Page) -> None:
    for value in ("SC-1", "7QK2-M4XD-9TRA", "SC-2", "cli_1", "kept-secret"):
        assert value in page.text
        assert page.having("button", **{"data-copy": value})
    assert "<b>O'Hara</b>" in page.text
    assert page.having("a", href=f"{_PORTAL}/v1/openapi.json")


def test_the_page_shows_emails_in_a_frame_that_runs_no_script(page: _Page) -> None:
    frame = page.having("iframe")[0]
    assert _HTML in frame["srcdoc"]
    assert "allow-scripts" not in frame["sandbox"]
    assert "<i>Confirm</i> your email" in page.text
    assert page.having("a", href="https://clinic.example/l/abc")
    assert not page.having("i")


def test_the_page_has_landmarks_labels_and_nothing_from_elsewhere(page: _Page) -> None:
    assert [len(page.having(tag)) for tag in ("main", "h1", "nav")] == [1, 1, 1]
    assert page.having("html", lang="en")
    labels = {label["for"] for label in page.having("label")}
    assert {field["id"] for field in page.having("input") if field.get("type") != "hidden"} == labels
    assert all("title" in frame for frame in page.having("iframe"))
    assert not page.having("link", rel="stylesheet")
    assert not [found for name, found in page.elements if name in {"script", "img"} and "src" in found]


def test_only_the_pages_own_script_may_run(console: Console) -> None:
    first, second = _get(console, "/"), _get(console, "/")
    nonces = [re.findall(r'<script nonce="([^"]+)">', answer.body.decode()) for answer in (first, second)]
    assert len(nonces[0]) == 1
    assert f"script-src 'nonce-{nonces[0][0]}'" in (first.header("Content-Security-Policy") or "")
    assert nonces[0] != nonces[1]


def test_a_bounce_and_a_complaint_are_told_of_the_email_that_was_chosen(aws: EmbeddedAws, console: Console) -> None:
    _send_email(aws, "Confirm")
    email = _newest(console, "email")
    _told(aws)
    for event, told in (("bounce", "Bounce"), ("complaint", "Complaint")):
        answer = _react(console, email["id"], event)
        assert (answer.status, answer.json()) == (200, {"id": email["id"], "event": event})
        (arrived,) = _told(aws)
        assert (arrived["eventType"], arrived["mail"]["messageId"]) == (told, email["id"])


def test_a_reply_has_the_words_that_were_typed(aws: EmbeddedAws, console: Console) -> None:
    _send_sms(aws)
    _told(aws)
    assert _react(console, _newest(console, "sms")["id"], "reply", "Stop, please").status == 200
    (arrived,) = _told(aws)
    assert (arrived["originationNumber"], arrived["messageBody"]) == ("+13125550147", "Stop, please")


def test_a_dead_token_is_told_of_the_push_that_was_chosen(aws: EmbeddedAws, console: Console) -> None:
    _send_push(aws)
    _told(aws)
    push = _newest(console, "push")
    assert (push["text"], push["payload"]["notice_id"]) == ("You have news", "ntc_1")
    assert _react(console, push["id"], "dead_token").status == 200
    assert [one["FailureType"] for one in _told(aws)] == ["InvalidPlatformToken"]


def test_the_pages_own_buttons_come_back_to_the_mailbox(aws: EmbeddedAws, console: Console) -> None:
    _send_email(aws, "Confirm")
    _told(aws)
    form = ("Content-Type", "application/x-www-form-urlencoded")
    answer = _post(console, "/feedback", f"id={_newest(console, 'email')['id']}&event=bounce", form)
    assert (answer.status, answer.header("Location")) == (303, "/#mailbox")
    assert [one["eventType"] for one in _told(aws)] == ["Bounce"]


def test_feedback_that_cannot_be_meant_is_refused_and_tells_nothing(aws: EmbeddedAws, console: Console) -> None:
    _send_email(aws, "Confirm")
    email = _newest(console, "email")["id"]
    _told(aws)
    assert _react(console, "nobody", "bounce").status == 404
    assert _react(console, email, "reply", "STOP").status == 422
    assert _react(console, email, "explode").status == 422
    assert _react(console, email, "bounce", "x" * (LONGEST_REPLY + 1)).status == 422
    assert _post(console, "/feedback", '{"id": 1, "event": "bounce"}').status == 422
    assert _post(console, "/feedback", "{").status == 400
    foreign = _post(console, "/feedback", f'{{"id": "{email}", "event": "bounce"}}', ("Origin", "https://evil.example"))
    assert foreign.status == 403
    assert _told(aws) == []


def test_feedback_of_a_message_that_was_wiped_is_refused(aws: EmbeddedAws, console: Console) -> None:
    _send_email(aws, "Confirm")
    email = _newest(console, "email")["id"]
    aws.wipe()
    assert _react(console, email, "bounce").status == 404


def test_the_page_offers_for_each_channel_what_its_readers_can_do(aws: EmbeddedAws, console: Console) -> None:
    aws.wipe()
    for send in (_send_sms, _send_push):
        send(aws)
    _send_email(aws, "Confirm")
    page = _Page(_get(console, "/").body.decode())
    assert {button["value"] for button in page.having("button", name="event")} == {"bounce", "complaint", "dead_token"}
    assert {button["value"] for button in page.having("button", name="text")} == {"STOP", "HELP", "START"}
    (words,) = page.having("input", name="text")
    assert words["id"] in {label["for"] for label in page.having("label")}
    assert {form["action"] for form in page.having("form", method="post")} == {"/clock", "/feedback"}


def test_the_previews_show_every_kind_of_notice_at_two_widths_in_frames_that_run_no_script(console: Console) -> None:
    answer = _get(console, "/previews")
    page = _Page(answer.body.decode())
    assert (answer.status, answer.header("Content-Type")) == (200, "text/html; charset=utf-8")
    assert {section["id"] for section in page.having("section")} == set(NoticeKind)
    frames = page.having("iframe")
    assert {frame["style"] for frame in frames} == {"width: 320px", "width: 600px"}
    assert all("allow-scripts" not in frame["sandbox"] and "<html" in frame["srcdoc"] for frame in frames)
    assert len({frame["title"] for frame in frames}) >= 2 * 2 * 5
    assert len(re.findall(r"<script nonce=", answer.body.decode())) == 1
    assert page.having("a", href="/")
    assert _Page(_get(console, "/").body.decode()).having("a", href="/previews")

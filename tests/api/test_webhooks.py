"""Webhooks as a clinic's system manages them, and what arrives at it over a real connection."""

import json
import re
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib import clock, ids
from chalicelib.domain.webhooks import MOST_WEBHOOKS, PAUSES
from chalicelib.services import delivery as outbox_delivery
from tests.support.aws_calls import recorded
from tests.support.clinic_system import ClinicSystem, clinic_system, end_of_log, happen, let_the_log_expire, new_system
from tests.support.portal import Answer, Portal
from tests.support.receiver import Receiver, receiving, status
from tests.support.setting import setting


@pytest.fixture
def system(portal: Portal) -> Iterator[ClinicSystem]:
    with clinic_system(portal) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def _wait(system: ClinicSystem, **by: float) -> None:
    """Let time pass, and everything that is due by then happen; the session would be over by then."""
    system.portal.advance(**by)
    outbox_delivery.sweep()
    system.portal.drain()
    system.renew()


# --- managing ---------------------------------------------------------------------------------------------------------


def test_a_webhook_is_made_listed_read_and_removed(system: ClinicSystem, receiver: Receiver) -> None:
    made = system.create(receiver.url, "account.created")
    assert made.status == 201
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made.json["secret"])
    shown = {name: value for name, value in made.json.items() if name != "secret"}
    assert (shown["url"], shown["types"], shown["status"]) == (receiver.url, ["account.created"], "active")
    path = f"/v1/clinic/webhooks/{shown['webhook_id']}"
    assert system.get(path).json == shown
    assert system.get("/v1/clinic/webhooks").json == {"items": [shown], "next_cursor": None}
    assert system.call("DELETE", path).status == 204
    assert [system.call(method, path).status for method in ("GET", "DELETE")] == [404, 404]
    assert system.get("/v1/clinic/webhooks").json["items"] == []


def test_a_replay_of_the_request_gives_the_same_webhook_and_secret(system: ClinicSystem, receiver: Receiver) -> None:
    key = str(uuid.uuid4())
    first, again = system.create(receiver.url, key=key), system.create(receiver.url, key=key)
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert len(system.get("/v1/clinic/webhooks").json["items"]) == 1
    other = system.create(receiver.url)
    assert other.json["webhook_id"] != first.json["webhook_id"]
    assert other.json["secret"] != first.json["secret"]


def test_no_table_holds_a_secret(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    hook = system.hook(receiver.url)
    rotated = system.post(f"{hook.path}/rotate-secret").json["secret"]
    for area in ("accounts", "audit", "outbox"):
        kept = json.dumps(portal.rows(area), default=repr)
        for secret in (hook.secret, rotated):
            assert secret.removeprefix("whsec_") not in kept


def test_webhooks_are_paged_the_newest_first(system: ClinicSystem, receiver: Receiver) -> None:
    made = [system.hook(receiver.url).webhook_id for _ in range(3)]
    first = system.get("/v1/clinic/webhooks?limit=2").json
    second = system.get(f"/v1/clinic/webhooks?limit=2&cursor={first['next_cursor']}").json
    assert [item["webhook_id"] for item in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://elsewhere.example/hook", "webhook_host_not_allowed"),
        ("http://hooks.clinic.example/hook", "webhook_not_https"),
        ("https://user:word@hooks.clinic.example/", "wrong_form"),
        ("https://hooks.clinic.example/#part", "wrong_form"),
        ("not a url", "wrong_form"),
        ("https://169.254.169.254/latest", "webhook_host_not_allowed"),
    ],
)
def test_a_url_that_may_not_be_sent_to_is_refused(system: ClinicSystem, url: str, code: str) -> None:
    with setting("WEBHOOK_HOSTS", "hooks.clinic.example"):
        answer = system.create(url)
    assert answer.status == 422
    assert [(wrong["pointer"], wrong["code"]) for wrong in answer.json["errors"]] == [("/url", code)]
    assert system.get("/v1/clinic/webhooks").json["items"] == []


def test_the_operators_list_says_which_hosts_are_sent_to(system: ClinicSystem, receiver: Receiver) -> None:
    with setting("WEBHOOK_HOSTS", "hooks.clinic.example,other.clinic.example"):
        assert system.create("https://Other.Clinic.example:8443/hook?a=b").status == 201
    with setting("STAGE", "prod"), setting("WEBHOOK_HOSTS", "hooks.clinic.example"):
        # Loopback is for a developer's machine.
        assert system.create(receiver.url).status == 422
        assert system.create(f"https://localhost:{receiver.port}/").status == 422
    with setting("STAGE", "prod"), setting("WEBHOOK_HOSTS", "localhost"):
        assert system.create(f"https://localhost:{receiver.port}/").status == 201


@pytest.mark.parametrize(
    "body", [{}, {"url": 1}, {"url": "https://x.example", "types": ["no.such"]}, {"url": "https://x.example", "id": 1}]
)
def test_a_body_that_is_wrong_is_refused(system: ClinicSystem, body: object) -> None:
    assert system.post("/v1/clinic/webhooks", body).status == 422


def test_there_are_twenty_webhooks_at_most(system: ClinicSystem, receiver: Receiver) -> None:
    answers: list[Answer] = []
    while not answers or answers[-1].status == 201:
        answers.append(system.create(receiver.url))
        assert len(answers) <= MOST_WEBHOOKS + 1
    assert (answers[-1].status, answers[-1].json["code"]) == (409, "webhook_limit_reached")
    assert str(MOST_WEBHOOKS) in answers[-1].json["detail"]
    assert system.call("DELETE", f"/v1/clinic/webhooks/{answers[0].json['webhook_id']}").status == 204
    assert [system.create(receiver.url).status for _ in range(2)] == [201, 409]


def test_anothers_webhook_is_as_one_that_is_missing(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    hook = system.hook(receiver.url)
    happen()
    portal.drain()
    (delivery,) = hook.deliveries("done")
    other = new_system(portal)
    calls = [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/rotate-secret"),
        ("POST", "/replay"),
        ("GET", "/deliveries"),
        ("POST", f"/deliveries/{delivery['delivery_id']}/replay"),
    ]
    for method, rest in calls:
        theirs = other.call(method, f"{hook.path}{rest}")
        missing = other.call(method, f"/v1/clinic/webhooks/whk_{'0' * 26}{rest}")
        assert (theirs.status, missing.status) == (404, 404), (method, rest)
        assert theirs.json["code"] == "not_found"
    assert other.get("/v1/clinic/webhooks").json["items"] == []
    mine = other.hook(receiver.url)
    # A delivery of another webhook is not found under one's own.
    assert other.call("POST", f"{mine.path}/deliveries/{delivery['delivery_id']}/replay").status == 404
    assert hook.status == "active"


def test_every_change_is_in_the_audit(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    with recorded() as calls:
        hook = system.hook(receiver.url)
        system.post(f"{hook.path}/rotate-secret")
        system.post(f"{hook.path}/replay", {})
        system.call("DELETE", hook.path)
    actions = [
        item["Item"]["action"]["S"]
        for call in calls
        for kind, item in call.items
        if kind == "Put" and item["TableName"].endswith("-audit")
    ]
    assert actions == ["webhook:create", "webhook:rotate", "webhook:replay", "webhook:remove"]


# --- sending ----------------------------------------------------------------------------------------------------------


def test_an_event_is_sent_as_it_is_listed_and_signed(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    start, hook = end_of_log(), system.hook(receiver.url)
    person = portal.register()
    portal.drain()
    (event,) = system.events_after(start)
    (request,) = receiver.received
    assert request.event == event
    assert event["patient_id"] == person.patient.patient_id
    assert request.path == "/events?from=portal"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == event["event_id"]
    assert request.is_signed_with(hook.secret, now=clock.now().timestamp())
    assert len(request.headers["webhook-signature"].split(" ")) == 1
    other = system.hook(receiver.url)
    assert not request.is_signed_with(other.secret)


def test_an_altered_message_is_not_signed(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    """The check itself must be able to fail."""
    hook = system.hook(receiver.url)
    happen()
    portal.drain()
    (request,) = receiver.received
    assert request.is_signed_with(hook.secret)
    for changed in (
        {"body": request.body + b" "},
        {"headers": {**request.headers, "webhook-id": "evt_1"}},
        {"headers": {**request.headers, "webhook-timestamp": "1"}},
    ):
        assert not type(request)(**{**vars(request), **changed}).is_signed_with(hook.secret)


def test_a_message_carries_ids_and_nothing_of_the_patient(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    """AC 4."""
    system.hook(receiver.url)
    person = portal.register(
        portal.new_patient(name=[{"use": "official", "given": ["Aurelia"], "family": "Canary"}], birthDate="1950-02-03")
    )
    portal.drain()
    (request,) = receiver.received
    sent = f"{request.path} {request.headers} {request.body.decode()}"
    patient = person.patient
    for secret in (
        "Aurelia",
        "Canary",
        "1950-02-03",
        patient.clinic_number,
        patient.email,
        person.username,
        person.token,
        patient.resource_id,
    ):
        assert secret not in sent
    assert request.event.keys() == {"event_id", "type", "occurred_at", "patient_id", "about"}
    assert request.event["about"].keys() == {"account_id"}


def test_that_a_system_was_told_of_a_patient_is_in_the_audit(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    hook = system.hook(receiver.url)
    patient_id = portal.register().patient.patient_id
    receiver.next.append(status(500))
    portal.drain()
    _wait(system, minutes=10)
    assert len(receiver.received) == 2
    entries = _told_of(portal, patient_id)
    assert [entry["actor_id"]["S"] for entry in entries] == [system.client_id]
    assert json.loads(entries[0]["about"]["S"])["webhook_id"] == hook.webhook_id


def _told_of(portal: Portal, patient_id: str) -> list[Any]:
    """The audit entries of messages about a patient."""
    entries = [row for row in portal.rows("audit") if row["pk"]["S"] == f"patient#{patient_id}"]
    return [entry for entry in entries if entry["action"]["S"] == "webhook:send"]


def test_a_webhook_gets_the_types_that_it_wants(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    with receiving() as everything:
        system.hook(receiver.url, "contact.email.confirmed", "contact.email.removed")
        system.hook(everything.url)
        for kind in ("account.created", "contact.email.confirmed", "account.created"):
            happen(kind=kind)
        portal.drain()
        assert [request.event["type"] for request in receiver.received] == ["contact.email.confirmed"]
        assert len(everything.received) == 3


def test_nothing_is_sent_of_what_happened_before_or_after(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    happen()
    portal.drain()
    hook = system.hook(receiver.url)
    portal.drain()
    assert system.call("DELETE", hook.path).status == 204
    happen()
    portal.drain()
    assert receiver.received == []


def test_what_is_on_its_way_to_a_removed_webhook_is_dropped(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    hook = system.hook(receiver.url)
    receiver.usual = status(500)
    happen()
    portal.drain()
    assert system.call("DELETE", hook.path).status == 204
    _wait(system, hours=1)
    assert len(receiver.received) == 1


# --- trying again -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [500, 404, 429, 302, 401])
def test_a_failure_is_tried_again_under_the_same_id(
    portal: Portal, system: ClinicSystem, receiver: Receiver, failure: int
) -> None:
    hook = system.hook(receiver.url)
    receiver.next += [status(failure), status(failure)]
    happen()
    portal.drain()
    assert len(receiver.received) == 1
    (pending,) = hook.deliveries("pending")
    assert (pending["attempts"], pending["last_status"], pending["last_error"]) == (1, failure, None)
    pause = _time(pending["next_try_at"]) - _time(pending["last_tried_at"])
    assert abs(pause - PAUSES[0]) < timedelta(seconds=1)
    _wait(system, minutes=1)
    assert len(receiver.received) == 2
    _wait(system, minutes=4)
    assert len(receiver.received) == 2
    _wait(system, minutes=2)
    first, second, third = receiver.received
    assert {request.headers["webhook-id"] for request in (first, second, third)} == {pending["event_id"]}
    assert first.headers["webhook-timestamp"] < second.headers["webhook-timestamp"]
    assert all(request.is_signed_with(hook.secret) for request in receiver.received)
    assert hook.counts() == {"pending": 0, "done": 1, "failed": 0}
    (done,) = hook.deliveries("done")
    assert (done["attempts"], done["last_status"], done["next_try_at"]) == (3, 204, None)


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def test_a_receiver_that_asks_for_time_gets_it(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    system.hook(receiver.url)
    receiver.next.append(status(503, retry_after="1200"))
    happen()
    portal.drain()
    _wait(system, minutes=19)
    assert len(receiver.received) == 1
    _wait(system, minutes=2)
    assert len(receiver.received) == 2


def test_after_the_last_try_it_is_a_dead_letter_until_it_is_replayed(
    portal: Portal, system: ClinicSystem, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    hook = system.hook(receiver.url)
    receiver.usual = status(500)
    happen()
    portal.drain()
    for pause in PAUSES:
        assert hook.counts() == {"pending": 1, "done": 0, "failed": 0}
        _wait(system, seconds=pause.total_seconds() + 60)
    assert len(receiver.received) == len(PAUSES) + 1 == 10
    (failed,) = hook.deliveries()
    assert (failed["status"], failed["attempts"], failed["last_status"]) == ("failed", 10, 500)
    assert failed["next_try_at"] is None
    assert '"WebhookFailed":[1.0]' in capfd.readouterr().out
    _wait(system, days=2)
    assert len(receiver.received) == 10
    receiver.usual = status(200)
    replayed = system.call("POST", f"{hook.path}/deliveries/{failed['delivery_id']}/replay")
    assert (replayed.status, replayed.json["status"], replayed.json["attempts"]) == (202, "pending", 0)
    portal.drain()
    assert hook.counts() == {"pending": 0, "done": 1, "failed": 0}
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert len(receiver.received) == 11


def test_nobody_at_the_address_is_a_failure_with_its_reason(portal: Portal, system: ClinicSystem) -> None:
    with receiving() as gone:
        pass
    hook = system.hook(gone.url)
    happen()
    portal.drain()
    (pending,) = hook.deliveries("pending")
    assert (pending["last_status"], pending["last_error"]) == (None, "connection_failed")


def test_a_redirect_leads_nowhere(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        hook = system.hook(receiver.url)
        receiver.usual = status(307, location=elsewhere.url)
        happen()
        portal.drain()
        assert (len(receiver.received), elsewhere.received) == (1, [])
        assert hook.counts() == {"pending": 1, "done": 0, "failed": 0}


def test_a_host_that_the_operator_took_off_the_list_gets_nothing_more(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    hook, patient_id = system.hook(receiver.url), ids.new_id("pat")
    happen(patient_id=patient_id)
    with setting("STAGE", "prod"), setting("WEBHOOK_HOSTS", "hooks.clinic.example"):
        portal.drain()
    (pending,) = hook.deliveries("pending")
    assert pending["last_error"] == "host_not_allowed"
    assert (receiver.received, _told_of(portal, patient_id)) == ([], [])
    _wait(system, minutes=1)
    assert len(receiver.received) == 1
    assert len(_told_of(portal, patient_id)) == 1


def test_on_aws_a_name_of_a_private_address_gets_nothing(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    with setting("STAGE", "prod"), setting("WEBHOOK_HOSTS", "localhost"):
        hook = system.hook(f"https://localhost:{receiver.port}/")
        happen()
        portal.drain()
        (pending,) = hook.deliveries("pending")
        assert pending["last_error"] == "address_not_allowed"
    assert receiver.received == []


def test_a_receiver_that_is_gone_is_sent_nothing_more(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    hook = system.hook(receiver.url)
    receiver.usual = status(410)
    happen()
    portal.drain()
    assert hook.status == "disabled"
    happen(2)
    portal.drain()
    assert len(receiver.received) == 1
    (failed,) = hook.deliveries()
    assert (failed["attempts"], failed["last_status"]) == (1, 410)
    for path, body in ((f"{hook.path}/replay", {}), (f"{hook.path}/deliveries/{failed['delivery_id']}/replay", None)):
        answer = system.post(path, body)
        assert (answer.status, answer.json["code"]) == (409, "webhook_disabled")
    entries = [row for row in portal.rows("audit") if row["action"]["S"] == "webhook:disable"]
    assert hook.webhook_id in json.dumps(entries)


def test_what_was_on_its_way_when_the_receiver_went_is_a_dead_letter(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    hook = system.hook(receiver.url)
    receiver.next += [status(500), status(410)]
    happen(2)
    portal.drain()
    _wait(system, minutes=1)
    assert len(receiver.received) == 2
    assert hook.counts() == {"pending": 0, "done": 0, "failed": 2}
    assert {failed["last_error"] for failed in hook.deliveries()} == {None, "webhook_disabled"}


# --- the secret -------------------------------------------------------------------------------------------------------


def test_after_a_rotation_both_secrets_sign_for_a_day(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    hook = system.hook(receiver.url)
    key = str(uuid.uuid4())
    rotated, again = (system.post(f"{hook.path}/rotate-secret", key=key) for _ in range(2))
    assert (rotated.status, rotated.json) == (201, again.json)
    secret = rotated.json["secret"]
    assert secret != hook.secret
    assert abs(_time(rotated.json["previous_until"]) - clock.now() - timedelta(days=1)) < timedelta(minutes=1)
    happen()
    portal.drain()
    both = receiver.received[-1]
    assert both.is_signed_with(secret)
    assert both.is_signed_with(hook.secret)
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    _wait(system, hours=24)
    happen()
    portal.drain()
    one = receiver.received[-1]
    assert one.is_signed_with(secret)
    assert not one.is_signed_with(hook.secret)


def test_a_second_rotation_ends_the_first_secret(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    hook = system.hook(receiver.url)
    secrets = [hook.secret, *(system.post(f"{hook.path}/rotate-secret").json["secret"] for _ in range(2))]
    happen()
    portal.drain()
    (request,) = receiver.received
    assert [request.is_signed_with(secret) for secret in secrets] == [False, True, True]


# --- replays ----------------------------------------------------------------------------------------------------------


def test_all_that_failed_is_sent_anew(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    hook = system.hook(receiver.url)
    happen(2)
    portal.drain()
    receiver.usual = status(500)
    happen(35)
    portal.drain()
    _have_one_try_left(portal, hook.webhook_id)
    _wait(system, minutes=1)
    assert hook.counts() == {"pending": 0, "done": 2, "failed": 35}
    receiver.usual = status(204)
    before = len(receiver.received)
    assert system.post(f"{hook.path}/replay", {}).status == 202
    portal.drain()
    again = [request.event_id for request in receiver.received[before:]]
    assert len(again) == len(set(again)) == 35
    assert hook.counts() == {"pending": 0, "done": 37, "failed": 0}


def _have_one_try_left(portal: Portal, webhook_id: str) -> None:
    """As if three days of failing were over for all that is on its way to a webhook."""
    for row in portal.rows("outbox"):
        if webhook_id in row["about"]["S"] and row["status"]["S"] == "pending":
            portal.aws.client("dynamodb").update_item(
                TableName=portal.aws.deployed.outputs["OutboxTableName"],
                Key={"pk": row["pk"], "sk": row["sk"]},
                UpdateExpression="SET attempts = :all_but_one",
                ExpressionAttributeValues={":all_but_one": {"N": str(len(PAUSES))}},
            )


def test_events_from_one_on_are_sent_anew(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    start = end_of_log()
    happen(34, kind="contact.email.confirmed")
    happen(3)
    portal.drain()
    happened = [event["event_id"] for event in system.events_after(start)]
    hook = system.hook(receiver.url, "contact.email.confirmed")
    assert system.post(f"{hook.path}/replay", {"from_event": happened[3]}).status == 202
    portal.drain()
    assert sorted(request.event_id for request in receiver.received) == happened[3:34]
    # Once more: all of them again, each under its own id.
    assert system.post(f"{hook.path}/replay", {"from_event": happened[32]}).status == 202
    portal.drain()
    assert sorted(request.event_id for request in receiver.received[31:]) == happened[32:34]
    assert hook.counts() == {"pending": 0, "done": 31, "failed": 0}


def test_a_replay_sends_nothing_twice_that_is_on_its_way(
    portal: Portal, system: ClinicSystem, receiver: Receiver
) -> None:
    start, hook = end_of_log(), system.hook(receiver.url)
    receiver.next.append(status(500))
    happen(2)
    portal.drain()
    first = system.events_after(start)[0]["event_id"]
    (pending,) = hook.deliveries("pending")
    same = system.call("POST", f"{hook.path}/deliveries/{pending['delivery_id']}/replay")
    assert (same.status, same.json) == (202, pending)
    assert system.post(f"{hook.path}/replay", {"from_event": first}).status == 202
    portal.drain()
    # The one that was taken is sent again; the one that waits for its next try goes on waiting.
    assert len(receiver.received) == 3
    _wait(system, minutes=1)
    assert len(receiver.received) == 4
    assert hook.counts() == {"pending": 0, "done": 2, "failed": 0}


def test_a_repeated_request_replays_once(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    start, hook = end_of_log(), system.hook(receiver.url)
    happen(1)
    portal.drain()
    (event,) = system.events_after(start)
    key = str(uuid.uuid4())
    for _ in range(3):
        assert system.post(f"{hook.path}/replay", {"from_event": event["event_id"]}, key=key).status == 202
        portal.drain()
    assert len(receiver.received) == 2


def test_a_replay_from_what_is_not_there_is_refused(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    start, hook = end_of_log(), system.hook(receiver.url)
    happen(1)
    portal.drain()
    (event,) = system.events_after(start)
    for unknown in ("evt_" + "Z" * 26, "evt_" + "0" * 26):
        answer = system.post(f"{hook.path}/replay", {"from_event": unknown})
        assert answer.status == 422
        assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [("/from_event", "event_unknown")]
    let_the_log_expire(portal)
    system.renew()
    answer = system.post(f"{hook.path}/replay", {"from_event": event["event_id"]})
    assert (answer.status, answer.json["code"]) == (410, "events_expired")
    (delivery,) = [row for row in portal.rows("accounts") if row["pk"]["S"] == hook.webhook_id]
    answer = system.call("POST", f"{hook.path}/deliveries/{delivery['delivery_id']['S']}/replay")
    assert answer.status == 404
    assert hook.deliveries("done") == []


def test_deliveries_are_paged_the_newest_event_first(portal: Portal, system: ClinicSystem, receiver: Receiver) -> None:
    start, hook = end_of_log(), system.hook(receiver.url)
    happen(5)
    portal.drain()
    happened = [event["event_id"] for event in system.events_after(start)]
    path, seen = f"{hook.path}/deliveries?status=done&limit=2", []
    answer = system.get(path)
    for _ in range(2):
        seen += [item["event_id"] for item in answer.json["items"]]
        answer = system.get(f"{path}&cursor={answer.json['next_cursor']}")
    seen += [item["event_id"] for item in answer.json["items"]]
    assert answer.json["next_cursor"] is None
    assert seen == happened[::-1]
    cursor = system.get(path).json["next_cursor"]
    assert system.get(f"{hook.path}/deliveries?status=failed&limit=2&cursor={cursor}").status == 400

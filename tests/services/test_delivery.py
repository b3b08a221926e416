"""The outbox from end to end: relay, worker, schedule (mechanism 5; DL 1, 2 and 4, AP 5 as far as they exist)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.clients import files, keys, queues
from chalicelib.clients.aws import Retryable
from chalicelib.domain.notices import Topic
from chalicelib.models import outbox
from chalicelib.services import delivery
from infra.local.lambda_proxy import LambdaContext
from infra.redrive import Redrive
from tests.support.aws_calls import AwsCall, failing, recorded, refused, unreachable
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.routes import Somebody, link_of, somebody


def _is_email(call: AwsCall) -> bool:
    return call.service == "sesv2"


def _waiting(portal: Portal) -> tuple[Person, str]:
    """Somebody whose confirmation is addressed and not yet sent, and the id of its message's row."""
    portal.drain()
    person = portal.register()
    (event,) = _rows(portal, person, "notices")
    assert portal.app.address_notices(_message(event["pk"]["S"]), LambdaContext("address_notices")) == _ALL_DONE
    (row,) = _rows(portal, person, "email")
    return person, row["pk"]["S"]


_ALL_DONE: dict[str, Any] = {"batchItemFailures": []}


def _rows(portal: Portal, person: Person, topic: str) -> list[dict[str, Any]]:
    own = [row for row in portal.rows("outbox") if row.get("account_id", {}).get("S") == _account_id(person)]
    return [row for row in own if row["topic"]["S"] == topic]


def _shown(portal: Portal, person: Person) -> str:
    """What the portal's own copy says of the email."""
    (notice,) = person.get("/v1/me/notices").json["items"]
    (channel,) = notice["channels"]
    assert channel["channel"] == "email"
    status: str = channel["status"]
    return status


def _later(portal: Portal) -> None:
    """The schedule, once the first pause after a failure is over."""
    portal.advance(seconds=20)
    delivery.sweep()
    portal.drain()


def _account_id(person: Person) -> str:
    account_id: str = person.session["account"]["account_id"]
    return account_id


def _status(portal: Portal, row_id: str) -> str:
    (row,) = [row for row in portal.rows("outbox") if row["pk"]["S"] == row_id]
    status: str = row["status"]["S"]
    return status


def _emails(portal: Portal, person: Person) -> int:
    return len([email for email in portal.aws.sent_emails() if person.patient.email in email.to])


def _message(*row_ids: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m-{row_id}", "body": json.dumps({"id": row_id})} for row_id in row_ids]}


def _deliver(portal: Portal, *row_ids: str) -> list[str]:
    answer = portal.app.deliver_email(_message(*row_ids), LambdaContext("deliver_email"))
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def _queued(calls: list[AwsCall]) -> list[str]:
    return [
        json.loads(entry["MessageBody"])["id"]
        for call in calls
        if call.operation == "SendMessageBatch"
        for entry in call.params["Entries"]
    ]


def test_the_same_message_twice_is_one_email(portal: Portal) -> None:
    person, row_id = _waiting(portal)
    assert _deliver(portal, row_id, row_id) == []
    assert _deliver(portal, row_id) == []
    assert _emails(portal, person) == 1
    assert _status(portal, row_id) == "done"


def test_two_workers_with_the_same_message_at_the_same_moment_send_one_email(portal: Portal) -> None:
    person, row_id = _waiting(portal)
    others: list[str] = []

    def meanwhile(call: AwsCall) -> bool:
        if _is_email(call) and not others:
            others.append("running")
            assert _deliver(portal, row_id) == []
        return False

    with failing(meanwhile, unreachable()):
        assert _deliver(portal, row_id) == []
    assert others
    assert _emails(portal, person) == 1


@pytest.mark.promise
def test_a_crash_between_sending_and_noting_it_sends_once_more_at_most(portal: Portal, promise: Promise) -> None:
    """DL 3: at most one duplicate per crash."""
    person, row_id = _waiting(portal)
    with failing(lambda call: call.service == "dynamodb" and _emails(portal, person) == 1, unreachable()):
        assert _deliver(portal, row_id) == [f"m-{row_id}"]
    for _ in range(3):
        _deliver(portal, row_id)
    assert _status(portal, row_id) == "pending"
    portal.advance(minutes=3)
    delivery.sweep()
    portal.drain()
    assert _status(portal, row_id) == "done"
    sent = _emails(portal, person)
    promise(
        "DL 3", "one crash after SES took the message: emails", asked="1 or 2", measured=sent, passed=sent in {1, 2}
    )


def test_where_ses_is_down_nothing_is_lost_and_the_record_can_be_read(portal: Portal, promise: Promise) -> None:
    """AP 5."""
    with failing(_is_email, unreachable()) as failed:
        person, row_id = _waiting(portal)
        for _ in range(3):
            # The message is done with; the row remembers.
            assert _deliver(portal, row_id) == []
        promise(
            "AP 5", "SES down, one's record: status", asked=200, measured=person.get("/v1/patients/me/records").status
        )
        assert portal.sign_in(person.username).status == 201
    assert len(failed) >= 3
    assert _status(portal, row_id) == "pending"
    portal.advance(minutes=3)
    assert delivery.sweep() >= 1
    portal.drain()
    # The one that waited, and that of the new device which has signed in meanwhile.
    assert (_status(portal, row_id), _emails(portal, person)) == ("done", 2)


@pytest.mark.parametrize(
    "code",
    [
        "TooManyRequestsException",
        "LimitExceededException",
        "AccountSuspendedException",
        "SendingPausedException",
        "AccessDeniedException",
    ],
)
def test_what_a_person_or_time_can_mend_is_tried_again(portal: Portal, code: str) -> None:
    person, row_id = _waiting(portal)
    with failing(_is_email, refused(code)):
        assert _deliver(portal, row_id) == []
    assert (_status(portal, row_id), _shown(portal, person)) == ("pending", "queued")
    _later(portal)
    assert (_status(portal, row_id), _shown(portal, person), _emails(portal, person)) == ("done", "sent", 1)


def test_the_pause_after_a_failure_doubles_up_to_a_quarter_of_an_hour(portal: Portal) -> None:
    _, row_id = _waiting(portal)
    pauses = []
    with failing(_is_email, unreachable()), clock.frozen(clock.now()):
        for _ in range(12):
            assert _deliver(portal, row_id) == []
            row = outbox.find(row_id)
            assert row is not None
            pauses.append((clock.read_stamp(row.due_at) - clock.now()).total_seconds())
    expected = [min(15 * 2**tries, 900) for tries in range(12)]
    assert all(0.79 * asked <= pause <= 1.21 * asked for pause, asked in zip(pauses, expected, strict=True)), pauses
    portal.drain()


def test_a_bug_gives_the_message_back_and_frees_the_row(portal: Portal) -> None:
    person, row_id = _waiting(portal)
    with failing(_is_email, KeyError("a bug")):
        assert _deliver(portal, row_id) == [f"m-{row_id}"]
    assert _deliver(portal, row_id) == []
    assert _emails(portal, person) == 1


def test_what_ses_refuses_for_good_is_dropped_and_logged_without_data(
    portal: Portal, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    person, row_id = _waiting(portal)
    caplog.clear()
    words = f"Address {person.patient.email} is not deliverable"
    with failing(_is_email, refused("BadRequestException", message=words)):
        assert _deliver(portal, row_id) == []
    assert (_status(portal, row_id), _shown(portal, person)) == ("failed", "failed")
    logged = capfd.readouterr().out + repr([vars(record) for record in caplog.records])
    assert person.patient.email not in logged
    assert "notice.refused" in [record.message for record in caplog.records]
    assert row_id in logged
    assert '"NoticeRefused":[1.0]' in logged


def _confirmed(portal: Portal, person: Person) -> None:
    """The patient confirms from the first email; a second one is still on its way."""
    token = link_of(portal, Somebody(person, ""))
    asked = {"token": token, "date_of_birth": person.patient.date_of_birth}
    assert portal.call("POST", "/v1/email-verifications", asked).status == 204


def _expired(portal: Portal, person: Person) -> None:
    portal.advance(days=30)


def _disabled(portal: Portal, person: Person) -> None:
    table = portal.aws.deployed.outputs["AccountsTableName"]
    portal.aws.client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": _account_id(person)}, "sk": {"S": "principal"}},
        UpdateExpression="SET disabled = :true",
        ExpressionAttributeValues={":true": {"BOOL": True}},
    )


@pytest.mark.parametrize("meanwhile", [_expired, _disabled])
def test_a_notice_that_is_no_longer_true_is_never_sent(
    portal: Portal, meanwhile: Callable[[Portal, Person], None]
) -> None:
    person, row_id = _waiting(portal)
    meanwhile(portal, person)
    assert _deliver(portal, row_id) == []
    assert (_status(portal, row_id), _emails(portal, person)) == ("dropped", 0)


def test_an_address_that_is_confirmed_meanwhile_is_not_asked_again(portal: Portal) -> None:
    person, row_id = _waiting(portal)
    portal.drain()
    _confirmed(portal, person)
    (sent,) = [row for row in portal.rows("outbox") if row["pk"]["S"] == row_id]
    # The same notice once more, as if the row had been written just before the link was used.
    again_id = row_id[:-1] + ("0" if row_id[-1] != "0" else "1")
    again = {**sent, "pk": {"S": again_id}, "status": {"S": "pending"}, "claimed_until": {"S": "2020"}}
    portal.aws.client("dynamodb").put_item(TableName=portal.aws.deployed.outputs["OutboxTableName"], Item=again)
    assert _deliver(portal, again_id) == []
    assert (_status(portal, again_id), _emails(portal, person)) == ("dropped", 1)


@pytest.mark.promise
def test_a_poison_message_goes_to_the_dead_letters_alone_and_redrive_restores_it(
    portal: Portal, promise: Promise
) -> None:
    """DL 4."""
    portal.drain()
    _forget_dead_letters(portal, "email")
    poison, row_id = _waiting(portal)
    with failing(lambda call: _is_email(call) and poison.patient.email in json.dumps(call.params), KeyError("a bug")):
        others = [portal.register() for _ in range(12)]
        portal.drain()
    promise(
        "DL 4",
        "12 messages beside a poison one: sent",
        asked=12,
        measured=sum(_emails(portal, other) for other in others),
    )
    dead = _dead_letters(portal, "email")
    promise("DL 4", "in the dead-letter queue", asked=1, measured=len(dead))
    assert [json.loads(body) for body in dead] == [{"id": row_id}]
    assert (_status(portal, row_id), _emails(portal, poison)) == ("pending", 0)
    Redrive(portal.aws.client("sqs"), portal.aws.deployed.outputs["Stack"], poll_seconds=0.01).run("email")
    portal.drain()
    promise("DL 4", "after the redrive: emails of the poison message", asked=1, measured=_emails(portal, poison))
    assert _dead_letters(portal, "email") == []


def test_a_message_that_is_no_message_goes_to_the_dead_letters_alone(portal: Portal) -> None:
    portal.drain()
    _forget_dead_letters(portal, "email")
    url = portal.aws.deployed.outputs["EmailQueueUrl"]
    people = [portal.register() for _ in range(2)]
    portal.aws.client("sqs").send_message(QueueUrl=url, MessageBody='{"no": "id"}')
    portal.drain()
    assert [_emails(portal, person) for person in people] == [1, 1]
    assert _dead_letters(portal, "email", remove=True) == ['{"no": "id"}']


def _forget_dead_letters(portal: Portal, topic: str) -> None:
    """What other tests broke on purpose is theirs."""
    while _dead_letters(portal, topic, remove=True):
        pass


def _dead_letters(portal: Portal, topic: str, *, remove: bool = False) -> list[str]:
    sqs = portal.aws.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{portal.aws.deployed.outputs['Stack']}-{topic}-dlq")["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    for message in found if remove else ():
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in found]


def test_an_outbox_row_that_nobody_understands_holds_up_nobody(portal: Portal) -> None:
    good, poison = "out_" + "1" * 26, "out_" + "2" * 26
    records = [
        {
            "eventName": "INSERT",
            "dynamodb": {"SequenceNumber": number, "NewImage": {"pk": {"S": pk}, "topic": {"S": topic}}},
        }
        for number, pk, topic in (("1", good, "email"), ("2", poison, "carrier pigeon"))
    ]
    records += [{"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "3", "NewImage": {"pk": {"S": good}}}}]
    event = {"Records": [{**record, "eventSourceARN": "arn"} for record in records]}
    with recorded() as calls:
        answer = portal.app.relay_outbox(event, LambdaContext("relay_outbox"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert _queued(calls) == [good]


def test_what_a_queue_did_not_take_comes_again_and_the_rest_does_not(portal: Portal) -> None:
    rows = [(f"out_{number:026d}", Topic.EMAIL) for number in range(25)] + [("out_" + "R" * 26, Topic.REFERENCES)]
    with failing(lambda call: "0010" in json.dumps(call.params), unreachable()), recorded() as calls:
        left = delivery.relay(rows)
    assert left == [row_id for row_id, _ in rows[10:20]]
    assert set(_queued(calls)) >= {row_id for row_id, _ in rows if row_id not in left}


def test_a_single_entry_that_sqs_refuses_is_left_alone(portal: Portal) -> None:
    too_long = "out_" + "9" * 1_100_000
    left = queues.send_ids(portal.aws.deployed.outputs["EmailQueueUrl"], [too_long])
    assert left == [too_long]


def test_the_schedule_takes_up_what_is_pending_over_two_minutes(portal: Portal) -> None:
    """DL 2."""
    person, row_id = _waiting(portal)
    with recorded() as calls:
        delivery.sweep()
    assert row_id not in _queued(calls)
    portal.advance(seconds=119)
    with recorded() as calls:
        delivery.sweep()
    assert row_id not in _queued(calls)
    portal.advance(seconds=2)
    with recorded() as calls:
        assert delivery.sweep() >= 1
    assert row_id in _queued(calls)
    portal.drain()
    assert (_status(portal, row_id), _emails(portal, person)) == ("done", 1)


@pytest.mark.promise
def test_a_day_without_ses_queues_each_row_a_few_times_and_loses_none(portal: Portal, promise: Promise) -> None:
    """DL 2: the pause doubles up to an hour, so that an outage does not bury the queue."""
    person, row_id = _waiting(portal)
    queued = 0
    for _ in range(24 * 3):
        portal.advance(minutes=20)
        with recorded() as calls:
            delivery.sweep()
        queued += _queued(calls).count(row_id)
    promise(
        "DL 2",
        "a day's outage: times that a row is queued again",
        asked="1 to 30",
        measured=queued,
        passed=1 <= queued <= 30,
    )
    portal.drain()
    promise("DL 2", "a day's outage: emails after it", asked=1, measured=_emails(portal, person))


def test_the_schedule_passes_by_a_row_that_nobody_understands(portal: Portal) -> None:
    _, row_id = _waiting(portal)
    item = next(row for row in portal.rows("outbox") if row["pk"]["S"] == row_id)
    poison = {**item, "pk": {"S": "out_" + "7" * 26}, "topic": {"S": "carrier pigeon"}}
    table = portal.aws.deployed.outputs["OutboxTableName"]
    portal.aws.client("dynamodb").put_item(TableName=table, Item=poison)
    try:
        portal.advance(minutes=3)
        with recorded() as calls:
            delivery.sweep()
        assert row_id in _queued(calls)
        assert poison["pk"]["S"] not in _queued(calls)
    finally:
        portal.aws.client("dynamodb").delete_item(TableName=table, Key={"pk": poison["pk"], "sk": poison["sk"]})
        portal.drain()


def test_a_settled_row_is_never_taken_up_again(portal: Portal) -> None:
    _, row_id = _waiting(portal)
    portal.drain()
    row = outbox.find(row_id)
    assert row is not None
    outbox.postpone(row, is_queued=True)
    assert not outbox.claim(row)
    portal.advance(days=1)
    assert row_id not in [due.pk for due in outbox.find_due()]


def test_once_the_root_key_is_known_secrets_manager_may_be_down(portal: Portal) -> None:
    """AP 5."""
    me = somebody(portal)
    with failing(lambda call: call.service == "secretsmanager", unreachable()) as failed:
        assert me.person.get("/v1/patients/me/records").status == 200
        assert failed == []
        keys.forget()
        # A function that starts during the outage has no key yet: it says so, and when to come again.
        answer = portal.sign_in(me.person.username)
        assert answer.status == 503
        assert answer.header("retry-after")
        assert len(failed) == 1
    assert portal.sign_in(me.person.username).status == 201


def test_an_aws_error_is_retryable_unless_the_request_itself_is_wrong(portal: Portal) -> None:
    with failing(lambda call: call.service == "s3", refused("SlowDown")), pytest.raises(Retryable) as slow:
        files.get_record("some/key")
    assert slow.value.reason == "SlowDown"

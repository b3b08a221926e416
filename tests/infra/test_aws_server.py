"""The embedded AWS as a server of its own: every service that the portal uses, and it outlives its clients."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.settings import settings
from infra.local.remote_aws import RemoteAws
from tests.support.aws_process import aws_process
from tests.support.crowd import at_once
from tests.support.program import PROJECT

SENDER = "portal@sample-clinic.example"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with aws_process() as found:
        yield found


@pytest.fixture
def aws(url: str) -> RemoteAws:
    remote = RemoteAws(url)
    remote.wipe()
    return remote


def _table(aws: RemoteAws, area: str = "accounts") -> str:
    return aws.deployed.named(area).name


def _put(aws: RemoteAws, name: str, area: str = "accounts") -> None:
    item = {"pk": {"S": name}, "sk": {"S": name}}
    aws.client("dynamodb").put_item(TableName=_table(aws, area), Item=item)


def _send_email(aws: RemoteAws, subject: str) -> str:
    sent: str = aws.client("sesv2").send_email(
        FromEmailAddress=SENDER,
        Destination={"ToAddresses": ["ana@example.com"]},
        Content={"Simple": {"Subject": {"Data": subject}, "Body": {"Text": {"Data": "Grüße"}}}},
    )["MessageId"]
    return sent


def _get(address: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def test_rows_transactions_and_their_stream_are_served(aws: RemoteAws) -> None:
    dynamodb, streams = aws.client("dynamodb"), aws.client("dynamodbstreams")
    puts = [{"Put": {"TableName": _table(aws, "outbox"), "Item": {"pk": {"S": n}, "sk": {"S": n}}}} for n in "ab"]
    dynamodb.transact_write_items(TransactItems=puts, ClientRequestToken="once")
    dynamodb.transact_write_items(TransactItems=puts, ClientRequestToken="once")
    arn = aws.deployed.outputs["OutboxStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    place = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    records = streams.get_records(ShardIterator=streams.get_shard_iterator(**place)["ShardIterator"])["Records"]
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in records] == ["a", "b"]


def test_of_200_bookings_at_once_one_is_made(aws: RemoteAws) -> None:
    """The lock and the transactions are those of the AWS in one process, over many connections."""
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    clients = [boto3.client("dynamodb", **_plain(aws)) for _ in range(4)]

    def book(number: int) -> str:
        puts = [
            {"Put": {"TableName": _table(aws), "Item": {"pk": {"S": name}, "sk": {"S": "x"}}, **condition}}
            for name in ("slot", f"booking-{number}")
        ]
        try:
            clients[number % len(clients)].transact_write_items(TransactItems=puts)
        except ClientError as refused:
            return str(refused.response["Error"]["Code"])
        return "booked"

    found = at_once(200, book)
    assert {code: found.count(code) for code in set(found)} == {"booked": 1, "TransactionCanceledException": 199}
    assert aws.client("dynamodb").scan(TableName=_table(aws))["Count"] == 2


def _plain(aws: RemoteAws) -> dict[str, Any]:
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=100)
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    endpoint = aws.variables["AWS_ENDPOINT_URL"]
    return {"endpoint_url": endpoint, "region_name": "us-east-1", "config": config, **keys}


def test_a_burst_of_500_connections_loses_none(url: str) -> None:
    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(lambda _: _get(f"{url}/_portal/environment.json")[0], range(500)))
    assert statuses == [HTTPStatus.OK] * 500


def test_queues_are_reached_at_the_urls_that_the_portal_is_given(aws: RemoteAws) -> None:
    sqs, queue = aws.client("sqs"), aws.variables["QUEUE_EMAIL_URL"]
    assert queue.startswith(aws.variables["AWS_ENDPOINT_URL"])
    assert queue == aws.deployed.outputs["EmailQueueUrl"] == aws.deployed.named("email").ref
    assert queue == sqs.get_queue_url(QueueName=aws.deployed.named("email").name)["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="body")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "body"
    assert "Messages" not in sqs.receive_message(QueueUrl=aws.variables["QUEUE_REFERENCES_URL"])


def test_what_a_dead_worker_took_comes_back_when_its_time_is_over_and_what_was_done_does_not(aws: RemoteAws) -> None:
    sqs, queue = aws.client("sqs"), aws.variables["QUEUE_EMAIL_URL"]
    for body in ("done", "taken"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    taken = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    (done,) = [message for message in taken if message["Body"] == "done"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=done["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert aws.end_visibility_timeouts() == 1
    time.sleep(0.005)
    again = sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert [(m["Body"], m["Attributes"]["ApproximateReceiveCount"]) for m in again] == [("taken", "2")]


def test_sent_messages_are_known_with_order_and_id(aws: RemoteAws) -> None:
    sns = aws.client("sns")
    ids = [_send_email(aws, "First"), _send_email(aws, "Second")]
    text_id = sns.publish(PhoneNumber="+13125550123", Message="text")["MessageId"]
    endpoint = sns.create_platform_endpoint(
        PlatformApplicationArn=aws.variables["PUSH_ANDROID_ARN"], Token="token of a phone"
    )["EndpointArn"]
    push_id = sns.publish(TargetArn=endpoint, Message="push")["MessageId"]
    emails = aws.sent_emails()
    assert [(sent.order, sent.message_id, sent.subject) for sent in emails] == [
        (1, ids[0], "First"),
        (2, ids[1], "Second"),
    ]
    assert (emails[0].to, emails[0].text) == (("ana@example.com",), "Grüße")
    assert [(sent.order, sent.message_id, sent.to) for sent in aws.sent_sms()] == [(1, text_id, "+13125550123")]
    assert [(sent.order, sent.message_id, sent.token) for sent in aws.sent_pushes()] == [
        (1, push_id, "token of a phone")
    ]


def test_objects_are_served_and_so_are_links_to_them(aws: RemoteAws) -> None:
    bucket, keys = aws.variables["RECORDS_BUCKET"], {"aws_access_key_id": aws.variables["AWS_ACCESS_KEY_ID"]}
    aws.client("s3").put_object(Bucket=bucket, Key="raw/ä b", Body=b"1.50")
    assert aws.client("s3").get_object(Bucket=bucket, Key="raw/ä b")["Body"].read() == b"1.50"
    presigner = boto3.client(
        "s3",
        endpoint_url=aws.variables["S3_PUBLIC_ENDPOINT"],
        region_name="us-east-1",
        aws_secret_access_key=aws.variables["AWS_SECRET_ACCESS_KEY"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        **keys,
    )
    link = presigner.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "raw/ä b"}, ExpiresIn=60)
    assert _get(link) == (HTTPStatus.OK, b"1.50")


def test_the_root_key_and_the_data_key_are_served(aws: RemoteAws) -> None:
    kms, key = aws.client("kms"), aws.deployed.outputs["DataKeyArn"]
    secret = aws.client("secretsmanager").get_secret_value(SecretId=aws.variables["ROOT_KEY_SECRET"])["SecretString"]
    assert len(secret) == 64
    sealed = kms.encrypt(KeyId=key, Plaintext=b"plain")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"plain"


def test_wiping_empties_it(aws: RemoteAws) -> None:
    _put(aws, "row")
    _send_email(aws, "Subject")
    aws.client("sqs").send_message(QueueUrl=aws.variables["QUEUE_EMAIL_URL"], MessageBody="x")
    aws.wipe()
    assert aws.client("dynamodb").scan(TableName=_table(aws))["Count"] == 0
    assert aws.sent_emails() == []
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=aws.variables["QUEUE_EMAIL_URL"])


def test_a_portal_is_led_to_it_and_not_to_the_developers_own_account(
    aws: RemoteAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "my-own")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://sqs.example")
    monkeypatch.setenv("STACK", "before")
    with aws:
        assert "AWS_PROFILE" not in os.environ
        assert boto3.client("sqs").meta.endpoint_url == aws.variables["AWS_ENDPOINT_URL"]
        assert settings().queue_url("email") == aws.variables["QUEUE_EMAIL_URL"]
        assert settings().stack == "portal-local"
    assert os.environ["AWS_PROFILE"] == "my-own"
    assert os.environ["STACK"] == settings().stack == "before"
    # What was read of this test's environment is not the next test's.
    settings.cache_clear()


@pytest.mark.parametrize(("path", "status"), [("unknown.json", 404), ("wipe", 404)])
def test_what_is_not_its_own_answer_is_not_found(url: str, path: str, status: int) -> None:
    assert _get(f"{url}/_portal/{path}") == (status, b"null")


def test_where_nothing_serves_it_says_so() -> None:
    with pytest.raises(OSError, match="refused"):
        RemoteAws("http://127.0.0.1:9")


_PORTAL = """
import sys
from infra.local.remote_aws import RemoteAws
with RemoteAws(sys.argv[1]) as aws:
    from tests.support.portal import Portal
    person = Portal(aws).register()
    print("registered", person.username, person.patient.email, flush=True)
    sys.stdin.read()
"""

_SIGN_IN = """
import sys
from infra.local.remote_aws import RemoteAws
with RemoteAws(sys.argv[1]) as aws:
    from tests.support.portal import Portal
    portal = Portal(aws)
    print(portal.sign_in(sys.argv[2]).status, [len(portal.emails(sys.argv[3]))])
"""


def test_what_ends_the_portals_process_does_not_end_its_database(url: str, aws: RemoteAws, tmp_path: Path) -> None:
    """Killed before its outbox was looked at: another process signs the patient in and sends the email."""
    command = [sys.executable, "-c", _PORTAL, url]
    pipe = subprocess.PIPE
    with (tmp_path / "log").open("w") as log:
        with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=log, text=True) as portal:
            assert portal.stdout is not None
            username, email = next(line.split()[1:] for line in portal.stdout if line.startswith("registered "))
            portal.kill()
        assert portal.returncode == -signal.SIGKILL
        assert aws.sent_emails() == []
        command = [sys.executable, "-c", _SIGN_IN, url, username, email]
        found = subprocess.run(command, cwd=PROJECT, stdout=pipe, stderr=log, text=True, check=True).stdout
    # The one that waited, and that of the device which was new to the account.
    assert found.splitlines()[-1] == "201 [2]"
    assert [sent.to for sent in aws.sent_emails()] == [(email,)] * 2


def test_a_port_that_is_taken_is_named(url: str) -> None:
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "infra.local.aws_server", "--port", port]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert f"Port {port} is in use" in ended.stderr
    assert json.loads(_get(f"{url}/_portal/environment.json")[1])["STACK"] == "portal-local"

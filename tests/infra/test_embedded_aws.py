"""The embedded AWS as the runner and the tests use it: starting, stopping, links, mail, what outlives a restart."""

import email.message
import os
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.settings import settings
from infra.local.aws import EmbeddedAws
from infra.local.moto_process import NotLoopback

SENDER = "portal@sample-clinic.example"


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture
def aws(running: EmbeddedAws) -> EmbeddedAws:
    running.wipe()
    return running


def _bucket(aws: EmbeddedAws) -> str:
    return aws.deployed.outputs["RecordsBucketName"]


def _put(aws: EmbeddedAws, area: str, name: str) -> None:
    item = {"pk": {"S": name}, "sk": {"S": name}}
    aws.client("dynamodb").put_item(TableName=f"portal-local-{area}", Item=item)


def _count(aws: EmbeddedAws, area: str) -> int:
    count: int = aws.client("dynamodb").scan(TableName=f"portal-local-{area}")["Count"]
    return count


def test_the_portals_settings_are_those_of_the_data_stack(aws: EmbeddedAws) -> None:
    outputs = aws.deployed.outputs
    topics = (
        *("notices", "email", "sms", "push", "events", "webhooks", "references", "exports", "purges", "imports"),
        "uploads",
        "pictures",
    )
    urls = {topic: outputs[f"{topic.capitalize()}QueueUrl"] for topic in topics}
    assert {topic: settings().queue_url(topic) for topic in topics} == urls
    assert len(set(urls.values())) == len(topics)
    assert settings().feedback_topic_arn == outputs["FeedbackTopicArn"]
    assert settings().email_configuration_set == outputs["EmailConfigurationSet"]
    assert settings().webhook_hosts == {"127.0.0.1", "localhost"}
    assert settings().records_bucket == outputs["RecordsBucketName"]
    assert settings().quarantine_bucket == outputs["QuarantineBucketName"]
    assert settings().imports_bucket == outputs["ImportsBucketName"]
    assert settings().root_key_secret == outputs["RootKeySecretName"]
    assert settings().email_sender == SENDER
    assert settings().table("accounts") == outputs["AccountsTableName"]
    assert (settings().s3_public_endpoint or "").startswith("http://127.0.0.1:")


def test_nothing_of_the_developers_own_account_is_read_and_it_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "my-own")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://sqs.example")
    monkeypatch.setenv("STACK", "before")
    with EmbeddedAws(stack="inner") as aws:
        assert "AWS_PROFILE" not in os.environ
        assert aws.client("sqs").meta.endpoint_url == "https://sqs.us-east-1.amazonaws.com"
        assert os.environ["STACK"] == settings().stack == "inner"
    assert os.environ["AWS_PROFILE"] == "my-own"
    assert os.environ["STACK"] == settings().stack == "before"
    # What was read of this test's environment is not the next test's.
    settings.cache_clear()


def test_one_inside_another_hides_it_until_it_stops(aws: EmbeddedAws) -> None:
    _put(aws, "accounts", "outer")
    aws.client("s3").put_object(Bucket=_bucket(aws), Key="outer", Body=b"outer")
    aws.client("sesv2").send_email(**_simple("Outer"))
    with EmbeddedAws() as inner:
        assert _count(inner, "accounts") == 0
        assert inner.sent_emails() == []
    assert _count(aws, "accounts") == 1
    assert aws.client("s3").get_object(Bucket=_bucket(aws), Key="outer")["Body"].read() == b"outer"
    assert [sent.subject for sent in aws.sent_emails()] == ["Outer"]


def test_a_service_that_is_not_embedded_is_refused_and_never_called(aws: EmbeddedAws) -> None:
    client = boto3.client("s3", endpoint_url="https://storage.elsewhere.example")
    with pytest.raises(NotLoopback, match=r"storage\.elsewhere\.example"):
        client.list_buckets()


def test_a_stopped_one_says_so() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ = EmbeddedAws().deployed


def test_wiping_empties_rows_objects_queues_and_mail_and_keeps_the_root_key(aws: EmbeddedAws) -> None:
    secret = aws.client("secretsmanager").get_secret_value(SecretId="portal-local-root-key")["SecretString"]
    queue = aws.deployed.outputs["EmailQueueUrl"]
    for area in ("accounts", "patients", "audit", "outbox"):
        _put(aws, area, "row")
    aws.client("s3").put_object(Bucket=_bucket(aws), Key="object", Body=b"x")
    aws.client("sqs").send_message(QueueUrl=queue, MessageBody="x")
    aws.client("sesv2").send_email(**_simple("Subject"))
    aws.client("sns").publish(PhoneNumber="+13125550123", Message="x")
    aws.wipe()
    assert [_count(aws, area) for area in ("accounts", "patients", "audit", "outbox")] == [0, 0, 0, 0]
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=_bucket(aws))
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=queue)
    assert aws.sent_emails() == []
    assert aws.sent_sms() == []
    assert aws.client("secretsmanager").get_secret_value(SecretId="portal-local-root-key")["SecretString"] == secret


def test_a_stream_iterator_from_before_a_wipe_gives_what_comes_after_it(aws: EmbeddedAws) -> None:
    streams, arn = aws.client("dynamodbstreams"), aws.deployed.outputs["OutboxStreamArn"]
    _put(aws, "outbox", "before")
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    open_iterators = [
        streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind)["ShardIterator"]
        for kind in ("TRIM_HORIZON", "LATEST")
    ]
    aws.wipe()
    _put(aws, "outbox", "after")
    for iterator in open_iterators:
        records = streams.get_records(ShardIterator=iterator)["Records"]
        assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in records] == ["after"]


def test_iterators_of_a_long_poll_do_not_pile_up(aws: EmbeddedAws) -> None:
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.dynamodbstreams.models import dynamodbstreams_backends

    streams, arn = aws.client("dynamodbstreams"), aws.deployed.outputs["OutboxStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    first = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
    backend = dynamodbstreams_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
    for _ in range(1_200):
        first = backend.get_records(first, 1)["NextShardIterator"]
    assert len(backend.shard_iterators) <= 1_000


def _simple(subject: str, **body: str) -> dict[str, Any]:
    bodies = {kind: {"Data": text} for kind, text in (body or {"Text": "Hello"}).items()}
    return {
        "FromEmailAddress": SENDER,
        "Destination": {"ToAddresses": ["ana@example.com"]},
        "Content": {"Simple": {"Subject": {"Data": subject}, "Body": bodies}},
    }


def test_both_bodies_of_an_email_are_kept_in_the_order_of_sending(aws: EmbeddedAws) -> None:
    ses = aws.client("sesv2")
    ids = [
        ses.send_email(**_simple("First ä", Text="Grüße", Html="<p>Grüße</p>"))["MessageId"],
        ses.send_email(**_simple("Second", Text="only text"))["MessageId"],
    ]
    first, second = aws.sent_emails()
    assert (first.order, first.message_id, first.sender, first.to) == (1, ids[0], SENDER, ("ana@example.com",))
    assert (first.subject, first.text, first.html) == ("First ä", "Grüße", "<p>Grüße</p>")
    assert (second.order, second.message_id, second.text, second.html) == (2, ids[1], "only text", None)


def test_a_raw_email_is_read_into_its_parts(aws: EmbeddedAws) -> None:
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, "Ana <ana@example.com>", "Rückfrage"
    message.set_content("Grüße")
    message.add_alternative("<p>Grüße</p>", subtype="html")
    aws.client("sesv2").send_email(Content={"Raw": {"Data": bytes(message)}})
    (sent,) = aws.sent_emails()
    assert (sent.sender, sent.to, sent.subject) == (SENDER, ("ana@example.com",), "Rückfrage")
    assert (sent.text or "").strip() == "Grüße"
    assert (sent.html or "").strip() == "<p>Grüße</p>"


def test_an_email_from_another_sender_is_refused_and_not_kept(aws: EmbeddedAws) -> None:
    with pytest.raises(ClientError, match="not verified"):
        aws.client("sesv2").send_email(**{**_simple("Subject"), "FromEmailAddress": "other@example.com"})
    assert aws.sent_emails() == []


def test_text_messages_are_kept_in_the_order_of_sending(aws: EmbeddedAws) -> None:
    for text in ("one", "two"):
        aws.client("sns").publish(PhoneNumber="+13125550123", Message=text)
    assert [(sms.order, sms.to, sms.text) for sms in aws.sent_sms()] == [
        (1, "+13125550123", "one"),
        (2, "+13125550123", "two"),
    ]


def _presigner(version: str = "s3v4") -> Any:
    config = Config(signature_version=version, s3={"addressing_style": "path"})
    return boto3.client("s3", endpoint_url=os.environ["S3_PUBLIC_ENDPOINT"], config=config)


def _link(aws: EmbeddedAws, key: str, seconds: int = 300, version: str = "s3v4") -> str:
    parameters = {"Bucket": _bucket(aws), "Key": key}
    link: str = _presigner(version).generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
    return link


def _open(link: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(link, method=method, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


@pytest.mark.parametrize("key", ["raw/abc", "a b/ä+?&.json"])
def test_a_presigned_link_opens_from_outside(aws: EmbeddedAws, key: str) -> None:
    aws.client("s3").put_object(Bucket=_bucket(aws), Key=key, Body=b'{"x": 1.50}')
    assert _open(_link(aws, key)) == (200, b'{"x": 1.50}')


def test_a_presigned_upload_arrives_with_the_headers_that_were_signed(aws: EmbeddedAws) -> None:
    parameters = {"Bucket": _bucket(aws), "Key": "upload", "ContentType": "image/png"}
    link = _presigner().generate_presigned_url("put_object", Params=parameters, ExpiresIn=300)
    assert _open(link, "PUT", b"png", **{"Content-Type": "text/html"})[0] == 403
    assert _open(link, "PUT", b"png", **{"Content-Type": "image/png"})[0] == 200
    stored = aws.client("s3").get_object(Bucket=_bucket(aws), Key="upload")
    assert (stored["ContentType"], stored["Body"].read()) == ("image/png", b"png")


def test_a_link_that_is_unsigned_altered_or_of_the_old_signature_is_refused(aws: EmbeddedAws) -> None:
    aws.client("s3").put_object(Bucket=_bucket(aws), Key="mine", Body=b"mine")
    aws.client("s3").put_object(Bucket=_bucket(aws), Key="other", Body=b"other")
    link = _link(aws, "mine")
    for bad in (
        link.partition("?")[0],
        link.replace("/mine", "/other"),
        link.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"),
        _link(aws, "mine", version="s3"),
        f"{os.environ['S3_PUBLIC_ENDPOINT']}/moto-api/data.json",
    ):
        assert _open(bad)[0] == 403
    assert _open(link, "DELETE")[0] == 403
    assert _open(link)[0] == 200


def test_a_link_ends_when_its_time_is_over(aws: EmbeddedAws) -> None:
    aws.client("s3").put_object(Bucket=_bucket(aws), Key="mine", Body=b"mine")
    link = _link(aws, "mine", seconds=1)
    assert _open(link)[0] == 200
    time.sleep(2.1)
    assert _open(link)[0] == 403


def test_objects_and_root_key_come_back_from_their_folder_which_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with EmbeddedAws(data_folder=folder) as aws:
        s3, bucket = aws.client("s3"), _bucket(aws)
        secret = aws.client("secretsmanager").get_secret_value(SecretId="portal-local-root-key")["SecretString"]
        s3.put_object(Bucket=bucket, Key="raw/ä b", Body=b"1", ContentType="application/fhir+json", Metadata={"a": "b"})
        s3.put_object(Bucket=bucket, Key="again", Body=b"old")
        s3.put_object(Bucket=bucket, Key="again", Body=b"new")
        s3.put_object(Bucket=bucket, Key="deleted", Body=b"x")
        s3.delete_object(Bucket=bucket, Key="deleted")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "objects")} == {0o700}
    with EmbeddedAws(data_folder=folder) as aws:
        s3 = aws.client("s3")
        kept = s3.get_object(Bucket=bucket, Key="raw/ä b")
        assert (kept["Body"].read(), kept["ContentType"], kept["Metadata"]) == (
            b"1",
            "application/fhir+json",
            {"a": "b"},
        )
        assert s3.get_object(Bucket=bucket, Key="again")["Body"].read() == b"new"
        assert {found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]} == {"raw/ä b", "again"}
        assert aws.client("secretsmanager").get_secret_value(SecretId="portal-local-root-key")["SecretString"] == secret
        aws.wipe()
    assert list((folder / "objects").iterdir()) == []


def test_without_a_folder_nothing_is_kept(aws: EmbeddedAws, tmp_path: Path) -> None:
    with EmbeddedAws(data_folder=tmp_path / "data"):
        pass
    aws.client("s3").put_object(Bucket=_bucket(aws), Key="x", Body=b"x")
    assert list(tmp_path.rglob("*.bin")) == []


def test_a_reader_never_sees_half_a_transaction(aws: EmbeddedAws) -> None:
    dynamodb, ended, torn = aws.client("dynamodb"), threading.Event(), []
    keys = [{"pk": {"S": name}, "sk": {"S": name}} for name in ("left", "right")]

    def write(number: int) -> None:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "portal-local-accounts", "Item": {**key, "n": {"N": str(number)}}}}
                for key in keys
            ]
        )

    def read() -> None:
        while not ended.is_set():
            gets = [{"Get": {"TableName": "portal-local-accounts", "Key": key}} for key in keys]
            rows = [answer["Item"] for answer in dynamodb.transact_get_items(TransactItems=gets)["Responses"]]
            if rows[0]["n"] != rows[1]["n"]:
                torn.append(rows)

    write(0)
    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(read)
        list(pool.map(write, range(1, 100)))
        ended.set()
        reader.result()
    assert torn == []


def test_an_import_of_1145_resources_takes_seconds(aws: EmbeddedAws) -> None:
    dynamodb, body = aws.client("dynamodb"), os.urandom(1_000)
    rows = [_imported(number, body) for number in range(1_145)]
    started = time.perf_counter()
    for start in range(0, len(rows), 45):
        chunk = [put for pair in rows[start : start + 45] for put in pair]
        entry = {"pk": {"S": "patient"}, "sk": {"S": f"import-{start}"}}
        dynamodb.transact_write_items(
            TransactItems=[*chunk, {"Put": {"TableName": "portal-local-audit", "Item": entry}}]
        )
    taken = time.perf_counter() - started
    assert _count_partition(dynamodb) == 2 * 1_145
    # Moto's own transactions take minutes; a machine that is busy with much else took five seconds.
    assert taken < 20


def _imported(number: int, body: bytes) -> list[dict[str, Any]]:
    row = {
        "pk": {"S": "patient"},
        "sk": {"S": f"row-{number:05}"},
        **{
            f"{name}_key": {"S": f"{name}-{number % 50}"}
            for name in ("date", "category", "code", "changed", "encounter")
        },
        "view": {"S": "x" * 700},
    }
    raw = {"pk": {"S": "patient"}, "sk": {"S": f"raw-{number:05}"}, "body": {"B": body}}
    row_put = {"TableName": "portal-local-patients", "Item": row, "ConditionExpression": "attribute_not_exists(pk)"}
    return [{"Put": row_put}, {"Put": {"TableName": "portal-local-patients", "Item": raw}}]


def _count_partition(dynamodb: Any) -> int:
    pages = dynamodb.get_paginator("query").paginate(
        TableName="portal-local-patients",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "patient"}},
        Select="COUNT",
    )
    return sum(page["Count"] for page in pages)


_PLAIN_MOTO = """
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

sys.setswitchinterval(1e-5)
mock_aws().start()
dynamodb = boto3.client("dynamodb", region_name="us-east-1")
dynamodb.create_table(
    TableName="t",
    BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
)
key, one = {"pk": {"S": "counter"}}, {":one": {"N": "1"}}
dynamodb.put_item(TableName="t", Item={**key, "n": {"N": "0"}})

def add(_):
    update = {"TableName": "t", "Key": key, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": one}
    try:
        dynamodb.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken="always-the-same")
    except ClientError:
        pass

with ThreadPoolExecutor(16) as pool:
    list(pool.map(add, range(200)))
print(dynamodb.get_item(TableName="t", Key=key)["Item"]["n"]["N"])
"""


@pytest.mark.slow
def test_plain_moto_would_fail_what_is_asked_here() -> None:
    """Should moto ever keep tokens by itself, its mending can go."""
    done = subprocess.run([sys.executable, "-c", _PLAIN_MOTO], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) != 1

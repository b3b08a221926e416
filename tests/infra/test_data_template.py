"""The deployed data stack: every resource known to the local reader, and what must hold for each in AWS."""

import json
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from infra.local.aws import REGION, EmbeddedAws
from infra.local.resources import CREATORS, Differs, Maker
from infra.local.template import NOT_EMULATED, Deployed, Template, TemplateError, deploy, load

_PARAMETERS = MappingProxyType({"EmailSender": "portal@sample-clinic.example", "DeletionProtection": "false"})
_TEMPLATE = load()


def _of_type(name: str) -> dict[str, Any]:
    return {key: resource for key, resource in _TEMPLATE.resources.items() if resource["Type"] == name}


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as running:
        yield running


@pytest.mark.parametrize("logical_id", _TEMPLATE.resources)
def test_every_resource_is_made_locally_or_left_out_knowingly(logical_id: str) -> None:
    resource = _TEMPLATE.resources[logical_id]
    assert (resource["Type"] in CREATORS) != (resource["Type"] in NOT_EMULATED)
    if resource["Type"] in CREATORS:
        creator = CREATORS[resource["Type"]]
        assert set(resource["Properties"]) <= creator.reads | creator.leaves


def test_no_type_is_left_out_that_the_template_does_not_have() -> None:
    assert {resource["Type"] for resource in _TEMPLATE.resources.values()} >= NOT_EMULATED


@pytest.mark.parametrize("logical_id", _TEMPLATE.resources)
def test_every_resource_is_retained(logical_id: str) -> None:
    resource = _TEMPLATE.resources[logical_id]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("table", _of_type("AWS::DynamoDB::Table").values(), ids=_of_type("AWS::DynamoDB::Table"))
def test_every_table_is_encrypted_recoverable_and_protected(table: dict[str, Any]) -> None:
    properties = table["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == {
        "SSEEnabled": True,
        "SSEType": "KMS",
        "KMSMasterKeyId": {"Ref": "DataKey"},
    }
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_every_queue_is_encrypted_and_answers_over_tls_only() -> None:
    queues = _of_type("AWS::SQS::Queue")
    (policy,) = _of_type("AWS::SQS::QueuePolicy").values()
    assert all(queue["Properties"]["KmsMasterKeyId"] == {"Ref": "DataKey"} for queue in queues.values())
    assert {queue["Ref"] for queue in policy["Properties"]["Queues"]} == set(queues)


def test_every_queue_that_a_function_reads_has_dead_letters_and_an_alarm_on_its_age() -> None:
    queues = _of_type("AWS::SQS::Queue")
    read = {name: queue for name, queue in queues.items() if "RedrivePolicy" in queue["Properties"]}
    dead = {queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for queue in read.values()}
    assert set(read) == {"EmailQueue", "ReferencesQueue"}
    assert all(queue["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 5 for queue in read.values())
    assert dead | {"RelayDeadLetters"} == set(queues) - set(read)
    assert _watched("ApproximateAgeOfOldestMessage") == set(read)
    assert _watched("ApproximateNumberOfMessagesVisible") == dead | {"RelayDeadLetters"}


def _watched(metric: str) -> set[str]:
    alarms = [alarm["Properties"] for alarm in _of_type("AWS::CloudWatch::Alarm").values()]
    assert all(alarm["AlarmActions"] == [{"Ref": "Alarms"}] for alarm in alarms)
    return {alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for alarm in alarms if alarm["MetricName"] == metric}


@pytest.mark.slow
def test_the_template_passes_cloudformations_linter() -> None:
    cfnlint = pytest.importorskip("cfnlint.api", reason="pip install cfn-lint checks the template")
    template = (load.__defaults__ or (None,))[0]
    assert template is not None
    assert cfnlint.lint(template.read_text(encoding="utf-8"), regions=[REGION]) == []


def test_tables_are_made_with_indexes_stream_ttl_and_backups(aws: EmbeddedAws) -> None:
    dynamodb = aws.client("dynamodb")
    patients = dynamodb.describe_table(TableName="portal-local-patients")["Table"]
    outbox = dynamodb.describe_table(TableName="portal-local-outbox")["Table"]
    orders = {index["IndexName"]: index["KeySchema"][1]["AttributeName"] for index in patients["LocalSecondaryIndexes"]}
    backups = dynamodb.describe_continuous_backups(TableName="portal-local-audit")["ContinuousBackupsDescription"]
    assert orders == {f"by_{name}": f"{name}_key" for name in ("date", "category", "code", "changed", "encounter")}
    assert outbox["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert outbox["LatestStreamArn"] == aws.deployed.outputs["OutboxStreamArn"]
    assert outbox["GlobalSecondaryIndexes"][0]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    for area in ("accounts", "outbox"):
        ttl = dynamodb.describe_time_to_live(TableName=f"portal-local-{area}")["TimeToLiveDescription"]
        assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_queues_are_made_with_their_dead_letters(aws: EmbeddedAws) -> None:
    queue = aws.deployed.named("email")
    found = aws.client("sqs").get_queue_attributes(QueueUrl=queue.ref, AttributeNames=["All"])["Attributes"]
    redrive = json.loads(found["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == aws.deployed.named("email-dlq").attributes["Arn"]
    assert int(redrive["maxReceiveCount"]) == 5
    assert found["VisibilityTimeout"] == "360"
    assert found["KmsMasterKeyId"] == aws.deployed.resources["DataKey"].ref


def test_bucket_key_and_secret_are_made_as_declared(aws: EmbeddedAws) -> None:
    outputs, s3 = aws.deployed.outputs, aws.client("s3")
    encryption = s3.get_bucket_encryption(Bucket=outputs["RecordsBucketName"])["ServerSideEncryptionConfiguration"]
    public = s3.get_public_access_block(Bucket=outputs["RecordsBucketName"])["PublicAccessBlockConfiguration"]
    secret = aws.client("secretsmanager").get_secret_value(SecretId=outputs["RootKeySecretName"])["SecretString"]
    rule = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    assert rule == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": outputs["DataKeyArn"]}
    assert all(public.values())
    aliases = aws.client("kms").list_aliases(KeyId=aws.deployed.resources["DataKey"].ref)["Aliases"]
    assert [alias["AliasName"] for alias in aliases] == ["alias/portal-local"]
    assert s3.get_bucket_versioning(Bucket=outputs["RecordsBucketName"])["Status"] == "Enabled"
    assert aws.client("kms").get_key_rotation_status(KeyId=outputs["DataKeyArn"])["KeyRotationEnabled"] is True
    assert len(secret) == 64
    assert secret.isalnum()


def test_the_portals_roles_may_use_the_key_and_alarms_reach_the_encrypted_topic(aws: EmbeddedAws) -> None:
    key = aws.deployed.resources["DataKey"].ref
    policy = json.loads(aws.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    by_sid = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert by_sid["AccountByIam"]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert by_sid["AlarmsToEncryptedTopic"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}


def test_deploying_again_makes_nothing_twice_and_keeps_rows_and_secret(aws: EmbeddedAws) -> None:
    secrets, dynamodb = aws.client("secretsmanager"), aws.client("dynamodb")
    before = secrets.get_secret_value(SecretId="portal-local-root-key")["SecretString"]
    dynamodb.put_item(TableName="portal-local-audit", Item={"pk": {"S": "kept"}, "sk": {"S": "kept"}})
    again = deploy(_TEMPLATE, {**_PARAMETERS, "Stack": "portal-local"}, Maker(REGION))
    assert again == aws.deployed
    assert secrets.get_secret_value(SecretId="portal-local-root-key")["SecretString"] == before
    assert dynamodb.scan(TableName="portal-local-audit")["Count"] == 1


def test_a_table_of_another_shape_is_named_and_not_used(aws: EmbeddedAws) -> None:
    aws.client("dynamodb").create_table(
        TableName="other-accounts",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    with pytest.raises(Differs, match="other-accounts"):
        _deploy(_TEMPLATE, stack="other")


def _deploy(template: Template, stack: str = "small") -> Deployed:
    return deploy(template, {**_PARAMETERS, "Stack": stack}, Maker(REGION))


def _template(resources: dict[str, Any]) -> Template:
    return replace(_TEMPLATE, resources=resources, outputs={})


def _topic(name: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ({"Type": "AWS::Lambda::Function", "Properties": {}}, "AWS::Lambda::Function"),
        ({"Type": "AWS::SNS::Topic", "Properties": {"FifoTopic": True}}, "FifoTopic"),
        (_topic({"Fn::Join": ["", ["a"]]}), "Fn::Join"),
        (_topic({"Ref": "Nowhere"}), "Nowhere"),
        (_topic({"Fn::GetAtt": ["Alarms", "Arn"]}), "circle"),
        (_topic({"Fn::Sub": "${Queue}"}), "Queue"),
    ],
)
def test_what_the_reader_does_not_know_is_an_error_that_names_it(
    aws: EmbeddedAws, resource: dict[str, Any], said: str
) -> None:
    with pytest.raises(TemplateError, match=said):
        _deploy(_template({"Alarms": resource}))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({}, "EmailSender"), ({"EmailSender": "nobody"}, "EmailSender"), ({**_PARAMETERS, "Colour": "red"}, "Colour")],
)
def test_a_missing_wrong_or_unknown_parameter_is_refused(parameters: dict[str, str], said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        deploy(_template({}), parameters, Maker(REGION))


def test_references_are_resolved_whatever_the_order(aws: EmbeddedAws) -> None:
    second = _topic({"Fn::Sub": "${First.TopicName}-of-${Stack}"})
    assert _deploy(_template({"Second": second, "First": _topic("one")})).resources["Second"].name == "one-of-small"


def test_a_resource_is_found_by_the_part_of_its_name_after_the_stack(aws: EmbeddedAws) -> None:
    assert aws.deployed.named("email").ref == aws.deployed.outputs["EmailQueueUrl"]
    with pytest.raises(KeyError, match="portal-local-nothing"):
        aws.deployed.named("nothing")

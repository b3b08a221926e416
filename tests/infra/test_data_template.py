"""The deployed data stack: every resource known to the local reader, and what must hold for each in AWS."""

import json
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from chalice.app import SQSEventConfig

from chalicelib.domain.audit import KEPT
from infra.local import scanner
from infra.local.aws import REGION, EmbeddedAws
from infra.local.resources import CREATORS, Differs, Maker
from infra.local.template import NOT_EMULATED, Deployed, Template, TemplateError, deploy, load
from tests.architecture.sources import ROOT

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


QUEUES = (
    "Notices",
    "Email",
    "Sms",
    "Push",
    "Events",
    "Webhooks",
    "References",
    "Exports",
    "Purges",
    "Imports",
    "Uploads",
    "Pictures",
    "Feedback",
)


def test_every_queue_is_encrypted_and_answers_over_tls_only() -> None:
    queues = _of_type("AWS::SQS::Queue")
    assert all(queue["Properties"]["KmsMasterKeyId"] == {"Ref": "DataKey"} for queue in queues.values())
    policies = [policy["Properties"] for policy in _of_type("AWS::SQS::QueuePolicy").values()]
    of_which = [queue["Ref"] for policy in policies for queue in policy["Queues"]]
    # A queue has one policy: a second resource would take the place of the first.
    assert sorted(of_which) == sorted(queues)
    for policy in policies:
        by_sid = {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}
        assert by_sid["TlsOnly"]["Effect"] == "Deny"
        assert by_sid["TlsOnly"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_nothing_but_its_own_topic_or_bucket_is_let_into_a_queue_by_the_queue(aws: EmbeddedAws) -> None:
    statements = [
        (tuple(queue["Ref"] for queue in policy["Properties"]["Queues"]), statement)
        for policy in _of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    let_in = dict(statements)
    assert set(let_in) == {("FeedbackQueue",), ("ImportsQueue",), ("UploadsQueue", "UploadsDeadLetters")}
    scans = let_in["UploadsQueue", "UploadsDeadLetters"]
    assert (scans["Principal"], scans["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    rules = [{"Fn::GetAtt": [name, "Arn"]} for name in _of_type("AWS::Events::Rule")]
    assert scans["Condition"] == {"ArnEquals": {"aws:SourceArn": rules}}
    uploads = let_in["ImportsQueue",]
    assert (uploads["Principal"], uploads["Action"]) == ({"Service": "s3.amazonaws.com"}, "sqs:SendMessage")
    assert uploads["Resource"] == {"Fn::GetAtt": ["ImportsQueue", "Arn"]}
    bucket = uploads["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"]
    key = {one["Sid"]: one for one in _TEMPLATE.resources["DataKey"]["Properties"]["KeyPolicy"]["Statement"]}
    assert key["UploadsToEncryptedQueue"]["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"] == bucket
    # By its name, since bucket, queue and key would wait for each other by reference.
    named = bucket.rpartition(":::")[2].replace("${Stack}", "portal-local").replace("${AWS::Region}", REGION)
    assert named.replace("${AWS::AccountId}", "123456789012") == aws.deployed.outputs["ImportsBucketName"]
    allowed = let_in["FeedbackQueue",]
    assert allowed["Principal"] == {"Service": "sns.amazonaws.com"}
    assert (allowed["Action"], allowed["Resource"]) == ("sqs:SendMessage", {"Fn::GetAtt": ["FeedbackQueue", "Arn"]})
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "Feedback"}}}


def test_every_queue_that_a_function_reads_has_dead_letters_and_an_alarm_on_its_age() -> None:
    queues = _of_type("AWS::SQS::Queue")
    read = {name: queue["Properties"] for name, queue in queues.items() if "RedrivePolicy" in queue["Properties"]}
    assert set(read) == {f"{name}Queue" for name in QUEUES}
    for name in QUEUES:
        redrive = read[f"{name}Queue"]["RedrivePolicy"]
        assert redrive == {"deadLetterTargetArn": {"Fn::GetAtt": [f"{name}DeadLetters", "Arn"]}, "maxReceiveCount": 5}
        kept = queues[f"{name}DeadLetters"]["Properties"]["MessageRetentionPeriod"]
        assert kept > read[f"{name}Queue"]["MessageRetentionPeriod"]
    dead = {f"{name}DeadLetters" for name in (*QUEUES, "Relay", "Seals")}
    assert dead == set(queues) - set(read)
    assert _watched("ApproximateAgeOfOldestMessage") == set(read)
    assert _watched("ApproximateNumberOfMessagesVisible") == dead


def _readers() -> dict[str, str]:
    """Which function of app.py reads which queue."""
    import app

    sources = [source for source in app.app.event_sources if isinstance(source, SQSEventConfig)]
    return {str(source.queue_arn).rpartition(":")[2]: source.handler_string.rpartition(".")[2] for source in sources}


def test_every_queue_is_read_by_one_function_and_hides_a_message_for_six_times_its_time_out() -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))["lambda_functions"]
    readers = _readers()
    assert set(readers) == {name.lower() for name in QUEUES}
    assert len(set(readers.values())) == len(QUEUES)
    for name in QUEUES:
        visible_after = _TEMPLATE.resources[f"{name}Queue"]["Properties"]["VisibilityTimeout"]
        assert visible_after == 6 * config[readers[name.lower()]]["lambda_timeout"]


def _watched(metric: str) -> set[str]:
    alarms = [alarm["Properties"] for alarm in _of_type("AWS::CloudWatch::Alarm").values()]
    assert all(alarm["AlarmActions"] == [{"Ref": "Alarms"}] for alarm in alarms)
    return {alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for alarm in alarms if alarm["MetricName"] == metric}


def test_what_comes_into_quarantine_is_scanned_and_both_is_told_to_the_queue() -> None:
    (plan,) = (plan["Properties"] for plan in _of_type("AWS::GuardDuty::MalwareProtectionPlan").values())
    assert plan["ProtectedResource"] == {"S3Bucket": {"BucketName": {"Ref": "QuarantineBucket"}}}
    bucket = _TEMPLATE.resources["QuarantineBucket"]["Properties"]
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    rules = {name: rule["Properties"] for name, rule in _of_type("AWS::Events::Rule").items()}
    for rule in rules.values():
        (target,) = rule["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": ["UploadsQueue", "Arn"]}
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["UploadsDeadLetters", "Arn"]}}
    arrived, scanned = rules["UploadArrived"]["EventPattern"], rules["UploadScanned"]["EventPattern"]
    for pattern, event in (
        (arrived, scanner.arrived("the-bucket", "key", "tag", 1)),
        (scanned, scanner.scanned("the-bucket", "key", "tag", "FAILED")),
    ):
        assert _fits(pattern, event, {"QuarantineBucket": "the-bucket"})
        assert not _fits(pattern, event, {"QuarantineBucket": "another"})
    key = {one["Sid"]: one for one in _TEMPLATE.resources["DataKey"]["Properties"]["KeyPolicy"]["Statement"]}
    named = [one["Fn::Sub"] for one in key["ScansToEncryptedQueue"]["Condition"]["ArnEquals"]["aws:SourceArn"]]
    names = [rule["Name"]["Fn::Sub"] for rule in rules.values()]
    assert [one.rpartition(":rule/")[2] for one in named] == names


def _fits(pattern: Any, event: Any, names: dict[str, str]) -> bool:
    """Whether EventBridge would pass an event on: each leaf of a pattern is a list of what may be there."""
    if isinstance(pattern, list):
        return event in [names[one["Ref"]] if isinstance(one, dict) else one for one in pattern]
    return all(key in event and _fits(part, event[key], names) for key, part in pattern.items())


def test_the_scanners_role_reads_quarantine_alone_and_may_change_nothing_in_it() -> None:
    (role,) = (role["Properties"] for role in _of_type("AWS::IAM::Role").values())
    trusted = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert trusted["Principal"] == {"Service": "malware-protection-plan.guardduty.amazonaws.com"}
    allowed = {one["Sid"]: one for one in role["Policies"][0]["PolicyDocument"]["Statement"]}
    assert all(
        "*" not in (one["Action"] if isinstance(one["Action"], str) else "".join(one["Action"]))
        for one in allowed.values()
    )
    assert allowed["ReadFiles"]["Resource"] == {"Fn::Sub": "${QuarantineBucket.Arn}/*"}
    written = [one for one in allowed.values() if "s3:PutObject" in one["Action"]]
    assert [one["Resource"]["Fn::Sub"].partition("/")[2] for one in written] == [
        "malware-protection-resource-validation-object"
    ]


def test_quarantine_keeps_no_versions_is_encrypted_with_the_key_and_is_emptied_after_two_days() -> None:
    bucket = _TEMPLATE.resources["QuarantineBucket"]["Properties"]
    assert "VersioningConfiguration" not in bucket
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"], "Prefix" in rule) == ("Enabled", 2, False)
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"Fn::GetAtt": ["DataKey", "Arn"]}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_what_a_patient_has_taken_away_leaves_no_version_behind_for_longer_than_a_day() -> None:
    rules = _TEMPLATE.resources["RecordsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = (rule for rule in rules if rule.get("Prefix") == "uploads/")
    assert (rule["Status"], rule["NoncurrentVersionExpiration"]) == ("Enabled", {"NoncurrentDays": 1})
    assert "ExpirationInDays" not in rule


def test_browsers_of_the_configured_origins_alone_reach_the_buckets_that_they_use(aws: EmbeddedAws) -> None:
    """But for what readers of SMART Health Links download, which are pages of any origin."""
    methods = {"QuarantineBucket": ["POST"], "ImportsBucket": ["GET", "PUT"], "RecordsBucket": ["GET"]}
    found = {
        name: bucket["Properties"]["CorsConfiguration"]["CorsRules"]
        for name, bucket in _of_type("AWS::S3::Bucket").items()
        if "CorsConfiguration" in bucket["Properties"]
    }
    assert {name: rules[0]["AllowedMethods"] for name, rules in found.items()} == methods
    origins = {name: rules[0]["AllowedOrigins"] for name, rules in found.items()}
    assert origins == {name: ["*"] if name == "RecordsBucket" else {"Ref": "Origins"} for name in methods}
    assert _TEMPLATE.parameters["Origins"]["Type"] == "CommaDelimitedList"
    assert "*" not in _TEMPLATE.parameters["Origins"]["Default"]
    for name in methods:
        bucket = aws.deployed.resources[name].ref
        (rule,) = aws.client("s3").get_bucket_cors(Bucket=bucket)["CORSRules"]
        assert rule["AllowedOrigins"] == (["*"] if name == "RecordsBucket" else ["http://127.0.0.1:8000"])


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
    audit = dynamodb.describe_table(TableName="portal-local-audit")["Table"]
    assert audit["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert audit["LatestStreamArn"] == aws.deployed.outputs["AuditStreamArn"]
    for area in ("accounts", "audit", "outbox", "seals"):
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


def test_what_is_put_into_the_bucket_of_seals_can_be_removed_by_nobody_for_six_years(aws: EmbeddedAws) -> None:
    s3, bucket = aws.client("s3"), aws.deployed.outputs["SealsBucketName"]
    kept = {"Mode": "COMPLIANCE", "Days": KEPT.days}
    declared = _TEMPLATE.resources["SealsBucket"]["Properties"]
    assert declared["ObjectLockEnabled"] is True
    assert declared["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": kept}
    made = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert (made["ObjectLockEnabled"], made["Rule"]["DefaultRetention"]["Mode"]) == ("Enabled", "COMPLIANCE")
    assert made["Rule"]["DefaultRetention"]["Days"] == KEPT.days
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == aws.deployed.outputs["DataKeyArn"]
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    version = s3.put_object(Bucket=bucket, Key="heads/00/x")["VersionId"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="heads/00/x", VersionId=version)


def test_the_bucket_of_seals_refuses_to_hide_a_head_and_to_lock_one_for_a_shorter_time() -> None:
    policy = _TEMPLATE.resources["SealsOnlyGrow"]["Properties"]
    assert policy["Bucket"] == {"Ref": "SealsBucket"}
    by_sid = {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}
    assert {statement["Effect"] for statement in by_sid.values()} == {"Deny"}
    taken = by_sid["NothingIsTakenAway"]
    assert (taken["Principal"], "Condition" in taken) == ("*", False)
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention"} <= set(taken["Action"])
    assert {"Fn::Sub": "${SealsBucket.Arn}/*"} in taken["Resource"]
    assert by_sid["TlsOnly"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_portals_roles_may_use_the_key_and_alarms_reach_the_encrypted_topic(aws: EmbeddedAws) -> None:
    key = aws.deployed.resources["DataKey"].ref
    policy = json.loads(aws.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    by_sid = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert by_sid["AccountByIam"]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert by_sid["AlarmsToEncryptedTopic"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}


def test_only_services_of_this_account_publish_feedback_and_each_may_use_the_key_for_it() -> None:
    (policy,) = (
        policy["Properties"]
        for policy in _of_type("AWS::SNS::TopicPolicy").values()
        if policy["Properties"]["Topics"] == [{"Ref": "Feedback"}]
    )
    allowed = {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"}
    own = {"Ref": "AWS::AccountId"}
    services = allowed.pop("FeedbackOfThisAccount")
    assert services["Condition"] == {"StringEquals": {"aws:SourceAccount": own}}
    assert allowed.pop("PushEventsOfThisAccount")["Condition"] == {"StringEquals": {"aws:SourceOwner": own}}
    assert allowed == {}
    key = _TEMPLATE.resources["DataKey"]["Properties"]["KeyPolicy"]["Statement"]
    (encrypts,) = (one for one in key if one["Sid"] == "FeedbackToEncryptedTopic")
    assert set(encrypts["Principal"]["Service"]) == {*services["Principal"]["Service"], "sns.amazonaws.com"}


def test_the_key_policy_names_the_feedback_topic_as_it_is_called(aws: EmbeddedAws) -> None:
    """By its name, since key and topic would wait for each other by reference."""
    topic = aws.deployed.outputs["FeedbackTopicArn"]
    key = aws.deployed.resources["DataKey"].ref
    policy = json.loads(aws.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    by_sid = {statement["Sid"]: statement["Condition"] for statement in policy["Statement"] if "Condition" in statement}
    assert by_sid["FeedbackToEncryptedQueue"] == {"ArnEquals": {"aws:SourceArn": topic}}
    assert by_sid["FeedbackToEncryptedTopic"] == {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic}}


def test_every_topic_is_encrypted_and_takes_messages_over_tls_only() -> None:
    topics = _of_type("AWS::SNS::Topic")
    assert all(topic["Properties"]["KmsMasterKeyId"] == {"Ref": "DataKey"} for topic in topics.values())
    policies = [policy["Properties"] for policy in _of_type("AWS::SNS::TopicPolicy").values()]
    assert sorted(topic["Ref"] for policy in policies for topic in policy["Topics"]) == sorted(topics)
    for policy in policies:
        (tls,) = (one for one in policy["PolicyDocument"]["Statement"] if one["Sid"] == "TlsOnly")
        assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_whole_notification_goes_from_the_topic_to_the_queue(aws: EmbeddedAws) -> None:
    sns, outputs = aws.client("sns"), aws.deployed.outputs
    (found,) = sns.list_subscriptions_by_topic(TopicArn=outputs["FeedbackTopicArn"])["Subscriptions"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=found["SubscriptionArn"])["Attributes"]
    assert (found["Protocol"], found["Endpoint"]) == ("sqs", outputs["FeedbackQueueArn"])
    assert attributes["RawMessageDelivery"] == "false"


def test_ses_tells_of_bounces_complaints_and_rejects_and_sends_none_of_them_again(aws: EmbeddedAws) -> None:
    outputs = aws.deployed.outputs
    name = outputs["EmailConfigurationSet"]
    made = aws.client("sesv2").get_configuration_set(ConfigurationSetName=name)
    assert made["DeliveryOptions"]["TlsPolicy"] == "REQUIRE"
    assert made["SuppressionOptions"] == {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}
    (destination,) = (one["Properties"] for one in _of_type("AWS::SES::ConfigurationSetEventDestination").values())
    assert destination["ConfigurationSetName"] == {"Ref": "EmailConfiguration"}
    assert destination["EventDestination"]["MatchingEventTypes"] == ["bounce", "complaint", "reject"]
    assert destination["EventDestination"]["SnsDestination"] == {"TopicARN": {"Ref": "Feedback"}}


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

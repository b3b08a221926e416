"""One creator per CloudFormation type that the local AWS knows: each makes its resource by API calls, once."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import boto3

Properties = Mapping[str, Any]


class Differs(Exception):
    """A table exists already, with other keys or indexes than the template's."""


@dataclass(frozen=True)
class Created:
    """One resource: `ref` and `attributes` are what Ref and Fn::GetAtt give, `name` what people call it."""

    type: str
    name: str
    ref: str
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass
class Maker:
    """The clients of one region, made when first asked for."""

    region: str
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client of the service, on whatever endpoint the environment names."""
        if service not in self.clients:
            self.clients[service] = boto3.client(service, region_name=self.region)
        return self.clients[service]

    @cached_property
    def pseudo_parameters(self) -> Mapping[str, str]:
        """CloudFormation's own parameters, for this account and region."""
        return {
            "AWS::AccountId": self.client("sts").get_caller_identity()["Account"],
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::URLSuffix": "amazonaws.com",
        }


@dataclass(frozen=True)
class Creator:
    """How one type is made; a property is either read or left out knowingly."""

    create: Callable[[Maker, Properties], Created]
    reads: frozenset[str]
    leaves: frozenset[str] = frozenset()


def _table(maker: Maker, properties: Properties) -> Created:
    dynamodb, name = maker.client("dynamodb"), properties["TableName"]
    with suppress(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(**_table_request(properties))
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        _table_settings(dynamodb, properties)
    described = dynamodb.describe_table(TableName=name)["Table"]
    if _layout(described) != _layout(properties):
        raise Differs(f"the table {name} has other keys or indexes than the template: delete it or set another STACK")
    attributes = {"Arn": described["TableArn"]}
    if "LatestStreamArn" in described:
        attributes["StreamArn"] = described["LatestStreamArn"]
    return Created("AWS::DynamoDB::Table", name, name, attributes)


def _table_request(properties: Properties) -> dict[str, Any]:
    as_they_are = (
        "TableName",
        "BillingMode",
        "AttributeDefinitions",
        "KeySchema",
        "LocalSecondaryIndexes",
        "GlobalSecondaryIndexes",
    )
    request: dict[str, Any] = {name: properties[name] for name in as_they_are if name in properties}
    if "StreamSpecification" in properties:
        request["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    if "SSESpecification" in properties:
        encryption = dict(properties["SSESpecification"])
        request["SSESpecification"] = {"Enabled": encryption.pop("SSEEnabled"), **encryption}
    request["DeletionProtectionEnabled"] = _truth(properties.get("DeletionProtectionEnabled", False))
    return request


def _table_settings(dynamodb: Any, properties: Properties) -> None:
    name = properties["TableName"]
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    if "PointInTimeRecoverySpecification" in properties:
        _point_in_time_recovery(dynamodb, properties)


def _point_in_time_recovery(dynamodb: Any, properties: Properties) -> None:
    try:
        dynamodb.update_continuous_backups(
            TableName=properties["TableName"],
            PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"],
        )
    except dynamodb.exceptions.ClientError as refused:
        # DynamoDB Local has no backups.
        if refused.response["Error"]["Code"] != "UnknownOperationException":
            raise


def _layout(table: Properties) -> dict[str, Any]:
    """What cannot be changed later: keys and indexes, in an order of its own."""
    layout: dict[str, Any] = {"": _keys(table)}
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        for index in table.get(kind) or []:
            layout[index["IndexName"]] = (kind, _keys(index), index["Projection"]["ProjectionType"])
    return layout


def _keys(schema: Properties) -> list[tuple[str, str]]:
    return [(key["KeyType"], key["AttributeName"]) for key in schema["KeySchema"]]


def _truth(value: Any) -> bool:
    """CloudFormation takes the strings of a parameter for booleans."""
    return value is True or str(value).lower() == "true"


def _queue(maker: Maker, properties: Properties) -> Created:
    sqs, name = maker.client("sqs"), properties["QueueName"]
    attributes = {
        key: json.dumps(value) if isinstance(value, dict) else str(value)
        for key, value in properties.items()
        if key != "QueueName"
    }
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Created("AWS::SQS::Queue", name, url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def _topic(maker: Maker, properties: Properties) -> Created:
    name = properties["TopicName"]
    arn = maker.client("sns").create_topic(
        Name=name, Attributes={key: value for key, value in properties.items() if key != "TopicName"}
    )["TopicArn"]
    return Created("AWS::SNS::Topic", name, arn, {"TopicArn": arn, "TopicName": name})


def _bucket(maker: Maker, properties: Properties) -> Created:
    s3, name = maker.client("s3"), properties["BucketName"]
    where = {} if maker.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": maker.region}}
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=name, **where)
    _bucket_settings(s3, properties)
    return Created("AWS::S3::Bucket", name, name, {"Arn": f"arn:aws:s3:::{name}"})


def _bucket_settings(s3: Any, properties: Properties) -> None:
    name = properties["BucketName"]
    settings = (
        ("BucketEncryption", s3.put_bucket_encryption, "ServerSideEncryptionConfiguration"),
        ("PublicAccessBlockConfiguration", s3.put_public_access_block, "PublicAccessBlockConfiguration"),
        ("OwnershipControls", s3.put_bucket_ownership_controls, "OwnershipControls"),
        ("VersioningConfiguration", s3.put_bucket_versioning, "VersioningConfiguration"),
    )
    for key, put, argument in settings:
        if key in properties:
            put(Bucket=name, **{argument: _bucket_argument(key, properties[key])})


def _bucket_argument(key: str, value: Any) -> Any:
    """CloudFormation names the rules of encryption differently from the API."""
    if key != "BucketEncryption":
        return value
    rules = value["ServerSideEncryptionConfiguration"]
    return {
        "Rules": [
            {
                "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
                "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
            }
            for rule in rules
        ]
    }


def _key(maker: Maker, properties: Properties) -> Created:
    kms = maker.client("kms")
    key = _key_described(kms, properties["Description"]) or _new_key(kms, properties)
    return Created("AWS::KMS::Key", key["KeyId"], key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _key_described(kms: Any, description: str) -> Any:
    """A key has no name of its own; the template's description carries the stack's."""
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            metadata = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if metadata["Description"] == description:
                return metadata
    return None


def _new_key(kms: Any, properties: Properties) -> Any:
    policy = json.dumps(properties["KeyPolicy"])
    metadata = kms.create_key(Description=properties["Description"], Policy=policy)["KeyMetadata"]
    if _truth(properties.get("EnableKeyRotation", False)):
        kms.enable_key_rotation(KeyId=metadata["KeyId"])
    return metadata


def _alias(maker: Maker, properties: Properties) -> Created:
    kms, name = maker.client("kms"), properties["AliasName"]
    try:
        kms.create_alias(AliasName=name, TargetKeyId=properties["TargetKeyId"])
    except kms.exceptions.AlreadyExistsException:
        kms.update_alias(AliasName=name, TargetKeyId=properties["TargetKeyId"])
    return Created("AWS::KMS::Alias", name, name)


def _secret(maker: Maker, properties: Properties) -> Created:
    secrets, name = maker.client("secretsmanager"), properties["Name"]
    try:
        arn = secrets.create_secret(
            Name=name,
            Description=properties.get("Description", ""),
            KmsKeyId=properties["KmsKeyId"],
            SecretString=secrets.get_random_password(**properties["GenerateSecretString"])["RandomPassword"],
        )["ARN"]
    except secrets.exceptions.ResourceExistsException:
        arn = secrets.describe_secret(SecretId=name)["ARN"]
    return Created("AWS::SecretsManager::Secret", name, arn, {"Id": arn})


def _email_identity(maker: Maker, properties: Properties) -> Created:
    ses, name = maker.client("sesv2"), properties["EmailIdentity"]
    with suppress(ses.exceptions.AlreadyExistsException):
        ses.create_email_identity(EmailIdentity=name)
    return Created("AWS::SES::EmailIdentity", name, name)


CREATORS: Mapping[str, Creator] = {
    "AWS::DynamoDB::Table": Creator(
        _table,
        frozenset(
            {
                "AttributeDefinitions",
                "BillingMode",
                "DeletionProtectionEnabled",
                "GlobalSecondaryIndexes",
                "KeySchema",
                "LocalSecondaryIndexes",
                "PointInTimeRecoverySpecification",
                "SSESpecification",
                "StreamSpecification",
                "TableName",
                "TimeToLiveSpecification",
            }
        ),
    ),
    "AWS::SQS::Queue": Creator(
        _queue,
        frozenset(
            {
                "KmsDataKeyReusePeriodSeconds",
                "KmsMasterKeyId",
                "MessageRetentionPeriod",
                "QueueName",
                "RedrivePolicy",
                "VisibilityTimeout",
            }
        ),
    ),
    "AWS::SNS::Topic": Creator(_topic, frozenset({"TopicName", "KmsMasterKeyId"})),
    "AWS::S3::Bucket": Creator(
        _bucket,
        frozenset(
            {
                "BucketEncryption",
                "BucketName",
                "OwnershipControls",
                "PublicAccessBlockConfiguration",
                "VersioningConfiguration",
            }
        ),
        # Nothing local lives long enough for a rule that counts days.
        leaves=frozenset({"LifecycleConfiguration"}),
    ),
    # The waiting time matters only when somebody deletes the key.
    "AWS::KMS::Key": Creator(
        _key, frozenset({"Description", "EnableKeyRotation", "KeyPolicy"}), leaves=frozenset({"PendingWindowInDays"})
    ),
    "AWS::KMS::Alias": Creator(_alias, frozenset({"AliasName", "TargetKeyId"})),
    "AWS::SecretsManager::Secret": Creator(
        _secret, frozenset({"Description", "GenerateSecretString", "KmsKeyId", "Name"})
    ),
    "AWS::SES::EmailIdentity": Creator(_email_identity, frozenset({"EmailIdentity"})),
}

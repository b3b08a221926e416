"""What else is kept: the bucket, the key and the secret."""

import json
from contextlib import suppress
from typing import Any

from infra.local.resources.base import Created, Maker, Properties, truth


def bucket(maker: Maker, properties: Properties) -> Created:
    """A bucket with its encryption, its locks and its versions."""
    s3, name = maker.client("s3"), properties["BucketName"]
    where = {} if maker.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": maker.region}}
    is_locked = truth(properties.get("ObjectLockEnabled", False))
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=is_locked, **where)
    _bucket_settings(s3, properties)
    return Created("AWS::S3::Bucket", name, name, {"Arn": f"arn:aws:s3:::{name}"})


def _bucket_settings(s3: Any, properties: Properties) -> None:
    name = properties["BucketName"]
    settings = (
        ("BucketEncryption", s3.put_bucket_encryption, "ServerSideEncryptionConfiguration"),
        ("PublicAccessBlockConfiguration", s3.put_public_access_block, "PublicAccessBlockConfiguration"),
        ("OwnershipControls", s3.put_bucket_ownership_controls, "OwnershipControls"),
        ("VersioningConfiguration", s3.put_bucket_versioning, "VersioningConfiguration"),
        ("CorsConfiguration", s3.put_bucket_cors, "CORSConfiguration"),
        ("NotificationConfiguration", s3.put_bucket_notification_configuration, "NotificationConfiguration"),
    )
    for key, put, argument in settings:
        if key in properties:
            put(Bucket=name, **{argument: _bucket_argument(key, properties[key])})
    # moto changes the lock of an empty bucket only; one that is not has it already.
    if "ObjectLockConfiguration" in properties and not s3.list_objects_v2(Bucket=name, MaxKeys=1)["KeyCount"]:
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=properties["ObjectLockConfiguration"])


def _bucket_argument(key: str, value: Any) -> Any:
    """CloudFormation names the rules of encryption, and of what is told, differently from the API."""
    if key == "NotificationConfiguration":
        # What goes to EventBridge, the local scanner finds by itself.
        return {"QueueConfigurations": [_notification(one) for one in value.get("QueueConfigurations", ())]}
    if key == "CorsConfiguration":
        return {"CORSRules": [_cors_rule(one) for one in value["CorsRules"]]}
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


def _cors_rule(rule: Any) -> dict[str, Any]:
    renamed = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    return {renamed.get(name, name): value for name, value in rule.items()}


def _notification(told: Any) -> dict[str, Any]:
    rules = told["Filter"]["S3Key"]["Rules"]
    return {"QueueArn": told["Queue"], "Events": [told["Event"]], "Filter": {"Key": {"FilterRules": rules}}}


def key(maker: Maker, properties: Properties) -> Created:
    """A key, or the one that has the stack's description already."""
    kms = maker.client("kms")
    made = _key_described(kms, properties["Description"]) or _new_key(kms, properties)
    return Created("AWS::KMS::Key", made["KeyId"], made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


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
    if truth(properties.get("EnableKeyRotation", False)):
        kms.enable_key_rotation(KeyId=metadata["KeyId"])
    return metadata


def alias(maker: Maker, properties: Properties) -> Created:
    """A name for a key, which it gets anew where it has it."""
    kms, name = maker.client("kms"), properties["AliasName"]
    try:
        kms.create_alias(AliasName=name, TargetKeyId=properties["TargetKeyId"])
    except kms.exceptions.AlreadyExistsException:
        kms.update_alias(AliasName=name, TargetKeyId=properties["TargetKeyId"])
    return Created("AWS::KMS::Alias", name, name)


def secret(maker: Maker, properties: Properties) -> Created:
    """A secret that is made up, once."""
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

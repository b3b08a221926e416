"""One creator per CloudFormation type that the local AWS knows: each makes its resource by API calls, once."""

from collections.abc import Mapping

from infra.local.resources import messages, stores, tables
from infra.local.resources.base import Created, Creator, Differs, Maker

__all__ = ["CREATORS", "Created", "Differs", "Maker"]

CREATORS: Mapping[str, Creator] = {
    "AWS::DynamoDB::Table": Creator(
        tables.table,
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
        messages.queue,
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
    "AWS::SNS::Topic": Creator(messages.topic, frozenset({"TopicName", "KmsMasterKeyId", "SignatureVersion"})),
    "AWS::SNS::Subscription": Creator(
        messages.subscription, frozenset({"Endpoint", "Protocol", "RawMessageDelivery", "TopicArn"})
    ),
    "AWS::S3::Bucket": Creator(
        stores.bucket,
        frozenset(
            {
                "BucketEncryption",
                "BucketName",
                "CorsConfiguration",
                "ObjectLockConfiguration",
                "ObjectLockEnabled",
                "NotificationConfiguration",
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
        stores.key,
        frozenset({"Description", "EnableKeyRotation", "KeyPolicy"}),
        leaves=frozenset({"PendingWindowInDays"}),
    ),
    "AWS::KMS::Alias": Creator(stores.alias, frozenset({"AliasName", "TargetKeyId"})),
    "AWS::SecretsManager::Secret": Creator(
        stores.secret, frozenset({"Description", "GenerateSecretString", "KmsKeyId", "Name"})
    ),
    "AWS::SES::EmailIdentity": Creator(messages.email_identity, frozenset({"EmailIdentity"})),
    "AWS::SES::ConfigurationSet": Creator(
        messages.configuration_set, frozenset({"DeliveryOptions", "Name", "SuppressionOptions"})
    ),
    "AWS::SES::ConfigurationSetEventDestination": Creator(
        messages.event_destination, frozenset({"ConfigurationSetName", "EventDestination"})
    ),
}

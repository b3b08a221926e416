"""What messages go through: queues, topics and the sender."""

import json
from contextlib import suppress

from infra.local.resources.base import Created, Maker, Properties, truth


def queue(maker: Maker, properties: Properties) -> Created:
    """A queue, with its redrive to the dead letters; one of the name that is there stays."""
    sqs, name = maker.client("sqs"), properties["QueueName"]
    attributes = {
        key: json.dumps(value) if isinstance(value, dict) else str(value)
        for key, value in properties.items()
        if key != "QueueName"
    }
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Created("AWS::SQS::Queue", name, url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def topic(maker: Maker, properties: Properties) -> Created:
    """A topic; one of the name that is there stays."""
    name = properties["TopicName"]
    arn = maker.client("sns").create_topic(
        Name=name, Attributes={key: value for key, value in properties.items() if key != "TopicName"}
    )["TopicArn"]
    return Created("AWS::SNS::Topic", name, arn, {"TopicArn": arn, "TopicName": name})


def subscription(maker: Maker, properties: Properties) -> Created:
    """What a topic sends on; one that is there stays."""
    is_raw = truth(properties.get("RawMessageDelivery", False))
    arn = maker.client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        # moto takes every text for true.
        Attributes={"RawMessageDelivery": "true"} if is_raw else {},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Created("AWS::SNS::Subscription", arn, arn)


def email_identity(maker: Maker, properties: Properties) -> Created:
    """A sender that moto takes for verified; one that is there stays."""
    ses, name = maker.client("sesv2"), properties["EmailIdentity"]
    with suppress(ses.exceptions.AlreadyExistsException):
        ses.create_email_identity(EmailIdentity=name)
    return Created("AWS::SES::EmailIdentity", name, name)


def configuration_set(maker: Maker, properties: Properties) -> Created:
    """What SES does with the emails that name it; one that is there stays."""
    ses, name = maker.client("sesv2"), properties["Name"]
    # moto refuses a second one under a name that the second version of SES's API does not have.
    if name not in ses.list_configuration_sets()["ConfigurationSets"]:
        ses.create_configuration_set(
            ConfigurationSetName=name,
            DeliveryOptions=properties["DeliveryOptions"],
            SuppressionOptions=properties["SuppressionOptions"],
        )
    return Created("AWS::SES::ConfigurationSet", name, name)


def event_destination(maker: Maker, properties: Properties) -> Created:
    """Where SES tells of such emails."""
    # moto has this of the first version of SES's API only.
    ses, destination = maker.client("ses"), properties["EventDestination"]
    name = destination["Name"]
    with suppress(ses.exceptions.EventDestinationAlreadyExistsException):
        ses.create_configuration_set_event_destination(
            ConfigurationSetName=properties["ConfigurationSetName"],
            EventDestination={
                "Name": name,
                "Enabled": truth(destination["Enabled"]),
                "MatchingEventTypes": destination["MatchingEventTypes"],
                "SNSDestination": destination["SnsDestination"],
            },
        )
    return Created("AWS::SES::ConfigurationSetEventDestination", name, name)

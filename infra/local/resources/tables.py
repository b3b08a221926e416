"""Tables, with their indexes, stream, backups and time to live."""

from contextlib import suppress
from typing import Any

from infra.local.resources.base import Created, Differs, Maker, Properties, truth


def table(maker: Maker, properties: Properties) -> Created:
    """A table with its indexes; raises Differs where one of the name has others."""
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
    request["DeletionProtectionEnabled"] = truth(properties.get("DeletionProtectionEnabled", False))
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

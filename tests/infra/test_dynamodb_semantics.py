"""What the portal relies on in DynamoDB, on the embedded AWS and, where it is there, on Amazon's own engine.

The second engine proves that the tests ask for what DynamoDB does, and not for what moto was bent to.
"""

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.build.needed import Unavailable
from infra.local.aws import EmbeddedAws
from infra.local.dynamodb_local import DynamoDBLocal

ACCOUNTS, PATIENTS, OUTBOX = "portal-local-accounts", "portal-local-patients", "portal-local-outbox"

Json = dict[str, Any]


@pytest.fixture(
    scope="module",
    params=["embedded", pytest.param("dynamodb_local", marks=pytest.mark.dynamodb_local)],
)
def running(request: pytest.FixtureRequest) -> Iterator[EmbeddedAws]:
    if request.param == "embedded":
        with EmbeddedAws() as aws:
            yield aws
        return
    if os.environ.get("RUN_DYNAMODB_LOCAL") != "1":
        pytest.skip("RUN_DYNAMODB_LOCAL=1 runs this on DynamoDB Local, too (a Java 17 JDK and npm)")
    try:
        engine = DynamoDBLocal()
        endpoint = engine.start()
    except Unavailable as missing:
        pytest.skip(str(missing))
    with EmbeddedAws(dynamodb_endpoint=endpoint) as aws:
        yield aws
    engine.stop()


@pytest.fixture
def aws(running: EmbeddedAws) -> EmbeddedAws:
    running.wipe()
    return running


@pytest.fixture
def dynamodb(aws: EmbeddedAws) -> Any:
    return aws.client("dynamodb")


def _key(name: str) -> Json:
    return {"pk": {"S": name}, "sk": {"S": name}}


def _put(name: str, table: str = ACCOUNTS, **more: Any) -> Json:
    return {"Put": {"TableName": table, "Item": {**_key(name), **more}}}


def _new(name: str, table: str = ACCOUNTS, **more: Any) -> Json:
    put = _put(name, table, **more)
    put["Put"]["ConditionExpression"] = "attribute_not_exists(pk)"
    return put


def _update(name: str, expression: str, values: Json, table: str = ACCOUNTS) -> Json:
    return {
        "Update": {
            "TableName": table,
            "Key": _key(name),
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values,
        }
    }


def _found(dynamodb: Any, name: str, table: str = ACCOUNTS) -> Json | None:
    item: Json | None = dynamodb.get_item(TableName=table, Key=_key(name), ConsistentRead=True).get("Item")
    return item


def _refused(dynamodb: Any, *items: Json, **more: Any) -> Json:
    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=list(items), **more)
    response: Json = refused.value.response
    return response


def _records(aws: EmbeddedAws) -> list[Json]:
    streams, arn = aws.client("dynamodbstreams"), aws.deployed.outputs["OutboxStreamArn"]
    found: list[Json] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=iterator)["Records"]
    return found


@pytest.mark.race
def test_of_many_transactions_that_take_one_slot_one_succeeds_and_leaves_its_rows_alone(dynamodb: Any) -> None:
    def book(number: int) -> str:
        try:
            dynamodb.transact_write_items(
                TransactItems=[_new("slot", by={"N": str(number)}), _put(f"notice-{number}", OUTBOX)]
            )
        except ClientError as refused:
            return str(refused.response["CancellationReasons"][0]["Code"])
        return "booked"

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(book, range(200)))
    assert outcomes["booked"] == 1
    assert set(outcomes) <= {"booked", "ConditionalCheckFailed", "TransactionConflict"}
    slot = _found(dynamodb, "slot")
    assert slot is not None
    assert dynamodb.scan(TableName=OUTBOX)["Items"] == [_key(f"notice-{slot['by']['N']}")]


@pytest.mark.race
def test_a_counter_that_many_raise_at_once_is_exact(dynamodb: Any) -> None:
    def add(_: int) -> None:
        dynamodb.update_item(
            TableName=ACCOUNTS,
            Key=_key("counter"),
            UpdateExpression="ADD tries :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(100)))
    counter = _found(dynamodb, "counter")
    assert counter is not None
    assert counter["tries"] == {"N": "100"}


def test_the_reasons_come_in_the_order_of_the_items_with_the_old_item_where_asked(dynamodb: Any) -> None:
    dynamodb.put_item(TableName=ACCOUNTS, Item={**_key("taken"), "by": {"S": "first"}})
    taken = _new("taken")
    taken["Put"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    gone = {
        "ConditionCheck": {"TableName": ACCOUNTS, "Key": _key("gone"), "ConditionExpression": "attribute_exists(pk)"}
    }
    response = _refused(dynamodb, _put("fine"), taken, gone)
    assert response["Error"]["Code"] == "TransactionCanceledException"
    fine, old, missing = response["CancellationReasons"]
    assert fine["Code"] == "None"
    assert (old["Code"], old["Item"]) == ("ConditionalCheckFailed", {**_key("taken"), "by": {"S": "first"}})
    assert missing["Code"] == "ConditionalCheckFailed"
    assert missing["Message"].startswith("The conditional request failed")
    assert "Item" not in missing
    assert _found(dynamodb, "fine") is None


def test_a_cancelled_transaction_leaves_every_kind_of_row_and_the_stream_as_they_were(aws: EmbeddedAws) -> None:
    dynamodb = aws.client("dynamodb")
    for name in ("put", "update", "delete"):
        dynamodb.put_item(TableName=OUTBOX, Item={**_key(name), "tags": {"SS": ["a"]}, "text": {"S": "before"}})
    before, records = dynamodb.scan(TableName=OUTBOX)["Items"], len(_records(aws))
    # The last update is what only the stored item makes impossible, after all the others were done.
    response = _refused(
        dynamodb,
        _put("put", OUTBOX, text={"S": "after"}),
        _put("new", OUTBOX),
        _update("update", "SET tags = :tags", {":tags": {"SS": ["b"]}}, OUTBOX),
        _update("fresh", "SET n = :n", {":n": {"N": "1"}}, OUTBOX),
        {"Delete": {"TableName": OUTBOX, "Key": _key("delete")}},
        _update("bad", "SET n = absent + :n", {":n": {"N": "1"}}, OUTBOX),
    )
    # AWS says so per item (API_TransactWriteItems, "Validation Error"), its local engine for the whole request.
    if response["Error"]["Code"] != "ValidationException":
        assert [reason["Code"] for reason in response["CancellationReasons"]] == ["None"] * 5 + ["ValidationError"]
    assert sorted(dynamodb.scan(TableName=OUTBOX)["Items"], key=str) == sorted(before, key=str)
    assert len(_records(aws)) == records


def test_a_failed_update_leaves_no_empty_row_behind(dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.update_item(
            TableName=ACCOUNTS,
            Key=_key("new"),
            UpdateExpression="SET n = absent + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
    assert _found(dynamodb, "new") is None


def test_a_transactions_changes_reach_the_stream_once_each(aws: EmbeddedAws) -> None:
    before = len(_records(aws))
    aws.client("dynamodb").transact_write_items(
        TransactItems=[_put("put", OUTBOX), _update("upserted", "SET n = :n", {":n": {"N": "1"}}, OUTBOX)]
    )
    fresh = _records(aws)[before:]
    images = sorted((record["dynamodb"]["NewImage"] for record in fresh), key=str)
    assert [record["eventName"] for record in fresh] == ["INSERT", "INSERT"]
    assert images == sorted([_key("put"), {**_key("upserted"), "n": {"N": "1"}}], key=str)


def test_a_token_that_succeeded_succeeds_again_without_effect(dynamodb: Any) -> None:
    token = str(uuid.uuid4())
    add = _update("counter", "ADD n :one", {":one": {"N": "1"}})
    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken=token)
    assert _found(dynamodb, "counter") == {**_key("counter"), "n": {"N": "1"}}


def test_a_token_with_another_request_is_a_mismatch(dynamodb: Any) -> None:
    token = str(uuid.uuid4())
    dynamodb.transact_write_items(TransactItems=[_put("one")], ClientRequestToken=token)
    response = _refused(dynamodb, _put("two"), ClientRequestToken=token)
    assert response["Error"]["Code"] == "IdempotentParameterMismatchException"
    assert _found(dynamodb, "two") is None


def test_a_token_that_was_refused_may_be_tried_again(dynamodb: Any) -> None:
    token = str(uuid.uuid4())
    dynamodb.put_item(TableName=ACCOUNTS, Item=_key("taken"))
    _refused(dynamodb, _new("taken"), ClientRequestToken=token)
    dynamodb.delete_item(TableName=ACCOUNTS, Key=_key("taken"))
    dynamodb.transact_write_items(TransactItems=[_new("taken")], ClientRequestToken=token)
    assert _found(dynamodb, "taken") == _key("taken")


def test_one_item_twice_in_a_transaction_is_refused(dynamodb: Any) -> None:
    check = {"ConditionCheck": {"TableName": ACCOUNTS, "Key": _key("a"), "ConditionExpression": "attribute_exists(pk)"}}
    response = _refused(dynamodb, _put("a"), check)
    assert response["Error"]["Code"] == "ValidationException"
    assert "multiple operations on one item" in response["Error"]["Message"]


def test_a_transaction_of_more_than_100_items_is_refused(dynamodb: Any) -> None:
    dynamodb.transact_write_items(TransactItems=[_put(str(number)) for number in range(100)])
    response = _refused(dynamodb, *[_put(str(number)) for number in range(101)])
    assert response["Error"]["Code"] == "ValidationException"


def test_a_transaction_over_4_mb_is_refused_and_one_just_below_is_not(dynamodb: Any) -> None:
    def of_items(count: int) -> list[Json]:
        return [_put(f"item-{number:03}", body={"B": b"x" * 380_000}) for number in range(count)]

    dynamodb.transact_write_items(TransactItems=of_items(11))
    response = _refused(dynamodb, *of_items(12))
    assert response["Error"]["Code"] in {"ValidationException", "TransactionCanceledException"}
    assert _found(dynamodb, "item-011") is None


@pytest.mark.parametrize(("kind", "value"), [("B", b"x"), ("S", "x")])
def test_an_item_may_weigh_400_kb_and_no_more(dynamodb: Any, kind: str, value: Any) -> None:
    around = len("pk" + "heavy" + "sk" + "heavy" + "body")
    dynamodb.put_item(TableName=ACCOUNTS, Item={**_key("heavy"), "body": {kind: value * (400 * 1024 - around)}})
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.put_item(TableName=ACCOUNTS, Item={**_key("heavy"), "body": {kind: value * (400 * 1024 - around + 1)}})
    response = _refused(dynamodb, _put("heavy", body={kind: value * (400 * 1024)}))
    assert response["Error"]["Code"] == "ValidationException"


def test_an_update_that_makes_an_item_too_heavy_changes_nothing(dynamodb: Any) -> None:
    dynamodb.put_item(TableName=ACCOUNTS, Item={**_key("heavy"), "a": {"S": "x" * 300_000}})
    response = _refused(dynamodb, _update("heavy", "SET b = :b", {":b": {"S": "x" * 200_000}}))
    assert response["CancellationReasons"][0]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.update_item(
            TableName=ACCOUNTS,
            Key=_key("heavy"),
            UpdateExpression="SET b = :b",
            ExpressionAttributeValues={":b": {"S": "x" * 200_000}},
        )
    heavy = _found(dynamodb, "heavy")
    assert heavy is not None
    assert set(heavy) == {"pk", "sk", "a"}


def test_numbers_come_back_without_the_zeros_that_were_sent(dynamodb: Any) -> None:
    dynamodb.put_item(
        TableName=ACCOUNTS,
        Item={**_key("n"), "a": {"N": "1.50"}, "b": {"N": "007"}, "c": {"N": "1E+3"}, "d": {"N": "0.0"}},
    )
    item = _found(dynamodb, "n")
    assert item is not None
    assert [item[name]["N"] for name in "abcd"] == ["1.5", "7", "1000", "0"]


def test_an_index_key_of_another_type_is_refused(dynamodb: Any) -> None:
    response = _refused(dynamodb, _put("a", PATIENTS, date_key={"N": "20200101"}))
    assert response["Error"]["Code"] in {"ValidationException", "TransactionCanceledException"}
    with pytest.raises(ClientError, match="Type mismatch for Index Key"):
        dynamodb.put_item(TableName=PATIENTS, Item={**_key("a"), "date_key": {"N": "20200101"}})


def test_many_rows_are_read_consistently_in_one_batch_from_two_tables(dynamodb: Any) -> None:
    dynamodb.transact_write_items(TransactItems=[_put("a"), _put("b"), _put("c", PATIENTS)])
    answer = dynamodb.batch_get_item(
        RequestItems={
            ACCOUNTS: {"Keys": [_key("a"), _key("b"), _key("missing")], "ConsistentRead": True},
            PATIENTS: {"Keys": [_key("c")], "ConsistentRead": True},
        }
    )
    assert sorted(item["pk"]["S"] for item in answer["Responses"][ACCOUNTS]) == ["a", "b"]
    assert answer["Responses"][PATIENTS] == [_key("c")]
    assert answer["UnprocessedKeys"] == {}


def test_up_to_100_items_are_read_in_one_transaction(dynamodb: Any) -> None:
    names = [f"{number:03}" for number in range(100)]
    dynamodb.transact_write_items(TransactItems=[_put(name) for name in names])
    gets = [{"Get": {"TableName": ACCOUNTS, "Key": _key(name)}} for name in names]
    answer = dynamodb.transact_get_items(TransactItems=gets)
    assert [response["Item"]["pk"]["S"] for response in answer["Responses"]] == names


def _row(number: int, date: str, **more: Any) -> Json:
    return {"pk": {"S": "patient"}, "sk": {"S": f"row-{number:02}"}, "date_key": {"S": date}, **more}


def _page(dynamodb: Any, start: Json | None, limit: int, *, forward: bool, **more: Any) -> Json:
    asked: Json = {
        "TableName": PATIENTS,
        "IndexName": "by_date",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "patient"}},
        "Limit": limit,
        "ScanIndexForward": forward,
        "ConsistentRead": True,
        **more,
    }
    if start is not None:
        asked["ExclusiveStartKey"] = start
    answer: Json = dynamodb.query(**asked)
    return answer


def _walk(dynamodb: Any, limit: int, *, forward: bool, **more: Any) -> list[str]:
    page = _page(dynamodb, None, limit, forward=forward, **more)
    names = [item["sk"]["S"] for item in page["Items"]]
    while "LastEvaluatedKey" in page:
        page = _page(dynamodb, page["LastEvaluatedKey"], limit, forward=forward, **more)
        names += [item["sk"]["S"] for item in page["Items"]]
    return names


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 4, 50])
def test_pages_of_a_local_index_give_every_row_once_even_where_sort_keys_are_equal(
    dynamodb: Any,
    limit: int,
    forward: bool,
) -> None:
    rows = [_row(number, "2020-01-01" if number < 9 else "2020-01-02") for number in range(12)]
    dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": PATIENTS, "Item": row}} for row in reversed(rows)]
    )
    dynamodb.put_item(TableName=PATIENTS, Item={"pk": {"S": "patient"}, "sk": {"S": "outside the index"}})
    dynamodb.put_item(TableName=PATIENTS, Item={**_row(1, "2020-01-01"), "pk": {"S": "somebody else"}})
    # Among equal sort keys the index promises no order; within one page and the next it has to be the same.
    names = _walk(dynamodb, limit, forward=forward)
    wanted = sorted(row["sk"]["S"] for row in rows)
    assert sorted(names) == wanted
    late = set(wanted[9:])
    assert set(names[-3:] if forward else names[:3]) == late


def test_a_page_goes_on_after_a_row_that_was_deleted_meanwhile(dynamodb: Any) -> None:
    for number in range(4):
        dynamodb.put_item(TableName=PATIENTS, Item=_row(number, f"2020-01-0{number + 1}"))
    first = _page(dynamodb, None, 2, forward=True)
    last = first["Items"][-1]
    dynamodb.delete_item(TableName=PATIENTS, Key={"pk": last["pk"], "sk": last["sk"]})
    second = _page(dynamodb, first["LastEvaluatedKey"], 5, forward=True)
    assert [item["sk"]["S"] for item in second["Items"]] == ["row-02", "row-03"]


def test_a_full_page_has_a_last_key_even_when_nothing_follows(dynamodb: Any) -> None:
    for number in range(2):
        dynamodb.put_item(TableName=PATIENTS, Item=_row(number, "2020-01-01"))
    full = _page(dynamodb, None, 2, forward=True)
    assert set(full["LastEvaluatedKey"]) == {"pk", "sk", "date_key"}
    assert _page(dynamodb, full["LastEvaluatedKey"], 2, forward=True)["Items"] == []
    assert "LastEvaluatedKey" not in _page(dynamodb, None, 3, forward=True)


def test_the_limit_counts_rows_before_the_filter_and_the_range_before_the_limit(dynamodb: Any) -> None:
    for number in range(6):
        dynamodb.put_item(TableName=PATIENTS, Item=_row(number, f"2020-0{number + 1}", muted={"BOOL": number % 2 == 0}))
    more: Json = {
        "KeyConditionExpression": "pk = :pk AND date_key BETWEEN :low AND :high",
        "FilterExpression": "muted = :no",
        "ExpressionAttributeValues": {
            ":pk": {"S": "patient"},
            ":low": {"S": "2020-02"},
            ":high": {"S": "2020-05"},
            ":no": {"BOOL": False},
        },
    }
    page = _page(dynamodb, None, 2, forward=True, **more)
    assert (page["Count"], page["ScannedCount"]) == (1, 2)
    assert _walk(dynamodb, 2, forward=True, **more) == ["row-01", "row-03"]


def test_a_page_of_large_rows_stops_at_1_mb(dynamodb: Any) -> None:
    for number in range(9):
        dynamodb.put_item(TableName=PATIENTS, Item=_row(number, "2020-01-01", body={"B": b"x" * 190_000}))
    page = _page(dynamodb, None, 10, forward=True)
    assert 5 <= page["Count"] < 9
    assert len(_walk(dynamodb, 10, forward=True)) == 9


def test_an_items_entries_in_local_indexes_count_towards_its_400_kb(dynamodb: Any) -> None:
    body, new = {"B": b"x" * 210_000}, {"TableName": PATIENTS}
    dynamodb.put_item(Item={**_key("no index"), "body": body}, **new)
    with pytest.raises(ClientError, match="size"):
        dynamodb.put_item(Item={**_key("one index"), "body": body, "date_key": {"S": "2020"}}, **new)
    assert _found(dynamodb, "one index", PATIENTS) is None


def test_a_start_key_of_another_index_is_refused(dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="starting key"):
        _page(dynamodb, {"pk": {"S": "patient"}, "sk": {"S": "a"}, "code_key": {"S": "a"}}, 2, forward=True)


def test_the_sparse_index_of_the_outbox_holds_pending_rows_in_order_and_only_keys(dynamodb: Any) -> None:
    for name, at in (("late", "2026-02"), ("early", "2026-01")):
        pending = {"pending_shard": {"S": "0"}, "due_at": {"S": at}, "text": {"S": "left out"}}
        dynamodb.put_item(TableName=OUTBOX, Item={**_key(name), **pending})
    dynamodb.put_item(TableName=OUTBOX, Item={**_key("delivered"), "due_at": {"S": "2026-01"}})
    answer = dynamodb.query(
        TableName=OUTBOX,
        IndexName="pending",
        KeyConditionExpression="pending_shard = :shard",
        ExpressionAttributeValues={":shard": {"S": "0"}},
    )
    assert [item["pk"]["S"] for item in answer["Items"]] == ["early", "late"]
    assert all(set(item) == {"pk", "sk", "pending_shard", "due_at"} for item in answer["Items"])

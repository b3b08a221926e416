"""What all tables share: one DynamoDB client for all of them, generic keys, and reads that cost one round trip."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Self, TypeAlias, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import DiscriminatorAttribute, UnicodeAttribute
from pynamodb.connection import Connection, TableConnection
from pynamodb.exceptions import PynamoDBException, TableError
from pynamodb.models import Model

from chalicelib import observability
from chalicelib.errors import Unavailable
from chalicelib.settings import settings

# PynamoDB's own time-outs add up to more than API Gateway's 29 seconds.
_CONNECT_SECONDS, _READ_SECONDS, _RETRIES = 1, 3, 2
# DynamoDB's limit of keys in one BatchGetItem, and how often what it left out is asked for again.
_BATCH, _UNPROCESSED_TRIES = 100, 5

Key: TypeAlias = tuple[str, str]
RawItem: TypeAlias = dict[str, dict[str, Any]]

_BUGS = frozenset({"ValidationException", "ResourceNotFoundException", "SerializationException"})

_lock = threading.Lock()
_shared: list[Connection] = []


def connection() -> Connection:
    """The process's one connection to DynamoDB, whose client is made once, under a lock.

    Making it is not thread-safe, using it is.
    """
    if not _shared:
        with _lock:
            if not _shared:
                made = Connection(
                    connect_timeout_seconds=_CONNECT_SECONDS,
                    read_timeout_seconds=_READ_SECONDS,
                    max_retry_attempts=_RETRIES,
                )
                made.client  # noqa: B018  The property makes the client.
                _shared.append(made)
    return _shared[0]


def disconnect() -> None:
    """Make a new client at the next use (tests put up one stack after another in one process)."""
    _shared.clear()


class AreaMeta(type):
    """Makes a table's name a question to the settings of the moment, so that importing a model reads no environment."""

    area: str

    @property
    def table_name(cls) -> str:
        """The deployed name of the area's table."""
        return settings().table(cls.area)


class Row(Model):
    """An item of a table: a partition key, a sort key, and the kind of row that it is."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    kind = DiscriminatorAttribute(attr_name="kind")

    @classmethod
    def _get_connection(cls) -> TableConnection:
        found = super()._get_connection()
        shared = connection()
        if found.connection is not shared:
            _introduce(found, shared)
            found.connection = shared
        return found

    @property
    def key(self) -> Key:
        """Partition and sort key."""
        return self.pk, self.sk

    @classmethod
    def find(cls, pk: str, sk: str) -> Self | None:
        """One row, read consistently, or None. One round trip."""
        found = find_rows([(cls, (pk, sk))]).get((cls.Meta.table_name, pk, sk))
        return cast("Self | None", found)

    @classmethod
    def find_all(cls, keys: Iterable[Key]) -> dict[Key, Self]:
        """The rows of these keys that exist, by key, read consistently."""
        return {row.key: cast("Self", row) for row in find_rows([(cls, key) for key in keys]).values()}


def find_rows(wanted: Iterable[tuple[type[Row], Key]]) -> dict[tuple[str, str, str], Row]:
    """Rows of any tables by (table name, pk, sk), read consistently.

    One round trip for each 100, whatever their tables.
    """
    kinds = {(kind.Meta.table_name, *key): kind for kind, key in wanted}
    found: dict[tuple[str, str, str], Row] = {}
    with storage_errors():
        for chunk in in_chunks(list(kinds), _BATCH):
            for table, item in _batch_get(chunk):
                place = (table, item["pk"]["S"], item["sk"]["S"])
                found[place] = kinds[place].from_raw_data(item)
    return found


def find_raw(wanted: Iterable[tuple[type[Row], Key]]) -> dict[Key, RawItem]:
    """Items of one table as DynamoDB has them, whatever kind of row they say that they are, by their keys."""
    places = list({(kind.Meta.table_name, *key) for kind, key in wanted})
    with storage_errors():
        items = [item for chunk in in_chunks(places, _BATCH) for _, item in _batch_get(chunk)]
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in items}


def _batch_get(places: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, RawItem]]:
    request: dict[str, Any] = {}
    for table, pk, sk in places:
        request.setdefault(table, {"ConsistentRead": True, "Keys": []})["Keys"].append(
            {"pk": {"S": pk}, "sk": {"S": sk}}
        )
    for _ in range(_UNPROCESSED_TRIES):
        answer = connection().dispatch("BatchGetItem", {"RequestItems": request})
        for table, items in answer["Responses"].items():
            yield from ((table, item) for item in items)
        request = answer.get("UnprocessedKeys") or {}
        if not request:
            return
    raise Unavailable


def _introduce(table: TableConnection, shared: Connection) -> None:
    with _lock:
        try:
            shared.get_meta_table(table.table_name)
        except TableError:
            shared.add_meta_table(table.connection.get_meta_table(table.table_name))


class storage_errors:  # noqa: N801  A context manager that reads as a word of the sentence it stands in.
    """Turns what DynamoDB's client raises into Unavailable: the caller may try again, and nothing was half-written."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PynamoDBException | BotoCoreError | ClientError) and not _is_bug(error):
            observability.fault("storage.unavailable", error)
            observability.count("StorageUnavailable")
            raise Unavailable from error


def _is_bug(error: Exception) -> bool:
    """A request that DynamoDB cannot understand will not be understood later either."""
    return (
        getattr(error, "cause_response_code", None) in _BUGS
        or getattr(error, "response", {}).get("Error", {}).get("Code") in _BUGS
    )


def together(*reads: Callable[[], Any]) -> list[Any]:
    """What each of several reads gives, made at the same time: in sequence they are one round trip."""
    with ThreadPoolExecutor(len(reads)) as pool:
        return [future.result() for future in [pool.submit(copy_context().run, read) for read in reads]]


_T = TypeVar("_T")


def in_chunks(things: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """The things in runs of at most `size`."""
    for start in range(0, len(things), size):
        yield things[start : start + size]

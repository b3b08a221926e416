"""The patients table, second half.

The record's rows in five orders, and every version of every resource as it was sent.
"""

import functools
import itertools
import json
import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TypeAlias

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, LocalSecondaryIndex

from chalicelib.domain.fhir import text
from chalicelib.domain.fhir_api.search import ANY_TOKEN
from chalicelib.domain.records.paging import PageKey
from chalicelib.models.base import RawItem, storage_errors
from chalicelib.models.patients import Held, PatientsTable

_KEPT_AT_ONCE = 100
"""Rows of what is kept that are looked through at once for those of one type."""


class Order(StrEnum):
    """The orders in which a record is read: each is a local secondary index."""

    DATE = "by_date"
    CATEGORY = "by_category"
    CODE = "by_code"
    CHANGED = "by_changed"
    ENCOUNTER = "by_encounter"


class DateIndex(LocalSecondaryIndex["Record"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it untyped.
    """A record in the order of all dates."""

    class Meta:
        index_name = "by_date"
        projection = AllProjection()

    pk = UnicodeAttribute(hash_key=True)
    date_key = UnicodeAttribute(range_key=True)


class CategoryIndex(LocalSecondaryIndex["Record"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it untyped.
    """A record in the order of categories, each by date."""

    class Meta:
        index_name = "by_category"
        projection = AllProjection()

    pk = UnicodeAttribute(hash_key=True)
    category_key = UnicodeAttribute(range_key=True)


class CodeIndex(LocalSecondaryIndex["Record"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it untyped.
    """A record in the order of codes, each by date."""

    class Meta:
        index_name = "by_code"
        projection = AllProjection()

    pk = UnicodeAttribute(hash_key=True)
    code_key = UnicodeAttribute(range_key=True)


class ChangedIndex(LocalSecondaryIndex["Record"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it untyped.
    """A record in the order of changes."""

    class Meta:
        index_name = "by_changed"
        projection = AllProjection()

    pk = UnicodeAttribute(hash_key=True)
    changed_key = UnicodeAttribute(range_key=True)


class EncounterIndex(LocalSecondaryIndex["Record"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it untyped.
    """A record in the order of visits, each by date."""

    class Meta:
        index_name = "by_encounter"
        projection = AllProjection()

    pk = UnicodeAttribute(hash_key=True)
    encounter_key = UnicodeAttribute(range_key=True)


class Record(Held, discriminator="record"):
    """One row of a patient's record; sort key `record#<record id>`. `view` is the JSON that lists show.

    What `is_sensitive` does not say is not known, and counts as sensitive. `tokens` is the JSON list of codes by which
    the resource may be searched (domain/fhir_api/search).

    Of a record that was replaced, `added_at` says when it came, `shown_at` since when people see what they see now, and
    `earlier` until when each of the latest states before that one was shown, as JSON, oldest first: their rows are
    `Was`. A record as it came has none of the three.
    """

    record_id = UnicodeAttribute()
    category = UnicodeAttribute()
    added_at = UnicodeAttribute(null=True)
    shown_at = UnicodeAttribute(null=True)
    earlier = UnicodeAttribute(null=True)
    is_sensitive = BooleanAttribute(null=True)
    view = UnicodeAttribute()
    title_key = UnicodeAttribute()
    date_key = UnicodeAttribute()
    category_key = UnicodeAttribute()
    code_key = UnicodeAttribute(null=True)
    changed_key = UnicodeAttribute()
    encounter_key = UnicodeAttribute(null=True)
    tokens = UnicodeAttribute(null=True)
    in_order_of_date = DateIndex()
    in_order_of_category = CategoryIndex()
    in_order_of_code = CodeIndex()
    in_order_of_change = ChangedIndex()
    in_order_of_encounter = EncounterIndex()

    @property
    def came_at(self) -> str:
        """Since when the patient has it."""
        return self.added_at or self.changed_at

    @property
    def shown_since(self) -> str:
        """Since when people see what they see now."""
        return self.shown_at or self.changed_at

    @property
    def shown_until(self) -> list[str]:
        """Until when each of the latest earlier states was shown, oldest first."""
        stamps: list[str] = json.loads(self.earlier or "[]")
        return stamps

    @property
    def last_change(self) -> str:
        """When it was last replaced, whether people see a difference or not: its place in the order of changes."""
        return self.changed_key.partition("#")[0]


class Kept(Held, discriminator="kept"):
    """A resource that is kept as sent and shown nowhere; sort key `kept#<id>`."""


class Directory(Held, discriminator="directory"):
    """Somebody or something that records refer to; partition key `directory#<id>`.

    `seen` are the hashes of the contents before this one: every bundle brings its own idea of a practitioner along, and
    sending the bundles again must not go round in a circle.
    """

    seen = UnicodeAttribute(default="[]")


_KEYS = {
    Order.DATE: (Record.in_order_of_date, Record.date_key),
    Order.CATEGORY: (Record.in_order_of_category, Record.category_key),
    Order.CODE: (Record.in_order_of_code, Record.code_key),
    Order.CHANGED: (Record.in_order_of_change, Record.changed_key),
    Order.ENCOUNTER: (Record.in_order_of_encounter, Record.encounter_key),
}


def record_sk(record_id: str) -> str:
    """The sort key of a record's row."""
    return f"record#{record_id}"


def find_page(  # noqa: PLR0913  So many things make a page what it is.
    patient_id: str,
    order: Order,
    between: tuple[str, str],
    *,
    limit: int,
    after: PageKey | None,
    matching: Condition | None = None,
    oldest_first: bool = False,
    with_gone: bool = False,
) -> tuple[list[Record], PageKey | None]:
    """At most `limit` rows of one order, newest first, whose order key lies in [low, high]: one round trip.

    `with_gone` gives what has left the patient as well, where the order is that of changes.
    """
    index, attribute = _KEYS[order]
    if order is Order.CHANGED and not with_gone:
        is_there: Condition = Record.kind.is_in(Record)
        matching = is_there if matching is None else is_there & matching
    last: RawItem | None = None
    if after is not None:
        last = {"pk": {"S": patient_id}, "sk": {"S": after.sk}, attribute.attr_name: {"S": after.order_key}}
    with storage_errors():
        # Iterating over the results would read on until `limit` rows match, however many there are.
        pages = index.query(
            patient_id,
            attribute.between(*between),
            filter_condition=matching,
            consistent_read=True,
            scan_index_forward=oldest_first,
            page_size=limit,
            last_evaluated_key=last,
        ).page_iter
        page = next(pages)
        return [Record.from_raw_data(item) for item in page["Items"]], _page_key(
            page.get("LastEvaluatedKey"), attribute.attr_name
        )


def find_all_of(patient_id: str) -> list[Record]:
    """Every record of a patient: as many round trips as it has megabytes."""
    with storage_errors():
        return list(Record.query(patient_id, Record.sk.startswith("record#"), consistent_read=True))


def count(patient_id: str, most: int) -> tuple[Counter[str], bool]:
    """How many records of each category a patient has, of the first `most` records, and whether those are all."""
    with storage_errors():
        rows = Record.query(
            patient_id,
            Record.sk.startswith("record#"),
            consistent_read=True,
            attributes_to_get=["category", "kind"],
            limit=most + 1,
        )
        categories = [row.category for row in rows]
    return Counter(categories[:most]), len(categories) <= most


Restriction: TypeAlias = Condition
"""What the rows of a page must fulfil beyond their place in an order."""


def has_in_title(words: str) -> Restriction:
    """Rows with these folded words in their title."""
    return Record.title_key.contains(words)


def is_of_category(category: str) -> Restriction:
    """Rows of one category."""
    return Record.category == category


def has_code(code_key_start: str) -> Restriction:
    """Rows with one code, by what their code keys begin with."""
    return Record.code_key.startswith(code_key_start)


def is_of_any(categories: Iterable[str]) -> Restriction:
    """Rows of some categories, at least one of them."""
    return Record.category.is_in(*sorted(categories))


def is_of_type(resource_type: str) -> Restriction:
    """Rows of one type of FHIR resource."""
    return Record.resource_type == resource_type


def has_other_code(code_key_start: str) -> Restriction:
    """Rows whose code keys begin with anything else, or who have none."""
    other: Restriction = Record.code_key.does_not_exist() | ~Record.code_key.startswith(code_key_start)
    return other


def has_token_of(tokens: Iterable[str]) -> Restriction:
    """Rows with one of some tokens; and those of which it is not known, whose resources have to be looked at."""
    known = [Record.tokens.contains(text.dump(token).decode()) for token in (ANY_TOKEN, *tokens)]
    return functools.reduce(operator.or_, known, Record.tokens.does_not_exist())


def is_scheduled_as(scheduling: str) -> Restriction:
    """Rows of orders that are still to be done, by whether they say when."""
    # A quotation mark inside of a text stands behind a backslash: no text looks like a field.
    return Record.view.contains(f'"scheduling":"{scheduling}"')


def names_record(record_id: str) -> Restriction:
    """Rows whose views lead to a record."""
    return Record.view.contains(f'"{record_id}"')


def is_not_sensitive() -> Restriction:
    """Rows of which it is known that they are not sensitive."""
    known: Restriction = Record.is_sensitive == False  # noqa: E712  A condition, no comparison.
    return known


def is_seen_since(stamp: str) -> Restriction:
    """Rows of which people see something since after a time that they did not see before."""
    seen: Restriction = Record.shown_at.does_not_exist() | (Record.shown_at > stamp)
    return seen


def is_as_read(row: Record) -> Restriction:
    """That nobody has made a row anew since it was read: with another version, or with names that had not arrived."""
    unchanged: Restriction = Record.changed_key == row.changed_key
    return unchanged


def is_dated_from(stamp: str) -> Restriction:
    """Rows of what happened at a time or after it."""
    late: Restriction = Record.date_key >= stamp
    return late


def was_another() -> Restriction:
    """Rows that once said something else, or that are gone."""
    once: Restriction = Record.earlier.exists()
    return once


def order_key_of(row: Record, order: Order) -> str:
    """Where a row stands in an order."""
    key: str = getattr(row, _KEYS[order][1].attr_name)
    return key


def _page_key(last: RawItem | None, attribute: str) -> PageKey | None:
    return PageKey(last["sk"]["S"], last[attribute]["S"]) if last else None


def find(patient_id: str, record_id: str) -> Record | None:
    """One record of a patient."""
    return Record.find(patient_id, record_sk(record_id))


def find_many(patient_ids: Iterable[str], record_ids: Iterable[str]) -> dict[str, Record]:
    """Those of some records that one of some patients has, by id: one round trip for each 100 pairs."""
    places = itertools.product(patient_ids, [record_sk(record_id) for record_id in record_ids])
    rows = Record.find_all(list(places))
    return {row.record_id: row for row in rows.values()}


def find_kept_page(
    patient_id: str, resource_type: str | None, *, limit: int, after: str | None
) -> tuple[list[Kept], str | None]:
    """At most `limit` rows of what is kept of a patient, of one type or of any, and the sort key to go on behind."""
    last = {"pk": {"S": patient_id}, "sk": {"S": after}} if after else None
    matching = Kept.resource_type == resource_type if resource_type else None
    with storage_errors():
        pages = Kept.query(
            patient_id,
            Kept.sk.startswith("kept#"),
            filter_condition=matching,
            consistent_read=True,
            page_size=_KEPT_AT_ONCE if resource_type else limit,
            last_evaluated_key=last,
        ).page_iter
        page = next(pages)
        rows = [Kept.from_raw_data(item) for item in page["Items"]]
        end = page.get("LastEvaluatedKey")
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1].sk
    return rows, end["sk"]["S"] if end else None


def find_directory(directory_ids: Iterable[str]) -> list[Directory]:
    """Those of some people, places and drugs that are known: one round trip for each 100."""
    return list(Directory.find_all([(f"directory#{one}", "directory") for one in directory_ids]).values())


def find_held(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Held]:
    """The present versions of resources, by key, of whatever kind."""
    return {key: row for key, row in PatientsTable.find_all(keys).items() if isinstance(row, Held)}

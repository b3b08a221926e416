"""What goes into a copy: the pages of the record as screens show them, one after the other, kept in a file meanwhile.

So a record may be of any length, the counts are known before the first word is written, and they are of what is
written.
"""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final, TypeAlias, cast

import orjson

from chalicelib.domain.exports import Wanted
from chalicelib.domain.fhir import text
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.sight import Sight
from chalicelib.models import raw_versions
from chalicelib.models import records as storage
from chalicelib.models.records import Record
from chalicelib.services import attached_texts, records
from chalicelib.services.record_pages import READ_AT_ONCE, Filter, Whose

ORDER: Final = (
    Category.ALLERGY,
    Category.MEDICATION,
    Category.CONDITION,
    Category.ENCOUNTER,
    Category.LAB,
    Category.VITAL,
    Category.REPORT,
    Category.IMAGING,
    Category.PROCEDURE,
    Category.IMMUNIZATION,
    Category.DOCUMENT,
    Category.ORDER,
    Category.CARE_PLAN,
    Category.GOAL,
    Category.CARE_TEAM,
    Category.DEVICE,
    Category.SOCIAL_HISTORY,
    Category.FAMILY_HISTORY,
    Category.QUESTIONNAIRE_RESPONSE,
)
"""The categories in the order in which a copy has them."""

ATTACHED: Final = "attached_texts"
"""The field in which a view in a copy has the text that came with a document or a report."""

_COUNTED_AT_MOST: Final = 1_000_000

View: TypeAlias = dict[str, Any]
Tell: TypeAlias = Callable[[int], None]
"""Is told how far the work is, in percent; raises Superseded where it is another worker's by now."""


@dataclass(slots=True)
class Spool:
    """Entries in the order of the copy, and how many there are of each category; a category without any has none."""

    file: IO[bytes]
    counts: Counter[Category] = field(default_factory=Counter)

    def read(self) -> Iterator[tuple[Category, dict[str, Any]]]:
        """Each entry with its category, from the first on."""
        self.file.seek(0)
        with gzip.GzipFile(fileobj=self.file, mode="rb") as lines:
            for line in cast("IO[bytes]", lines):
                category, _, body = line.partition(b" ")
                yield Category(category.decode()), text.parse(body)


@dataclass(frozen=True, slots=True)
class Source:
    """What is gathered: whose records, what is wanted of them, and what of them shows."""

    whose: Whose
    wanted: Wanted
    sight: Sight

    @property
    def categories(self) -> list[Category]:
        """The categories of the copy: all that are wanted and show."""
        shown = set(self.wanted.categories or ORDER) & self.sight.categories
        return [category for category in ORDER if category in shown]


Entries: TypeAlias = Callable[[list[str], list[Record]], Iterator[bytes]]
"""What of a page goes into the spool, one line of JSON each, from its views and its rows."""


def gather(source: Source, spool: Spool, entries: Entries, tell: Tell) -> None:
    """All of it, page by page. `tell` hears of it in percent up to 100."""
    total = max(1, _count(source))
    with gzip.GzipFile(fileobj=spool.file, mode="wb", compresslevel=1) as out:
        for category in source.categories:
            for views, rows in _pages(source, category):
                lines = list(entries(views, rows))
                out.writelines(b"%s %s\n" % (category.encode(), line) for line in lines)
                spool.counts[category] += len(lines)
                tell(min(100, 100 * spool.counts.total() // total))


def _count(source: Source) -> int:
    """How many there are at most: dates, and what is hidden, are not looked at."""
    counted = (storage.count(patient_id, _COUNTED_AT_MOST)[0] for patient_id in source.whose)
    return sum(found[category] for found in counted for category in source.categories)


def _pages(source: Source, category: Category) -> Iterator[tuple[list[str], list[Record]]]:
    wanted = Filter(category=category, since=source.wanted.since, until=source.wanted.until)
    after = None
    while True:
        page = records.find_page(source.whose, wanted, limit=READ_AT_ONCE, after=after, sight=source.sight)
        yield page.views, page.rows
        after = page.after
        if after is None:
            return


def views_with_texts(views: list[str], rows: list[Record]) -> Iterator[bytes]:
    """The views, those of documents and reports with the texts that came with them."""
    raws = raw_versions.find_present_raws(row for row in rows if row.category in attached_texts.CARRIED_BY)
    for view, row in zip(views, rows, strict=True):
        raw = raws.get(row.record_id)
        found = attached_texts.of(text.parse(records.body_of(raw))) if raw is not None else []
        line = text.dump({**text.parse(view), ATTACHED: found}) if found else view.encode()
        yield line


def as_sent(_views: list[str], rows: list[Record]) -> Iterator[bytes]:
    """The resources as they were sent, each with the id of its record and who sent it."""
    raws = raw_versions.find_present_raws(rows)
    for row in rows:
        raw = raws.get(row.record_id) or raw_versions.find_latest_raw(row.record_id)
        if raw is None:
            raise AssertionError("a record has its resource")
        known = orjson.dumps({"record_id": row.record_id, "source": row.source})
        yield b'{"known":%s,"resource":%s}' % (known, records.body_of(raw))

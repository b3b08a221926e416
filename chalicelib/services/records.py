"""Reading a record: pages of it in any order, one entry, and the resource as it was sent.

Everything is read with a sight: what it hides is not there.
"""

import itertools
import zlib
from dataclasses import dataclass, field, replace

from chalicelib import ids
from chalicelib.clients import files
from chalicelib.domain.access import Actor
from chalicelib.domain.audit import Action, Entry
from chalicelib.domain.fhir import text
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.paging import PageKey
from chalicelib.domain.records.release import Moment
from chalicelib.domain.records.sight import FULL, Sight, linked_ids, without_hidden
from chalicelib.errors import HeldBack, NotFound
from chalicelib.models import audit, raw_versions, record_amendments, records
from chalicelib.models.base import together
from chalicelib.models.raw_versions import Raw
from chalicelib.models.records import Record
from chalicelib.services import record_pages, releases
from chalicelib.services.record_pages import READ_AT_ONCE, Filter, Whose

# Lambda answers with 6 MB at most, and a summary holds several such lists.
_MOST_BYTES = 1_000_000
_MOST_OF_A_VISIT = 500
_MOST_LINKED = 300
# DynamoDB ends a page at 1 MB.
_PAGES = 10


@dataclass(frozen=True, slots=True)
class Page:
    """The list views of a page, as JSON text each, and where the next page begins; the rows are those of the views."""

    views: list[str]
    after: PageKey | None
    rows: list[Record] = field(default_factory=list)


def find_page(whose: Whose, wanted: Filter, *, limit: int, after: PageKey | None, sight: Sight = FULL) -> Page:
    """A page of the record, newest first; what makes a page short, `record_pages.find_rows` says.

    Raises NotFound for a category that is hidden from the reader.
    """
    if wanted.category is not None and wanted.category not in sight.categories:
        raise NotFound
    (rows, last), now = releases.beside(
        whose, sight, lambda: record_pages.find_rows(whose, wanted, limit=limit, after=after, sight=sight)
    )
    return Page(_views(whose, rows, sight, now), last, rows)


def _views(whose: Whose, rows: list[Record], sight: Sight, now: Moment) -> list[str]:
    """What rows show to a reader at a moment, as JSON text: of results that they hold back no more than the name."""
    views = _in_sight(whose, rows, sight)
    if not sight.holds:
        return views
    return [
        text.dump(releases.shown(row, text.parse(view), sight, now)).decode()
        if releases.is_held(row, sight, now)
        else view
        for row, view in zip(rows, views, strict=True)
    ]


def _in_sight(whose: Whose, rows: list[Record], sight: Sight) -> list[str]:
    """What rows show to a reader: of records that are hidden from them not even the titles."""
    if sight.is_full:
        return [row.view for row in rows]
    views = [text.parse(row.view) for row in rows]
    linked = {record_id for view in views for record_id in linked_ids(view)}
    found = {row.record_id: row for row in rows}
    found |= records.find_many(whose, linked - found.keys())
    shown = {record_id for record_id, row in found.items() if _shows(sight, row)}
    return [text.dump(without_hidden(view, shown)).decode() for view in views]


def _shows(sight: Sight, row: Record) -> bool:
    return sight.shows(row.category, is_sensitive=row.is_sensitive is not False)


def find(whose: Whose, record_id: str, sight: Sight = FULL) -> tuple[Category, str]:
    """The category of one record, and its view as JSON text, with the requests to correct it for who may read those.

    Raises NotFound, also for a record that is hidden.
    """
    (record, asked), now = releases.beside(whose, sight, lambda: record_amendments.find_with_record(whose, record_id))
    if record is None or not _shows(sight, record):
        raise NotFound
    (view,) = _views(whose, [record], sight, now)
    if asked is not None and sight.sees_every_category:
        named = [{"amendment_id": one, "status": status} for one, status in asked.statuses.items()]
        view = f'{view[:-1]},"amendments":{text.dump(named).decode()}}}'
    return Category(record.category), view


def find_owner(whose: Whose, record_id: str, sight: Sight = FULL) -> str | None:
    """In which of some patients' files a record lies; None where there is none that shows."""
    record = records.find_many(whose, [record_id]).get(record_id) if ids.has_prefix(record_id, "rec") else None
    return record.pk if record is not None and _shows(sight, record) else None


def shown_among(whose: Whose, record_ids: set[str], sight: Sight) -> set[str]:
    """Those of some records that show to a reader: one round trip for each 100."""
    rows = records.find_many(whose, record_ids) if record_ids else {}
    return {record_id for record_id, row in rows.items() if _shows(sight, row)}


def _find_open(whose: Whose, record_id: str, sight: Sight) -> None:
    """Raises NotFound for a record that does not show, and HeldBack for one that is held back."""
    record, now = releases.beside(whose, sight, lambda: records.find_many(whose, [record_id]).get(record_id))
    if record is None or not _shows(sight, record):
        raise NotFound
    if releases.is_held(record, sight, now):
        raise HeldBack


def reveal(actor: Actor, whose: Whose, record_id: str, sight: Sight) -> Sight:
    """A sight that holds nothing back, for one record that its reader asks for all the same.

    That they did is audited where it is held back at this moment.
    """
    record, now = releases.beside(whose, sight, lambda: records.find_many(whose, [record_id]).get(record_id))
    if record is not None and _shows(sight, record) and releases.is_held(record, sight, now):
        about: dict[str, object] = {"record_id": record_id}
        audit.record_alone(Entry(actor, Action.RECORD_REVEAL, patient_id=record.pk, about=about))
    return replace(sight, holds=())


def find_fhir(whose: Whose, record_id: str, sight: Sight = FULL) -> str:
    """The resource of a record as it was sent, Social Security numbers masked.

    Raises NotFound for another's record, and for one that is hidden, and HeldBack for one that its reader holds back.
    """
    if not ids.has_prefix(record_id, "rec"):
        raise NotFound
    if sight.is_full and not sight.holds:
        raw = raw_versions.find_latest_raw(record_id)
    else:
        raw, _ = together(lambda: raw_versions.find_latest_raw(record_id), lambda: _find_open(whose, record_id, sight))
    if raw is None or raw.owner not in whose:
        raise NotFound
    return body_of(raw).decode()


def find_of_encounter(whose: Whose, encounter_id: str, sight: Sight = FULL) -> list[str]:
    """The views of everything that came about during a visit, newest first, up to 500."""
    return find_all(whose, Filter(encounter_id=encounter_id), _MOST_OF_A_VISIT, sight)


def find_linked(whose: Whose, view: str, sight: Sight = FULL) -> list[str]:
    """The views of the records that a record's view names and that show, in its order, up to 300."""
    wanted = list(dict.fromkeys(linked_ids(text.parse(view))))[:_MOST_LINKED]
    if not wanted:
        return []
    found, now = releases.beside(whose, sight, lambda: records.find_many(whose, wanted))
    shown = [found[record_id] for record_id in wanted if record_id in found and _shows(sight, found[record_id])]
    return _that_fit(_views(whose, shown, sight, now)) if shown else []


def find_all(whose: Whose, wanted: Filter, most: int, sight: Sight = FULL) -> list[str]:
    """The views of all records that are wanted, newest first, up to `most` and to what fits an answer.

    None where their category is hidden as a whole.
    """
    views: list[str] = []
    after: PageKey | None = None
    if wanted.category is not None and wanted.category not in sight.categories:
        return views
    for _ in range(_PAGES):
        page = find_page(whose, wanted, limit=READ_AT_ONCE, after=after, sight=sight)
        views += page.views
        after = page.after
        if after is None or len(views) >= most or sum(map(len, views)) > _MOST_BYTES:
            break
    return _that_fit(views[:most])


def _that_fit(views: list[str]) -> list[str]:
    sizes = itertools.accumulate(len(view.encode()) for view in views)
    return [view for view, size in zip(views, sizes, strict=True) if size <= _MOST_BYTES]


def body_of(raw: Raw) -> bytes:
    """A version as sent, wherever it lies."""
    return zlib.decompress(files.get_record(raw.stored_at) if raw.stored_at else raw.body)

"""What a page of a calendar asks of each of its sources, and what they answer."""

from dataclasses import dataclass, field

from chalicelib.domain import calendar
from chalicelib.domain.calendar import Entry
from chalicelib.domain.records.sight import Sight
from chalicelib.services.record_pages import Whose


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose calendar, and from when to when, as order keys; `after` is the key of the last entry of the page before.

    A source answers with its earliest entries of that time that come after it: `limit` of them, or as many as it has.
    """

    whose: Whose
    sight: Sight
    low: str
    high: str
    limit: int
    after: str | None = None

    @property
    def begin(self) -> str:
        """From where on a source reads: what stands at this very place may have been shown."""
        return self.low if self.after is None else max(self.low, calendar.place_of(self.after))


@dataclass(frozen=True, slots=True)
class Found:
    """Entries of one source, the earliest first. Behind the key `end` there may be more; None where there is none."""

    entries: list[Entry] = field(default_factory=list)
    end: str | None = None


def joined(pages: list[Found], asked: Asked) -> Found:
    """The earliest entries of several answers, as one answer."""
    end = min((page.end for page in pages if page.end is not None), default=None)
    entries = sorted((one for page in pages for one in page.entries), key=lambda one: one.key)
    known = [
        one for one in entries if (end is None or one.key <= end) and (asked.after is None or one.key > asked.after)
    ]
    if len(known) > asked.limit:
        return Found(known[: asked.limit], known[asked.limit - 1].key)
    return Found(known, end)

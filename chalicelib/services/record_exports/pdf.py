"""A copy of a record as a PDF to read and print: a title, what is in it, a section for each category."""

from typing import IO

from chalicelib.domain.records.categories import Category
from chalicelib.services.record_exports.gathering import Tell, View
from chalicelib.services.record_exports.heading import Heading
from chalicelib.services.record_exports.lines import Line, date_of, lines_of
from chalicelib.services.record_exports.sheets import LARGE, NORMAL, About, Run, Sheets
from chalicelib.settings import settings


def write(out: IO[bytes], heading: Heading, tell: Tell) -> None:
    """Write all of it."""
    say = heading.speaker.say
    about = About(
        title=heading.title,
        author=settings().clinic_name,
        language=heading.speaker.language,
        head=heading.of_whom,
        page=say("page", number="{number}"),
    )
    sheets = Sheets(out, about, LARGE if heading.wanted.large_print else NORMAL)
    _write_beginning(sheets, heading)
    place: Category | None = None
    number, written = 0, 0
    for category, view in heading.spool.read():
        if category is not place:
            place, number = category, 0
            _write_section(sheets, heading, category)
        number, written = number + 1, written + 1
        _write_entry(sheets, heading, number, view)
        tell(100 * written // heading.spool.counts.total())
    _write_end(sheets, heading)
    sheets.end()


def _write_beginning(sheets: Sheets, heading: Heading) -> None:
    size = sheets.size
    sheets.set([Run(heading.title, bold=True)], size.title, above=size.title / 2)
    for line in heading.lines():
        _write_line(sheets, line, above=size.body / 3)
    sheets.mark("contents", heading.speaker.say("contents"))
    sheets.set([Run(heading.speaker.say("contents"), bold=True)], size.section, above=size.section, keep=2)
    for (category, _), line in zip(heading.sections, heading.contents(), strict=False):
        _write_line(sheets, line)
        sheets.link(category)
    *_, total = heading.contents()
    _write_line(sheets, total)


def _write_section(sheets: Sheets, heading: Heading, category: Category) -> None:
    title = heading.section(category)
    sheets.mark(category, title)
    sheets.set([Run(title, bold=True)], sheets.size.section, above=sheets.size.section, keep=3)
    sheets.rule(sheets.size.section)


def _write_entry(sheets: Sheets, heading: Heading, number: int, view: View) -> None:
    body, indent = sheets.size.body, sheets.size.body * 1.5
    title = [Run(f"{number}. {view['title']}", bold=True)]
    sheets.set(title, sheets.size.entry, hanging=indent, above=body * 0.7, keep=1)
    date = Line(heading.speaker.label("occurred_at"), date_of(view, heading.speaker))
    for line in (date, *lines_of(view, heading.speaker)):
        _write_line(sheets, line, indent=indent * (1 + line.depth))


def _write_line(sheets: Sheets, line: Line, *, indent: float = 0, above: float = 0) -> None:
    """A line and, where its text has several, each of them below."""
    body = sheets.size.body
    first, *rest = line.text.splitlines() or [""]
    sheets.set([Run(f"{line.label}:", bold=True), Run(first)], body, indent=indent, hanging=body, above=above)
    for more in rest:
        if more.strip():
            sheets.set([Run(more)], body, indent=indent + body)


def _write_end(sheets: Sheets, heading: Heading) -> None:
    say, size = heading.speaker.say, sheets.size
    if sheets.unprintable:
        sheets.set([Run(say("unprintable"))], size.body, above=size.section)
    sheets.set([Run(say("end"), bold=True)], size.body, above=size.section)

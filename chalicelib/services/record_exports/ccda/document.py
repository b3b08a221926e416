"""The document as a whole, section by section: a table for people, and entries for programs, of every record."""

import io
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Final

from chalicelib.domain.records.categories import Category
from chalicelib.services.record_exports.ccda.entries import entry_of
from chalicelib.services.record_exports.ccda.header import header
from chalicelib.services.record_exports.ccda.sections import SECTIONS, Section
from chalicelib.services.record_exports.ccda.xml import as_text, is_time, loinc, tag, template
from chalicelib.services.record_exports.gathering import Tell, View
from chalicelib.services.record_exports.heading import Heading
from chalicelib.services.record_exports.lines import date_of, lines_of

_ROOT: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc">\n'
)


def write(out: IO[bytes], heading: Heading, tell: Tell) -> None:
    """Write all of it."""
    with ExitStack() as files:
        body = _Body(heading, files)
        for place, (category, view) in enumerate(heading.spool.read(), start=1):
            body.add(category, view)
            tell(100 * place // heading.spool.counts.total())
        out.write(_ROOT.encode())
        for element in header(heading, body.first):
            out.write(f"{as_text(element)}\n".encode())
        body.copy_to(out)
        out.write(b"</ClinicalDocument>\n")


class _Body:
    """The body, in files meanwhile: a table stands before its entries, and the head says since when there are any."""

    def __init__(self, heading: Heading, files: ExitStack) -> None:
        self.first: str | None = None
        self._heading = heading
        self._files = files
        self._parts: dict[Section, tuple[IO[bytes], IO[bytes]]] = {}

    def add(self, category: Category, view: View) -> None:
        """A record into its section: a row of the table, and an entry where it has a code."""
        section = next(one for one in SECTIONS if category in one.categories)
        if section not in self._parts:
            self._parts[section] = (self._scratch(), self._scratch())
        table, entries = self._parts[section]
        row = f"{category}-{view['record_id']}"
        table.write(f"{self._row(view, row)}\n".encode())
        entry = entry_of(category, view, row)
        if entry is not None:
            entries.write(f"{as_text(entry)}\n".encode())
        at = view["occurred_at"]
        if is_time(at) and (self.first is None or at < self.first):
            self.first = at

    def _scratch(self) -> IO[bytes]:
        return self._files.enter_context(TemporaryFile())

    def copy_to(self, out: IO[bytes]) -> None:
        """Every section that has records, and those that such a document always has."""
        out.write(b"<component><structuredBody>\n")
        for section in SECTIONS:
            if section in self._parts:
                for part in self._section(section, *self._parts[section]):
                    shutil.copyfileobj(part, out)
            elif section.required:
                out.write(self._empty(section).encode())
        out.write(b"</structuredBody></component>\n")

    def _section(self, section: Section, table: IO[bytes], entries: IO[bytes]) -> Iterator[IO[bytes]]:
        speaker = self._heading.speaker
        names = (speaker.label("occurred_at"), speaker.say("entry"), speaker.say("details"))
        head = as_text(tag("thead", tag("tr", *(tag("th", text=name) for name in names))))
        table.seek(0)
        entries.seek(0)
        yield _bytes(f"<component><section>\n{self._head(section)}<text><table>{head}<tbody>\n")
        yield table
        yield _bytes("</tbody></table></text>\n")
        yield entries
        yield _bytes("</section></component>\n")

    def _head(self, section: Section) -> str:
        templates = []
        if section.root is not None:
            templates = [
                template(section.root),
                *([template(section.root, section.extension)] if section.extension else []),
            ]
        title = "; ".join(self._heading.speaker.category(category) for category in section.categories)
        parts = [*templates, loinc("code", section.code, section.name), tag("title", text=title)]
        return "\n".join([*map(as_text, parts), ""])

    def _empty(self, section: Section) -> str:
        """A section that has to be there: whether there is nothing, or nothing was asked for, is not said."""
        text = as_text(tag("text", text=self._heading.speaker.say("none_here")))
        return f'<component><section nullFlavor="NI">\n{self._head(section)}{text}\n</section></component>\n'

    def _row(self, view: View, row: str) -> str:
        speaker = self._heading.speaker
        details = tag("td")
        for line in lines_of(view, speaker):
            details.append(tag("paragraph", text=f"{line.label}: {line.text}"))
        return as_text(
            tag("tr", tag("td", text=date_of(view, speaker)), tag("td", text=view["title"]), details, ID=row)
        )


def _bytes(text: str) -> IO[bytes]:
    return io.BytesIO(text.encode())

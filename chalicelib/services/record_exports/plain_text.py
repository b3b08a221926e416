"""A copy of a record as plain text: UTF-8, wrapped, every entry with its number and what it says below it."""

import re
import textwrap
from collections.abc import Iterator
from typing import IO, Final

from chalicelib.services.record_exports.gathering import Tell, View
from chalicelib.services.record_exports.heading import Heading
from chalicelib.services.record_exports.lines import Line, date_of, lines_of

_WIDTH: Final = 78
_INDENT: Final = "    "
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


def write(out: IO[bytes], heading: Heading, tell: Tell) -> None:
    """Write all of it. What somebody wrote into the record stands in, so that none of it passes for an entry."""
    for line in _lines(heading, tell):
        out.write(f"{line}\n".encode())


def _lines(heading: Heading, tell: Tell) -> Iterator[str]:
    yield from _titled(heading.title, "=")
    for line in heading.lines():
        yield from _wrapped(line, "")
    yield ""
    yield from _titled(heading.speaker.say("contents"), "-")
    for line in heading.contents():
        yield from _wrapped(line, "")
    place, number, written = None, 0, 0
    for category, view in heading.spool.read():
        if category is not place:
            place, number = category, 0
            yield ""
            yield from _titled(heading.section(category), "=")
        number, written = number + 1, written + 1
        yield from _entry(number, view, heading)
        tell(100 * written // heading.spool.counts.total())
    yield ""
    yield heading.speaker.say("end")


def _titled(title: str, rule: str) -> Iterator[str]:
    title = _clean(title)
    yield title
    yield rule * min(len(title), _WIDTH)


def _entry(number: int, view: View, heading: Heading) -> Iterator[str]:
    yield ""
    label = f"{number}. "
    yield from textwrap.wrap(
        _clean(view["title"]), _WIDTH, initial_indent=label, subsequent_indent=_INDENT, break_on_hyphens=False
    )
    yield from _wrapped(Line(heading.speaker.label("occurred_at"), date_of(view, heading.speaker)), _INDENT)
    for line in lines_of(view, heading.speaker):
        yield from _wrapped(line, _INDENT * (1 + line.depth))


def _wrapped(line: Line, indent: str) -> Iterator[str]:
    first, *rest = f"{line.label}: {line.text}".splitlines() or [""]
    yield from _wrap(first, indent, f"{indent}  ")
    for paragraph in rest:
        yield from _wrap(paragraph, f"{indent}  ", f"{indent}  ")


def _wrap(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        _clean(text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _clean(text: str) -> str:
    return _CONTROLS.sub(" ", text)

"""Cards, labels and letters as a camera sees them, read by the engine of this machine: right or unsure, never wrong.

The smaller run sees each paper in a few of its ways; `PROMISES=full` sees each at every angle in every quality.
"""

import itertools
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

import pytest

from chalicelib.clients.text_recognition import alone
from chalicelib.domain.picture_readings import Field, PictureKind
from chalicelib.domain.picture_readings.fields import read
from chalicelib.domain.picture_readings.lines import Line
from chalicelib.services.picture_readings.preparing import prepared
from tests.support import sizes
from tests.support.pictures import ANGLES, QUALITIES, SAMPLES, Sample, photographed
from tests.support.promises import Promise

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not alone.is_installed(), reason="This system has no wheels of requirements-pictures.txt."),
]

Seen = tuple[Sample, int, str, dict[str, Field]]

RIGHT, UNSURE, MISSED, ASTRAY, WRONG = "right", "right, unsure", "missing", "wrong, unsure", "wrong"
_TODAY: Final = date(2026, 11, 23)


def _ways() -> Iterator[tuple[Sample, int, str]]:
    """Every way in which a paper is seen; in the smaller run every n-th, which meets all angles and qualities."""
    ways = list(itertools.product(SAMPLES, ANGLES, QUALITIES))
    every = sizes.size("pictures")
    # A step that shares no factor with the numbers of angles and qualities walks through all of them.
    return iter(ways[::every])


def _lines(picture: bytes) -> list[Line]:
    return [
        Line(text, tuple(said), (one, two, three, four)) for text, said, (one, two, three, four) in alone.lines(picture)
    ]


@pytest.fixture(scope="module")
def seen() -> list[Seen]:
    """Every picture, read by an engine that is loaded once."""
    found = []
    for sample, angle, quality in _ways():
        picture, _ = prepared(photographed(sample, angle, quality))
        content = read(PictureKind(sample.kind), _lines(picture), _TODAY)
        found.append((sample, angle, quality, {one.name: one for one in content.fields}))
    return found


def _verdict(field: Field, wanted: str) -> str:
    if field.value is None:
        return MISSED
    if _letters(field.value) == _letters(wanted):
        return RIGHT if field.is_certain else UNSURE
    return WRONG if field.is_certain else ASTRAY


def _letters(text: str) -> str:
    """A text without its spaces, which an engine may miss where letters are unclear."""
    return "".join(text.split())


def _verdicts(seen: list[Seen], quality: str | None = None) -> Counter[str]:
    return Counter(
        _verdict(fields[name], wanted)
        for sample, _, taken, fields in seen
        if quality in {None, taken}
        for name, wanted in sample.fields.items()
    )


def test_no_field_is_certain_and_wrong(seen: list[Seen], promise: Promise) -> None:
    print(f"\n{'':10}" + "".join(f"{one:>15}" for one in (RIGHT, UNSURE, MISSED, ASTRAY, WRONG)))
    for quality in (*QUALITIES, None):
        counts = _verdicts(seen, quality)
        print(f"{quality or 'all':10}" + "".join(f"{counts[one]:15}" for one in (RIGHT, UNSURE, MISSED, ASTRAY, WRONG)))
    wrong = [
        (sample.name, angle, quality, name, fields[name].value)
        for sample, angle, quality, fields in seen
        for name, wanted in sample.fields.items()
        if _verdict(fields[name], wanted) == WRONG
    ]
    assert wrong == []
    count = sum(_verdicts(seen).values())
    promise("Pictures 1", f"{count} fields of {len(seen)} pictures: certain and wrong", asked=0, measured=len(wrong))


@pytest.mark.parametrize(("quality", "least"), [("good", 0.95), (None, 0.9)])
def test_most_fields_are_right_and_certain(
    seen: list[Seen], promise: Promise, quality: str | None, least: float
) -> None:
    counts = _verdicts(seen, quality)
    share = round(counts[RIGHT] / sum(counts.values()), 3)
    what = f"{quality or 'all'} pictures: fields right and certain, of {sum(counts.values())}"
    promise("Pictures 2", what, asked=f"at least {least}", measured=share, passed=share >= least)


def test_a_picture_without_words_has_no_lines() -> None:
    blank = photographed(Sample("blank", "letter", (400, 300), (), {}))
    assert alone.lines(blank) == []


def test_the_engine_takes_what_is_no_picture_for_nothing_and_says_nothing_of_it() -> None:
    program = [sys.executable, "-m", alone.__name__]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(program, input=b"no picture", capture_output=True, env=environment, check=False, timeout=60)
    assert (done.returncode != 0, done.stdout) == (True, b"")

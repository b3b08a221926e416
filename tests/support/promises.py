"""What the promises ask and what was measured, collected over all workers for the table of `make promises`."""

import json
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import pytest

PROPERTY: Final = "promise"
"""The name under which a measurement travels in a test's user properties, which xdist carries between processes."""

Figure: TypeAlias = int | float | str


@dataclass(frozen=True)
class Measurement:
    """One figure of one promise."""

    id: str
    what: str
    asked: Figure
    measured: Figure
    passed: bool


class Promise:
    """Records figures for the table and fails the test whose figure is off."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def __call__(self, id: str, what: str, *, asked: Figure, measured: Figure, passed: bool | None = None) -> None:
        """Record one figure and fail where it is not the one asked for.

        Args:
            id: The promise, as in "ID 3".
            what: What was counted or timed, with its unit: "200 concurrent activations: accounts".
            asked: The figure promised, in words where it is a bound: "under 50 ms".
            measured: The figure found.
            passed: Whether it holds; left out, the two figures have to be equal.
        """
        holds = asked == measured if passed is None else passed
        self._properties.append((PROPERTY, json.dumps(asdict(Measurement(id, what, asked, measured, holds)))))
        assert holds, f"{id}, {what}: asked {asked}, measured {measured}"


def measurements(reports: list[pytest.TestReport]) -> list[Measurement]:
    """Every figure recorded by the tests of these reports, in the order of the promises."""
    found = [
        Measurement(**json.loads(str(value)))
        for report in reports
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    return sorted(found, key=_order)


def _order(measurement: Measurement) -> tuple[str, int, str]:
    area, _, number = measurement.id.partition(" ")
    return area, int("".join(filter(str.isdigit, number)) or 0), measurement.what


def table(rows: list[Measurement]) -> list[str]:
    """The lines of a table with a column for id, what, asked, measured and result."""
    cells = [("", "promise", "asked", "measured", "")]
    cells += [(row.id, row.what, str(row.asked), str(row.measured), "pass" if row.passed else "FAIL") for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]

"""The history as a table: no cell is a formula, and a program that reads it gets back what was written."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.access_log import as_csv

_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


def _read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u00a0=1",
        "\uff1d1",
        '=cmd|" /C calc"!A0',
    ],
)
def test_what_a_program_would_take_for_a_formula_is_text(cell: str) -> None:
    ((read,),) = _read(as_csv([cell], []))
    assert read == f"'{cell}"


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), max_size=4))
def test_every_cell_comes_back_whatever_is_in_it(rows: list[list[str]]) -> None:
    header, *found = _read(as_csv(["a", "b"], rows))
    assert header == ["a", "b"]
    assert [[cell.removeprefix("'") for cell in row] for row in found] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    assert not any(cell.lstrip(" \u00a0")[:1] in {"=", "+", "-", "@"} for row in found for cell in row if cell)

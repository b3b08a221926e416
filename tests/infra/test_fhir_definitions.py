"""Where FHIR's own definitions come from, and what a machine without npm is told."""

import os
from pathlib import Path

import pytest

from infra.build.fhir_definitions import PACKAGE, SHA256, find, installed, main
from infra.build.needed import Unavailable


def test_a_machine_without_npm_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"nodejs\.org"):
        find(tmp_path)


def test_where_asked_missing_definitions_are_a_line_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("infra.build.fhir_definitions.CACHE", tmp_path)
    monkeypatch.setattr(find, "__defaults__", (tmp_path,))
    assert main(["--if-available", "false"]) == 0
    assert capsys.readouterr().err.startswith("Skipped: ")
    assert main(["true"]) == os.EX_UNAVAILABLE


def test_definitions_that_are_not_the_ones_that_are_meant_do_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "node_modules" / PACKAGE / "dist" / "fhir" / "r4"
    for name in SHA256:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    assert installed(tmp_path) is None


def test_definitions_that_were_altered_are_a_failure_even_where_missing_ones_are_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 0\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(find, "__defaults__", (tmp_path,))
    assert main(["--if-available", "true"]) == os.EX_DATAERR
    assert "delete the folder" in capsys.readouterr().err

"""Where there is no browser, `make pages` says how to get one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.build import browser

ROOT = Path(__file__).parents[2]


def _run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "infra.build.browser", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={"PATH": "", **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(Path("/Applications/Google Chrome.app").exists(), reason="a Mac has its browser in a fixed place")
def test_without_a_browser_there_is_a_line_that_says_how_to_get_one() -> None:
    refused, skipped = _run("true"), _run("--if-available", "true")
    assert (refused.returncode, skipped.returncode) == (os.EX_UNAVAILABLE, 0)
    assert "sudo apt install chromium" in refused.stderr
    assert skipped.stderr == f"Skipped: {refused.stderr}"


def test_whoever_has_a_browser_elsewhere_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "/opt/own/chromium")
    assert browser.find_browser() == "/opt/own/chromium"


def test_the_driver_and_axe_are_pinned_by_hash_and_no_part_of_what_is_deployed() -> None:
    pinned = (ROOT / browser.REQUIREMENTS).read_text("utf-8")
    assert "playwright==" in pinned
    assert "axe-playwright-python==" in pinned
    assert "--hash=sha256:" in pinned
    for name in ("requirements.txt", "requirements-run.txt", "requirements-dev.txt"):
        assert "playwright" not in (ROOT / name).read_text("utf-8")

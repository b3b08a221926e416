"""A real browser and the running portal, for whoever has them: `make pages`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.gallery import Gallery
from tests.support.program import Program, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Chromium, without a window."""
    path = os.environ.get("BROWSER")
    if path is None:
        pytest.skip("needs a browser: `make pages` brings one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def program(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The portal as `make run` starts it."""
    with running(tmp_path_factory.mktemp("program") / "log") as program:
        yield program


@pytest.fixture(scope="session")
def gallery(browser: "Browser") -> Iterator[Gallery]:
    """Screenshots in build/pages, and a page that shows them all."""
    gallery = Gallery(Path("build/pages"))
    yield gallery
    gallery.write_index()

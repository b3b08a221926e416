"""Every page of a link, in both languages, in a real browser: fit for a small telephone, big type, a keyboard, WCAG."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from chalicelib import words
from tests.browser import looks
from tests.browser.gallery import Gallery
from tests.browser.states import STATES, State
from tests.browser.visitor import Visitor
from tests.support.program import Program

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module", params=words.languages())
def visitor(request: pytest.FixtureRequest, browser: "Browser", program: Program) -> Iterator[Visitor]:
    with browser.new_context(locale=f"{request.param}-US") as context:
        yield Visitor(program, context, request.param)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_page_is_fit_for_everybody(visitor: Visitor, gallery: Gallery, state: State) -> None:
    visitor.open_window()
    state.reach(visitor)
    page = visitor.page
    assert visitor.status == state.status
    assert page.evaluate("document.documentElement.lang") == visitor.language
    assert page.evaluate("document.scripts.length") == 0
    wrong: list[str] = []
    for width in looks.WIDTHS:
        looks.set_width(page, width)
        wrong += looks.too_wide(page) + looks.small_targets(page)
        gallery.take(page, f"{state.name}-{visitor.language}", width)
        wrong += [problem for stop in looks.tab_stops(page) for problem in looks.weak_focus(stop)]
        wrong += looks.violations(page)
    assert wrong + _wrong_when_large(visitor) == []


def _wrong_when_large(visitor: Visitor) -> list[str]:
    """Twice as large by the browser's zoom on a desk, and by the reader's own larger type on a telephone."""
    looks.zoom(visitor.page, 1280, 2)
    wrong = looks.too_wide(visitor.page)
    looks.set_width(visitor.page, 320)
    looks.enlarge_text(visitor.page, 2)
    return wrong + looks.too_wide(visitor.page)

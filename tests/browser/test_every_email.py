"""Every email on a small telephone that shows no pictures, in a real browser."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from infra.local import previews
from infra.local.previews import Preview
from tests.browser import looks
from tests.browser.gallery import Gallery

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_EMAILS = [one for found in previews.by_kind().values() for one in found if one.html]


@pytest.fixture(scope="module")
def page(browser: "Browser") -> "Iterator[Page]":
    """A window that loads nothing: neither pictures nor anything else from elsewhere."""
    with browser.new_context() as context:
        context.route("**/*", lambda route: route.abort())
        yield context.new_page()


@pytest.mark.parametrize("email", _EMAILS, ids=lambda email: f"{email.kind}-{email.language}-{email.note}")
def test_an_email_is_fit_for_everybody(page: "Page", gallery: Gallery, email: Preview) -> None:
    page.set_content(email.html or "")
    wrong: list[str] = []
    for width in looks.WIDTHS:
        looks.set_width(page, width)
        gallery.take(page, _name(email), width)
        wrong += looks.too_wide(page) + looks.violations(page)
    assert wrong == []
    assert page.locator("img").count() == 0


def _name(email: Preview) -> str:
    place = _EMAILS.index(email)
    twins = [one for one in _EMAILS[:place] if (one.kind, one.language) == (email.kind, email.language)]
    return f"email-{email.kind}-{email.language}{len(twins) + 1 if twins else ''}"

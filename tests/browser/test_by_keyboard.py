"""From the link to the last page with the keyboard alone, in a browser that runs no script."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from chalicelib import words
from chalicelib.domain.links import LinkPurpose
from tests.browser.states import RESET, TYPED, VERIFY, WRONG
from tests.browser.visitor import BORN, NEW_PASSWORD, Visitor
from tests.support.links import OF_ACCOUNTS
from tests.support.program import Program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_MOST_TABS = 15


@pytest.fixture(scope="module")
def visitor(browser: "Browser", program: Program) -> Iterator[Visitor]:
    with browser.new_context(java_script_enabled=False, locale="en-US") as context:
        visitor = Visitor(program, context, "en")
        visitor.open_window()
        yield visitor


def _focused(page: "Page") -> str:
    name: str = page.evaluate("document.activeElement.name || document.activeElement.tagName.toLowerCase()")
    return name


def _tab_to(page: "Page", name: str) -> None:
    for _ in range(_MOST_TABS):
        if _focused(page) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key never reaches {name}")


def _type(page: "Page", typed: dict[str, str]) -> None:
    for name, text in typed.items():
        _tab_to(page, name)
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(text)


def _press_the_button(page: "Page") -> None:
    _tab_to(page, "button")
    with page.expect_navigation():
        page.keyboard.press("Enter")


def _heading(page: "Page") -> str:
    heading: str = page.inner_text("h1")
    return heading


def test_this_browser_runs_no_script(visitor: Visitor) -> None:
    visitor.page.set_content("<h1>off</h1><script>document.querySelector('h1').textContent = 'on'</script>")
    assert _heading(visitor.page) == "off"


@pytest.mark.parametrize("purpose", OF_ACCOUNTS)
def test_everything_can_be_done_with_the_keyboard(visitor: Visitor, purpose: LinkPurpose) -> None:
    page = visitor.page
    visitor.visit(visitor.new_link(purpose))
    _type(page, TYPED[purpose])
    _press_the_button(page)
    for number in range(3):
        if _heading(page) == "One more question":
            _type(page, {"security_answer": f"answer {number}"})
            _press_the_button(page)
    assert _heading(page) == words.say(f"page.{purpose}.done.title", "en")


def test_enter_in_the_last_field_posts_the_form(visitor: Visitor) -> None:
    visitor.visit(visitor.new_link(VERIFY))
    _type(visitor.page, TYPED[VERIFY])
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Enter")
    assert _heading(visitor.page) == words.say("page.verify_email.done.title", "en")


def test_after_a_mistake_the_focus_is_in_the_field_to_mend_with_what_was_typed(visitor: Visitor) -> None:
    page = visitor.page
    visitor.visit(visitor.new_link(RESET))
    _type(page, {"date_of_birth": WRONG, "new_password": NEW_PASSWORD})
    _press_the_button(page)
    assert (_focused(page), page.input_value("[name=date_of_birth]")) == ("date_of_birth", WRONG)
    _type(page, {"date_of_birth": BORN, "new_password": "Ingrid Solberg"})
    _press_the_button(page)
    assert (_focused(page), page.input_value("[name=date_of_birth]")) == ("new_password", BORN)
    assert page.input_value("[name=new_password]") == ""


def test_the_summary_of_mistakes_leads_to_each_field(visitor: Visitor) -> None:
    page = visitor.page
    visitor.visit(visitor.new_link(RESET))
    _press_the_button(page)
    for name in ("date_of_birth", "new_password"):
        page.focus(f".problems a[href='#{name}']")
        page.keyboard.press("Enter")
        assert _focused(page) == name

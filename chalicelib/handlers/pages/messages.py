"""The page behind "stop these emails"."""

from collections.abc import Mapping

from chalicelib import words
from chalicelib.handlers.pages.page import Page, Visit
from chalicelib.schemas import pages as shapes
from chalicelib.services import links


def _stop(visit: Visit, form: shapes.LinkForm) -> None:
    links.stop_emails(visit.token, visit.birth_date)


def _values(visit: Visit) -> Mapping[str, object]:
    return {"messages": words.say(f"page.stop_messages.of.{visit.link.about}", visit.language)}


STOP = Page(form=shapes.LinkForm, act=_stop, values=_values)

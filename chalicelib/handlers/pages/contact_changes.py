"""The page behind "this was not me": a change of email, phone or username is undone, and all that came after it."""

from collections.abc import Mapping

from chalicelib import words
from chalicelib.domain.contact_changes import read_undo_key
from chalicelib.domain.links import LinkPurpose
from chalicelib.handlers.pages.page import Page, Visit
from chalicelib.schemas import pages as shapes
from chalicelib.services import contact_changes, links


def _undo(visit: Visit, form: shapes.LinkForm) -> None:
    contact_changes.undo(*links.prove(visit.token, visit.birth_date, LinkPurpose.UNDO_CHANGE))


def _values(visit: Visit) -> Mapping[str, object]:
    what, _ = read_undo_key(visit.link.about)
    return {"change": words.say(f"page.undo_change.of.{what}", visit.language)}


UNDO = Page(form=shapes.LinkForm, act=_undo, values=_values)

"""The pages of the two links in a confirmation email: this is my address, and this was not me."""

from chalicelib.handlers.pages.page import Page, Visit
from chalicelib.schemas import pages as shapes
from chalicelib.services import links


def _verify(visit: Visit, form: shapes.LinkForm) -> None:
    links.verify_email(visit.token, visit.birth_date)


def _disown(visit: Visit, form: shapes.LinkForm) -> None:
    links.disown_email(visit.token)


VERIFY = Page(form=shapes.LinkForm, act=_verify)

# Who has the mailbox is not the patient and knows no birth date; the page shows nothing, and takes the address away.
DISOWN = Page(form=shapes.LinkForm, act=_disown, asks_birth_date=False)

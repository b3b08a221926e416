"""The page behind the link in the message about a closed account: it opens the account again."""

from chalicelib.domain.links import LinkPurpose
from chalicelib.handlers.pages.page import Page, Visit
from chalicelib.schemas import pages as shapes
from chalicelib.services import closures, links


def _reopen(visit: Visit, form: shapes.LinkForm) -> None:
    closures.reopen(*links.prove(visit.token, visit.birth_date, LinkPurpose.REOPEN_ACCOUNT))


REOPEN = Page(form=shapes.LinkForm, act=_reopen)

"""The page behind an invitation to be somebody's caregiver.

It tells nothing of the patient, not even who it is: whoever wants to know signs in, or registers with the link. What
its form does is to say no.
"""

from collections.abc import Mapping

from chalicelib.handlers.pages.page import Page, Visit
from chalicelib.schemas import pages as shapes
from chalicelib.services import invitations
from chalicelib.settings import settings


def _decline(visit: Visit, form: shapes.LinkForm) -> None:
    invitations.decline(visit.token)


def _values(visit: Visit) -> Mapping[str, object]:
    """The portal takes the token on from here: to sign in with it, or to register."""
    return {"accept_url": f"{settings().portal_url}/invitations/{visit.token}"}


INVITATION = Page(form=shapes.LinkForm, act=_decline, asks_birth_date=False, values=_values)

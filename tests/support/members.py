"""Members of staff who come to the portal by their link, as they do."""

import re
import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

import pyotp

from chalicelib.domain.staff import Role
from chalicelib.models import links, staff
from chalicelib.models.staff import StaffMember
from chalicelib.models.transaction import transaction
from chalicelib.services import links as link_service
from chalicelib.services import staff as service
from chalicelib.services.staff import NewMember
from tests.support.portal import Answer, Portal

PASSWORD = "violet harbor 9"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def new_email() -> str:
    """A mailbox at work that nobody had before."""
    return f"member-{uuid.uuid4().hex[:10]}@example.org"


def new_member(*roles: Role, email: str | None = None) -> StaffMember:
    """Somebody whom the operator has invited."""
    url = service.invite_by_hand(
        NewMember("Nora Whitfield", email or new_email(), roles or (Role.FRONT_DESK,), None, "en")
    )
    found = staff.find(link_service.find(url.rpartition("/")[2]).about)
    assert found is not None
    return found


def path_of(member: StaffMember) -> str:
    """The path of the page at which a member sets up their account."""
    return f"/l/{link_service.token(member.link_id)}"


def end_link(member: StaffMember) -> None:
    """Let a member's link do nothing any more."""
    with transaction() as tx:
        links.end(tx, member.link_id)


@dataclass
class Joining:
    """Somebody on the page behind their link."""

    portal: Portal
    path: str
    username: str = ""
    secret: str = ""
    sealed: str = ""

    def post(self, **fields: str) -> Answer:
        """The page's form, posted."""
        return self.portal.call("POST", self.path, raw=urlencode(fields).encode(), headers=_FORM)

    def choose(self, password: str = PASSWORD, **fields: str) -> Answer:
        """The first form; what the second one shows is kept."""
        self.username = fields.pop("username", f"member-{uuid.uuid4().hex[:10]}")
        answer = self.post(username=self.username, new_password=password, **fields)
        if answer.status == 200:
            self._keep(answer.text)
        return answer

    def _keep(self, html: str) -> None:
        uri = re.search(r'href="(otpauth://[^"]+)"', html)
        sealed = re.search(r'name="sealed" value="([^"]+)"', html)
        assert uri is not None
        assert sealed is not None
        self.secret = re.findall(r"secret=([A-Z2-7]+)", uri[1])[0]
        self.sealed = sealed[1]

    def code(self) -> str:
        """What the app shows now, by the portal's clock."""
        from chalicelib import clock

        return pyotp.TOTP(self.secret).at(clock.now())

    def finish(self, code: str | None = None) -> Answer:
        """The second form."""
        return self.post(sealed=self.sealed, code=code or self.code())


def join(portal: Portal, *roles: Role) -> Joining:
    """A member of staff who has set up their account."""
    joining = Joining(portal, path_of(new_member(*roles)))
    assert joining.choose().status == 200
    assert joining.finish().status == 200
    return joining

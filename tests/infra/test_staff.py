"""The command that invites the first admin."""

import re
from pathlib import PurePosixPath

import pytest

from chalicelib.domain.staff import Role
from chalicelib.models import staff
from infra import staff as command
from tests.support.members import Joining, join, new_email
from tests.support.portal import Portal


def test_the_printed_link_makes_an_admin(portal: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    email = new_email()
    assert command.main(["Nora Whitfield", email]) == 0
    printed = capsys.readouterr().out
    (link,) = re.findall(r"http\S+", printed)
    assert portal.emails(email) == []
    joining = Joining(portal, f"/l/{PurePosixPath(link).name}")
    joining.choose()
    assert joining.finish().status == 200
    (member,) = [member for member in staff.find_all() if member.email == email]
    assert member.all_roles == {Role.ADMIN}
    assert member.is_acting_admin


def test_roles_can_be_named(portal: Portal) -> None:
    email = new_email()
    assert command.main(["Nora", email, "--role", "billing", "--role", "front_desk", "--language", "es"]) == 0
    (member,) = [member for member in staff.find_all() if member.email == email]
    assert member.all_roles == {Role.BILLING, Role.FRONT_DESK}
    assert member.language == "es"


def test_an_address_that_is_taken_or_none_invites_nobody(portal: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    joined = join(portal)
    (taken,) = [member.email for member in staff.find_all() if member.username == joined.username]
    before = len(staff.find_all())
    assert command.main(["Nora", taken]) == 1
    assert taken in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(["Nora", "not an address"])
    assert len(staff.find_all()) == before

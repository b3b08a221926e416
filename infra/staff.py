"""Invites a member of staff of a deployment: `python -m infra.staff NAME EMAIL [--role ROLE]...`.

It is how the first admin comes in, who invites everybody else. It needs the deployment's settings (STACK,
ROOT_KEY_SECRET, API_URL) and AWS credentials in the environment. The link, at which they set up their account, is
printed this once; nothing is sent.
"""

import argparse
import sys

from chalicelib import words
from chalicelib.domain import identity
from chalicelib.domain.links import LASTS, LinkPurpose
from chalicelib.domain.staff import Role
from chalicelib.errors import EmailTaken
from chalicelib.services import staff
from chalicelib.services.staff import NewMember


def main(given: list[str] | None = None) -> int:
    """Invite somebody and print their link; the exit status."""
    roles = [str(role) for role in Role]
    parser = argparse.ArgumentParser(prog="python -m infra.staff", description="Invite a member of staff.")
    parser.add_argument("name", help="whom the staff know")
    parser.add_argument("email", help="their address at work, which becomes the account's")
    parser.add_argument("--role", action="append", choices=roles, help="what they do; admin by default")
    parser.add_argument("--language", choices=words.languages(), default=words.DEFAULT, help="of their messages")
    asked = parser.parse_args(given)
    try:
        email = identity.parse_email(asked.email).display
        chosen = [Role(role) for role in asked.role or [Role.ADMIN]]
        link = staff.invite_by_hand(NewMember(asked.name, email, chosen, None, asked.language))
    except identity.NotAnEmail:
        parser.error(f"{asked.email!r} is no email address")
    except EmailTaken:
        print(f"Another account has the address {asked.email}.", file=sys.stderr)
        return 1
    print(f"{link}\n\nIt works once, for {LASTS[LinkPurpose.STAFF_INVITATION].days} days. Hand it over in person.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Every page that a link can show, and how to get there."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.links import LinkPurpose
from tests.browser.visitor import BORN, NEW_PASSWORD, Visitor
from tests.support.links import OF_ACCOUNTS

VERIFY, DISOWN = LinkPurpose.VERIFY_EMAIL, LinkPurpose.DISOWN_EMAIL
RESET, STOP = LinkPurpose.RESET_PASSWORD, LinkPurpose.STOP_MESSAGES
STAFF, CARE = LinkPurpose.STAFF_INVITATION, LinkPurpose.ACCEPT_INVITATION
WRONG = "April 13, 1961"

TYPED: dict[LinkPurpose, dict[str, str]] = {
    VERIFY: {"date_of_birth": BORN},
    DISOWN: {},
    RESET: {"date_of_birth": BORN, "new_password": NEW_PASSWORD},
    STOP: {"date_of_birth": BORN},
    LinkPurpose.REOPEN_ACCOUNT: {"date_of_birth": BORN},
    LinkPurpose.UNDO_CHANGE: {"date_of_birth": BORN},
}


@dataclass(frozen=True)
class State:
    """One page: its name, how it is reached, and the status that it comes with."""

    name: str
    status: int
    reach: Callable[[Visitor], None]


def _form(purpose: LinkPurpose) -> Callable[[Visitor], None]:
    return lambda visitor: visitor.visit(visitor.new_link(purpose))


def _problems(purpose: LinkPurpose, **typed: str) -> Callable[[Visitor], None]:
    def reach(visitor: Visitor) -> None:
        _form(purpose)(visitor)
        visitor.submit(**typed)

    return reach


def done(purpose: LinkPurpose) -> Callable[[Visitor], None]:
    """Everything right."""

    def reach(visitor: Visitor) -> None:
        _form(purpose)(visitor)
        act(visitor, purpose)

    return reach


def act(visitor: Visitor, purpose: LinkPurpose) -> None:
    """Post all that a page asks for, the answer to a security question too."""
    visitor.submit(**TYPED[purpose])
    # The answers that somebody registers with here are numbered, and which of the three is asked is the link's secret.
    for number in range(3):
        if visitor.page.query_selector("[name=security_answer]") is None:
            return
        visitor.submit(security_answer=f"answer {number}")


def _question(visitor: Visitor) -> None:
    _form(RESET)(visitor)
    visitor.submit(**TYPED[RESET])


def _wrong_answer(visitor: Visitor) -> None:
    _question(visitor)
    visitor.submit(security_answer="I do not remember")


def _used(purpose: LinkPurpose) -> Callable[[Visitor], None]:
    def reach(visitor: Visitor) -> None:
        path = visitor.new_link(purpose)
        visitor.visit(path)
        act(visitor, purpose)
        visitor.visit(path)

    return reach


def _expired(purpose: LinkPurpose) -> Callable[[Visitor], None]:
    def reach(visitor: Visitor) -> None:
        path = visitor.new_link(purpose)
        visitor.let_expire(purpose)
        visitor.visit(path)

    return reach


def _tried(purpose: LinkPurpose) -> Callable[[Visitor], None]:
    def reach(visitor: Visitor) -> None:
        path = visitor.new_link(purpose)
        visitor.visit(path)
        for _ in range(5):
            visitor.submit(**{**TYPED[purpose], "date_of_birth": WRONG})
        visitor.visit(path)

    return reach


def _staff(*forms: dict[str, str]) -> Callable[[Visitor], None]:
    """An invitation to the team, and what its reader types into one form after the other."""

    def reach(visitor: Visitor) -> None:
        _form(STAFF)(visitor)
        for typed in forms:
            visitor.submit(**typed)

    return reach


def _choice() -> dict[str, str]:
    return {"username": f"member.{uuid.uuid4().hex[:10]}", "new_password": NEW_PASSWORD}


def _staff_done(visitor: Visitor) -> None:
    _staff(_choice())(visitor)
    visitor.submit(code=visitor.code_of_the_app())


def _said_no(*, then_again: bool = False) -> Callable[[Visitor], None]:
    def reach(visitor: Visitor) -> None:
        path = visitor.new_link(CARE)
        visitor.visit(path)
        visitor.submit()
        if then_again:
            visitor.visit(path)

    return reach


def _share(*pins: str) -> Callable[[Visitor], None]:
    """A share, and the PINs that its reader types one after the other; an empty one is the right one."""

    def reach(visitor: Visitor) -> None:
        path, right = visitor.new_share()
        visitor.visit(path)
        for pin in pins:
            visitor.submit(pin=pin or right)

    return reach


def _unknown(visitor: Visitor) -> None:
    visitor.visit("/l/01ARZ3NDEKTSV4RRFFQ69G5FAVabcdefghijklmnopqrstuv")


STATES = (
    *(State(f"{purpose}-form", 200, _form(purpose)) for purpose in OF_ACCOUNTS),
    *(State(f"{purpose}-done", 200, done(purpose)) for purpose in OF_ACCOUNTS),
    *(State(f"{purpose}-expired", 410, _expired(purpose)) for purpose in OF_ACCOUNTS),
    *(State(f"{purpose}-used", 410, _used(purpose)) for purpose in OF_ACCOUNTS if purpose is not STOP),
    *(State(f"{purpose}-tried", 410, _tried(purpose)) for purpose in OF_ACCOUNTS if purpose is not DISOWN),
    State("verify_email-wrong", 422, _problems(VERIFY, date_of_birth=WRONG)),
    State("stop_messages-wrong", 422, _problems(STOP, date_of_birth=WRONG)),
    State("reset_password-missing", 422, _problems(RESET)),
    State("reset_password-weak", 422, _problems(RESET, date_of_birth=BORN, new_password="Ingrid Solberg")),
    State("reset_password-question", 200, _question),
    State("reset_password-wrong_answer", 422, _wrong_answer),
    State("staff_invitation-form", 200, _form(STAFF)),
    State("staff_invitation-missing", 422, _staff({})),
    State("staff_invitation-factor", 200, _staff(_choice())),
    State("staff_invitation-wrong_code", 422, _staff(_choice(), {"code": "000000"})),
    State("staff_invitation-done", 200, _staff_done),
    State("staff_invitation-expired", 410, _expired(STAFF)),
    State("accept_invitation-form", 200, _form(CARE)),
    State("accept_invitation-done", 200, _said_no()),
    State("accept_invitation-used", 410, _said_no(then_again=True)),
    State("accept_invitation-expired", 410, _expired(CARE)),
    State("open_share-form", 200, _share()),
    State("open_share-wrong", 422, _share("918273")),
    State("open_share-done", 200, _share("")),
    State("open_share-tried", 422, _share(*["918273"] * 5)),
    State("unknown", 404, _unknown),
)

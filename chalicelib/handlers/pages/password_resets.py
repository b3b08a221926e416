"""The page behind the link to a new password: birth date and password, and a security question where one is asked."""

from collections.abc import Mapping

from chalicelib import errors
from chalicelib.auth import cursors
from chalicelib.domain import passwords
from chalicelib.domain.links import LinkPurpose
from chalicelib.errors import FieldError
from chalicelib.handlers.pages.page import Page, Step, Visit
from chalicelib.schemas import pages as shapes
from chalicelib.services import links, password_resets


def _reset(visit: Visit, form: shapes.NewPasswordForm) -> Step | None:
    born, password = (
        _unseal(visit, form.sealed) if form.sealed else (visit.birth_date or "", form.new_password.get_secret_value())
    )
    link, _ = links.prove(visit.token, born, LinkPurpose.RESET_PASSWORD)
    try:
        password_resets.confirm_link(link, password, form.answer)
    except errors.SecurityAnswerRequired as asked:
        return Step("reset_password/question", _asked(visit, asked, born, password), _answer_problems(form))
    return None


def _asked(visit: Visit, asked: errors.SecurityAnswerRequired, *typed: str) -> Mapping[str, object]:
    """The second form. What was typed in the first travels in it sealed, so that nobody has to type it again."""
    return {"question": asked.question_id, "sealed": cursors.seal(list(typed), _binding(visit))}


def _answer_problems(form: shapes.NewPasswordForm) -> tuple[FieldError, ...]:
    """What is wrong with the answer; nothing where none was asked for yet."""
    if form.answer is not None:
        return (FieldError("/security_answer", "security_answer_wrong"),)
    return (FieldError("/security_answer", "security_answer_missing"),) if form.sealed else ()


def _unseal(visit: Visit, sealed: str) -> tuple[str, str]:
    try:
        born, password = cursors.unseal(sealed, _binding(visit))
    except errors.InvalidCursor as altered:
        raise errors.Malformed(reason="the form is not this link's") from altered
    return born, password


def _binding(visit: Visit) -> str:
    return f"new-password\x1f{visit.link.link_id}"


def _values(_visit: Visit) -> Mapping[str, object]:
    return {"shortest": passwords.SHORTEST}


RESET = Page(form=shapes.NewPasswordForm, act=_reset, values=_values)

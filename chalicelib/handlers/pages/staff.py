"""The page at which a new member of staff sets up their account: username and password, then the second factor."""

from collections.abc import Mapping

from chalicelib import errors, ids
from chalicelib.auth import cursors, totp
from chalicelib.domain import passwords
from chalicelib.errors import FieldError
from chalicelib.handlers.pages.page import Page, Step, Visit
from chalicelib.schemas import pages as shapes
from chalicelib.services import staff
from chalicelib.services.staff import Choice
from chalicelib.settings import settings


def _join(visit: Visit, form: shapes.StaffInvitationForm) -> Step:
    if not form.sealed:
        username, password = form.username, form.new_password.get_secret_value()
        staff.check_choice(visit.token, username, password)
        # Made at this moment and sealed into the form: whoever only opened the link has not seen the app's secret.
        return _factor(visit, Choice(username, password, ids.new_id("fac")))
    chosen = _unseal(visit, form.sealed)
    if not form.code:
        return _factor(visit, chosen, FieldError("/code", "code_missing"))
    try:
        codes = staff.join(visit.token, chosen, form.code)
    except errors.WrongCode:
        return _factor(visit, chosen, FieldError("/code", "code_wrong"))
    return Step("staff_invitation/done", {"codes": codes})


def _factor(visit: Visit, chosen: Choice, *problems: FieldError) -> Step:
    """The second form, with the QR code; what was typed in the first travels in it sealed."""
    uri = totp.uri(chosen.factor_id, username=chosen.username, issuer=settings().clinic_name)
    key = totp.secret(chosen.factor_id)
    values: Mapping[str, object] = {
        "uri": uri,
        "qr": totp.qr_svg(uri),
        "key": " ".join(key[at : at + 4] for at in range(0, len(key), 4)),
        "sealed": cursors.seal([chosen.username, chosen.password, chosen.factor_id], _binding(visit)),
    }
    return Step("staff_invitation/factor", values, problems)


def _unseal(visit: Visit, sealed: str) -> Choice:
    try:
        return Choice(*cursors.unseal(sealed, _binding(visit)))
    except errors.InvalidCursor as altered:
        raise errors.Malformed(reason="the form is not this link's") from altered


def _binding(visit: Visit) -> str:
    return f"staff-invitation\x1f{visit.link.link_id}"


def _values(_visit: Visit) -> Mapping[str, object]:
    return {"shortest": passwords.SHORTEST_WITH_SECOND_FACTOR}


JOIN = Page(form=shapes.StaffInvitationForm, act=_join, asks_birth_date=False, values=_values)

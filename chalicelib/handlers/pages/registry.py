"""Every purpose of a link with its page: what a new one has to be entered in."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.links import LinkPurpose
from chalicelib.handlers.pages import (
    closures,
    contact_changes,
    emails,
    invitations,
    messages,
    password_resets,
    shares,
    staff,
)
from chalicelib.handlers.pages.page import Page

PAGES: Mapping[LinkPurpose, Page[Any]] = {
    LinkPurpose.ACCEPT_INVITATION: invitations.INVITATION,
    LinkPurpose.VERIFY_EMAIL: emails.VERIFY,
    LinkPurpose.DISOWN_EMAIL: emails.DISOWN,
    LinkPurpose.OPEN_SHARE: shares.SHARE,
    LinkPurpose.REOPEN_ACCOUNT: closures.REOPEN,
    LinkPurpose.RESET_PASSWORD: password_resets.RESET,
    LinkPurpose.STAFF_INVITATION: staff.JOIN,
    LinkPurpose.STOP_MESSAGES: messages.STOP,
    LinkPurpose.UNDO_CHANGE: contact_changes.UNDO,
}


def form_schema() -> dict[str, Any]:
    """The fields of every page's form, for the one operation that takes them all."""
    fields: dict[str, Any] = {}
    for page in PAGES.values():
        fields |= page.form.model_json_schema()["properties"]
    return {"type": "object", "properties": fields, "additionalProperties": False}

"""Every purpose of a link with its page: what a new one has to be entered in."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.links import LinkPurpose
from chalicelib.handlers.pages import emails, messages, password_resets
from chalicelib.handlers.pages.page import Page

PAGES: Mapping[LinkPurpose, Page[Any]] = {
    LinkPurpose.VERIFY_EMAIL: emails.VERIFY,
    LinkPurpose.DISOWN_EMAIL: emails.DISOWN,
    LinkPurpose.RESET_PASSWORD: password_resets.RESET,
    LinkPurpose.STOP_MESSAGES: messages.STOP,
}


def form_schema() -> dict[str, Any]:
    """The fields of every page's form, for the one operation that takes them all."""
    fields: dict[str, Any] = {}
    for page in PAGES.values():
        fields |= page.form.model_json_schema()["properties"]
    return {"type": "object", "properties": fields, "additionalProperties": False}

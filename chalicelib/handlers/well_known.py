"""The files that other programs look for at an address of their own (RFC 8615).

Which apps open the portal's links, so that a link in a message opens the app where it is installed; and whom to tell of
a weakness.
"""

from datetime import timedelta
from typing import Any

import orjson

from chalicelib import clock, words
from chalicelib.domain.access import PUBLIC
from chalicelib.handlers.routing import Answer, Call, Routes
from chalicelib.settings import settings

routes = Routes(__name__)

_CACHED = {"Cache-Control": "public, max-age=3600"}
_LINKS = "/l/*"
_HANDLES_LINKS = "delegate_permission/common.handle_all_urls"
_TEXT = "text/plain; charset=utf-8"
_CONTACT_LASTS = timedelta(days=180)
"""RFC 9116 recommends less than a year."""


@routes.get("/.well-known/apple-app-site-association", PUBLIC, answer_schema={"type": "object"})
def apple_app_site_association(call: Call) -> Answer:
    """Name the iOS apps that open the portal's links (Apple: Supporting associated domains)."""
    apps = list(settings().ios_app_ids)
    components = [{"/": _LINKS, "comment": "What links in messages open"}]
    return _json({"applinks": {"details": [{"appIDs": apps, "components": components}] if apps else []}})


@routes.get("/.well-known/assetlinks.json", PUBLIC, answer_schema={"type": "array", "items": {"type": "object"}})
def assetlinks(call: Call) -> Answer:
    """Name the Android apps that open the portal's links (Google: Digital Asset Links)."""
    fingerprints: dict[str, list[str]] = {}
    for package, fingerprint in settings().android_apps:
        fingerprints.setdefault(package, []).append(fingerprint)
    return _json([_statement(package, known) for package, known in fingerprints.items()])


@routes.get("/.well-known/security.txt", PUBLIC, answer_type="text/plain", answer_schema={"type": "string"})
def security_txt(call: Call) -> Answer:
    """Say whom to tell of a weakness (RFC 9116)."""
    rules = settings()
    # By the day, so that whoever keeps a copy for an hour has the same one as everybody.
    expires = (clock.now() + _CONTACT_LASTS).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = {
        "Contact": rules.security_contact,
        "Expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Preferred-Languages": ", ".join(words.languages()),
        "Canonical": f"{rules.api_url}/.well-known/security.txt",
    }
    text = "".join(f"{name}: {value}\n" for name, value in lines.items())
    return Answer(text, headers={**_CACHED, "Content-Type": _TEXT})


def _statement(package: str, fingerprints: list[str]) -> dict[str, Any]:
    target = {"namespace": "android_app", "package_name": package, "sha256_cert_fingerprints": fingerprints}
    return {"relation": [_HANDLES_LINKS], "target": target}


def _json(body: Any) -> Answer:
    return Answer(orjson.dumps(body).decode(), headers=_CACHED)

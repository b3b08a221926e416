"""What other programs look for: which apps open the portal's links, and whom to tell of a weakness."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib import clock
from tests.support.portal import Portal
from tests.support.setting import setting

APPLE = "/.well-known/apple-app-site-association"
ANDROID = "/.well-known/assetlinks.json"
SECURITY = "/.well-known/security.txt"


@pytest.fixture
def apps() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(setting("IOS_APP_IDS", "TEAM123456.org.clinic.portal, TEAM123456.org.clinic.beta"))
        stack.enter_context(
            setting("ANDROID_APPS", "org.clinic.portal=AB:CD,org.clinic.portal=EF:01,org.clinic.b=23:45")
        )
        yield


def test_an_iphone_opens_links_in_the_app(portal: Portal, apps: None) -> None:
    (details,) = portal.call("GET", APPLE).json["applinks"]["details"]
    assert details["appIDs"] == ["TEAM123456.org.clinic.portal", "TEAM123456.org.clinic.beta"]
    assert [component["/"] for component in details["components"]] == ["/l/*"]


def test_an_android_phone_opens_links_in_the_app(portal: Portal, apps: None) -> None:
    portal_app, other = portal.call("GET", ANDROID).json
    assert portal_app["relation"] == ["delegate_permission/common.handle_all_urls"]
    assert portal_app["target"] == {
        "namespace": "android_app",
        "package_name": "org.clinic.portal",
        "sha256_cert_fingerprints": ["AB:CD", "EF:01"],
    }
    assert other["target"]["package_name"] == "org.clinic.b"


def test_without_an_app_every_link_opens_in_the_browser(portal: Portal) -> None:
    assert portal.call("GET", APPLE).json == {"applinks": {"details": []}}
    assert portal.call("GET", ANDROID).json == []


@pytest.mark.parametrize(("path", "media_type"), [(APPLE, "application/json"), (ANDROID, "application/json")])
def test_the_files_are_json_without_a_redirect_and_may_be_kept(portal: Portal, path: str, media_type: str) -> None:
    answer = portal.call("GET", path)
    assert (answer.status, answer.header("content-type")) == (200, media_type)
    assert answer.header("cache-control") == "public, max-age=3600"


def test_whoever_finds_a_weakness_reads_whom_to_tell(portal: Portal) -> None:
    with (
        clock.frozen(datetime(2026, 11, 23, 18, tzinfo=UTC)),
        setting("SECURITY_CONTACT", "mailto:safe@clinic.example"),
    ):
        answer = portal.call("GET", SECURITY)
    assert answer.header("content-type") == "text/plain; charset=utf-8"
    assert answer.text.splitlines() == [
        "Contact: mailto:safe@clinic.example",
        "Expires: 2027-05-22T00:00:00Z",
        "Preferred-Languages: en, es",
        "Canonical: http://127.0.0.1:8000/.well-known/security.txt",
    ]


def test_whom_to_tell_never_runs_out(portal: Portal) -> None:
    portal.advance(days=4000)
    (expires,) = [line for line in portal.call("GET", SECURITY).text.splitlines() if line.startswith("Expires: ")]
    left = datetime.fromisoformat(expires.removeprefix("Expires: ")) - clock.now()
    assert timedelta(days=170) < left < timedelta(days=365)

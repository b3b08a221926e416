"""Where webhooks may go, when they are tried again, and the ids that stand for places."""

from datetime import timedelta

import pytest

from chalicelib import ids, words
from chalicelib.domain.events import event_id
from chalicelib.domain.webhooks import (
    PAUSES,
    Endpoint,
    Outcome,
    SendError,
    UrlProblem,
    is_allowed_address,
    pause_after,
    problem_of,
    read_url,
)

HOSTS = frozenset({"hooks.clinic.example", "EHR.clinic.example"})


def _problem(url: str, *, is_local: bool = False) -> UrlProblem | None:
    return problem_of(read_url(url), HOSTS, is_local=is_local)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.clinic.example",
        "https://hooks.clinic.example/a/b?c=d&e=%20",
        "https://HOOKS.clinic.example:8443/",
        "HTTPS://ehr.clinic.example?x",
    ],
)
def test_a_url_on_an_allowed_host_may_be_sent_to(url: str) -> None:
    assert _problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.clinic.example@evil.example/",
        "https://user:word@hooks.clinic.example/",
        "https://hooks.clinic.example/#there",
        "https://hooks.clinic.example\\@evil.example/",
        "https://hooks.clinic.example/a b",
        "https://hooks.clinic.example/\r\nHost: evil.example",
        "https://hooks.clinic.example/\n",
        " https://hooks.clinic.example/",
        "https://hooks.clinic.example:0/",
        "https://hooks.clinic.example:65536/",
        "https://hooks.clinic.example:/",
        "https://hooks.clinic.example:٤٤٣/",
        "https://hooks.clinic.example./",
        "https://hooks。clinic.example/",
        "https://[::1]/",
        "https:///path",
        "https:hooks.clinic.example",
        "//hooks.clinic.example/",
        "ftp://hooks.clinic.example/",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_parsers_could_read_in_two_ways_is_refused(url: str) -> None:
    assert _problem(url) is UrlProblem.FORM


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://hooks.clinic.example.evil.example/",
        "https://a.hooks.clinic.example/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2130706433/",
    ],
)
def test_a_host_that_the_operator_did_not_allow_is_refused(url: str) -> None:
    assert _problem(url) is UrlProblem.HOST


def test_plain_http_is_for_loopback_on_a_developers_machine_only() -> None:
    assert _problem("http://hooks.clinic.example/") is UrlProblem.SCHEME
    assert _problem("http://hooks.clinic.example/", is_local=True) is UrlProblem.SCHEME
    assert _problem("http://127.0.0.1:8080/") is UrlProblem.SCHEME
    assert _problem("http://127.0.0.1:8080/", is_local=True) is None
    assert _problem("http://localhost:8080/", is_local=True) is None
    assert _problem("http://127.0.0.2/", is_local=True) is UrlProblem.SCHEME


def test_a_url_is_read_once_for_all() -> None:
    assert read_url("https://Hooks.Clinic.example/A?b") == Endpoint(
        is_https=True, host="hooks.clinic.example", port=443, target="/A?b"
    )
    assert read_url("http://localhost:80?b") == Endpoint(is_https=False, host="localhost", port=80, target="/?b")


def test_the_host_header_names_a_port_that_is_not_the_schemes_own() -> None:
    found = [read_url(url) for url in ("https://a.example", "https://a.example:80", "http://a.example:80")]
    assert [endpoint.authority for endpoint in found if endpoint] == ["a.example", "a.example:80", "a.example"]


@pytest.mark.parametrize("problem", UrlProblem)
def test_every_problem_of_a_url_has_words(problem: UrlProblem) -> None:
    for language in words.languages():
        assert words.catalogue(language)[f"field.{problem}"]


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.9.9",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "0.0.0.0",  # noqa: S104  It is refused.
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2002:a00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "not an address",
        "",
    ],
)
@pytest.mark.parametrize("is_local", [True, False])
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str, is_local: bool) -> None:
    assert not is_allowed_address(address, is_local=is_local)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_allowed_on_a_developers_machine_only(address: str) -> None:
    assert is_allowed_address(address, is_local=True)
    assert not is_allowed_address(address, is_local=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed_address(address, is_local=False)


def test_the_schedule_is_the_specifications() -> None:
    pauses = [pause_after(attempts, timedelta()) for attempts in range(1, 11)]
    assert pauses == [*PAUSES, None]
    seconds = [pause.total_seconds() for pause in PAUSES]
    assert seconds == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]


def test_a_receiver_may_ask_for_a_longer_pause_of_a_day_at_most() -> None:
    assert pause_after(1, timedelta(minutes=10)) == timedelta(minutes=10)
    assert pause_after(2, timedelta(minutes=1)) == timedelta(minutes=5)
    assert pause_after(1, timedelta(days=400)) == timedelta(days=1)
    assert pause_after(10, timedelta(minutes=1)) is None


@pytest.mark.parametrize(
    ("status", "is_success", "is_gone"),
    [
        (200, True, False),
        (204, True, False),
        (299, True, False),
        (101, False, False),
        (301, False, False),
        (404, False, False),
        (410, False, True),
        (500, False, False),
    ],
)
def test_only_2xx_is_success_and_only_410_is_the_end(status: int, is_success: bool, is_gone: bool) -> None:
    outcome = Outcome(status)
    assert (outcome.is_success, outcome.is_gone) == (is_success, is_gone)


def test_no_answer_is_no_success() -> None:
    outcome = Outcome(error=SendError.TIMED_OUT)
    assert (outcome.is_success, outcome.is_gone) == (False, False)


def test_the_id_of_an_event_is_its_place_and_sorts_as_it() -> None:
    places = [0, 1, 31, 32, 1023, 1024, 32**5, 2**80, 2**130 - 1]
    made = [event_id(place) for place in places]
    assert [ids.number_of(one) for one in made] == places
    assert made == sorted(made)
    assert all(ids.has_prefix(one, "evt") for one in made)

"""Resets under race: one redemption, exact limits, no more tries than promised (RC 1 and 6)."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.crowd import at_once, fresh_address
from tests.support.portal import Person, Portal
from tests.support.promises import Promise
from tests.support.resets import answer_to, ask, confirm, start
from tests.support.setting import setting
from tests.support.sign_in import confirm_email
from tests.support.sizes import size

pytestmark = [pytest.mark.race, pytest.mark.promise]


@pytest.fixture(autouse=True)
def without_security_questions() -> Iterator[None]:
    """Their hashes would only keep the racers from meeting."""
    with setting("SECURITY_QUESTIONS", "off"):
        yield


@pytest.fixture
def person(portal: Portal) -> Person:
    """Somebody who confirmed their email."""
    found = portal.register()
    confirm_email(portal, found)
    return found


def rows_of(portal: Portal, person: Person, area: str) -> list[dict[str, Any]]:
    account_id = person.session["account"]["account_id"]
    return [row for row in portal.rows(area) if {"S": account_id} in (row["pk"], row.get("account_id"))]


def notices(portal: Portal, person: Person, kind: str) -> int:
    """How often somebody is to be told of something."""
    rows = rows_of(portal, person, "outbox")
    return sum((row["topic"]["S"], row.get("notice_kind", {}).get("S")) == ("notices", kind) for row in rows)


def test_of_many_redemptions_at_once_one_succeeds(portal: Portal, person: Person, promise: Promise) -> None:
    """RC 1: by code and by link in turn, each with a password of its own."""
    reset = start(portal, person.username, person.patient.email)
    count, sent = size("RC 1"), [{"otp": reset.code}, {"token": reset.token}]
    passwords = [f"eleven blue kettles hum {number}" for number in range(count)]
    answers = at_once(count, lambda number: confirm(portal, reset.reset_id, passwords[number], **sent[number % 2]))
    won = [number for number, answer in enumerate(answers) if answer.status == 204]
    promise("RC 1", f"{count} redemptions at once: succeeded", asked=1, measured=len(won))
    refused = Counter(answer.json["code"] for answer in answers if answer.status != 204)
    assert refused == {"reset_not_accepted": count - 1}
    assert notices(portal, person, "password_changed") == 1
    actions = [
        row["action"]["S"]
        for row in portal.rows("audit")
        if row["pk"]["S"].endswith(person.session["account"]["account_id"])
    ]
    assert actions.count("account:password:reset") == 1
    assert portal.sign_in(person.username, passwords[won[0]], source_ip=fresh_address()).status == 201


def test_of_many_wrong_codes_at_once_five_count_and_the_right_one_then_fails(
    portal: Portal, person: Person, promise: Promise
) -> None:
    """RC 6: and none of them is compared beyond the fifth, right or not."""
    reset = start(portal, person.username, person.patient.email)
    count = size("RC 1")
    answers = at_once(count, lambda number: confirm(portal, reset.reset_id, otp=reset.wrong_code(number + 1)))
    assert Counter(answer.status for answer in answers) == {422: count}
    (link,) = [row for row in portal.rows("accounts") if row["pk"]["S"] == f"lnk_{reset.reset_id[4:]}"]
    promise("RC 6", f"{count} wrong codes at once: tries counted", asked=5, measured=int(link["tries"]["N"]))
    assert confirm(portal, reset.reset_id, otp=reset.code).status == 422


def test_of_many_wrong_answers_at_once_three_are_hashed(portal: Portal, promise: Promise, hashes: list[None]) -> None:
    """RC 6."""
    with setting("SECURITY_QUESTIONS", "on"):
        person = portal.register()
        reset = start(portal, person.username, person.patient.email)
        right = answer_to(portal, confirm(portal, reset.reset_id, otp=reset.code))
        hashes.clear()
        for _ in range(3):
            at_once(5, lambda number: confirm(portal, reset.reset_id, otp=reset.code, security_answer=f"no {number}"))
        promise("RC 6", "15 wrong answers, 5 at once: hashes", asked=3, measured=len(hashes))
        assert confirm(portal, reset.reset_id, otp=reset.code, security_answer=right).status == 422


def test_of_many_requests_at_once_three_are_sent_and_the_last_one_works(
    portal: Portal, person: Person, promise: Promise
) -> None:
    """RC 1 and 6: each from an address of its own, by name and by email."""
    count, addresses = size("RC 6"), [fresh_address() for _ in range(size("RC 6"))]
    names = [person.username, person.patient.email]
    answers = at_once(count, lambda number: ask(portal, names[number % 2], source_ip=addresses[number]))
    assert Counter(answer.status for answer in answers) == {202: count}
    sent = notices(portal, person, "password_reset")
    promise("RC 6", f"{count} requests at once for an account: sent", asked=3, measured=sent)
    links = [row for row in rows_of(portal, person, "accounts") if row.get("purpose", {}).get("S") == "reset_password"]
    assert len(links) == 3
    (running,) = [row for row in rows_of(portal, person, "accounts") if row["sk"]["S"] == "reset"]
    assert running["link_id"]["S"] in {row["pk"]["S"] for row in links}


def test_of_many_requests_at_once_from_one_address_thirty_are_taken(portal: Portal, promise: Promise) -> None:
    """RC 6."""
    count, address = size("RC 6"), fresh_address()
    answers = at_once(count, lambda number: ask(portal, f"nobody-{number}", source_ip=address))
    statuses = Counter(answer.status for answer in answers)
    promise("RC 6", f"{count} requests at once from an address: taken", asked=30, measured=statuses[202])
    assert statuses[429] == count - 30

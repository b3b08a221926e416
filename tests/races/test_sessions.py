"""Signing in, refreshing and signing out under race (PW 5 and 6, SE 2 and 3)."""

from collections import Counter

import pytest

from tests.support.crowd import at_once, fresh_address
from tests.support.portal import Portal
from tests.support.promises import Promise
from tests.support.sign_in import is_signed_in, refresh
from tests.support.sizes import size

pytestmark = [pytest.mark.race, pytest.mark.promise]


def test_of_many_wrong_tries_at_once_ten_are_hashed(portal: Portal, promise: Promise, hashes: list[None]) -> None:
    """PW 6: each from an address of its own, so that the account's own limit alone stops them."""
    person = portal.register()
    count, addresses = size("PW 6"), [fresh_address() for _ in range(size("PW 6"))]
    hashes.clear()
    answers = at_once(
        count, lambda number: portal.sign_in(person.username, f"wrong number {number}", source_ip=addresses[number])
    )
    promise(
        "PW 6",
        f"{count} wrong tries at once: hashes",
        asked="at most 10",
        measured=len(hashes),
        passed=len(hashes) <= 10,
    )
    statuses = Counter(answer.status for answer in answers)
    assert statuses == {401: 10, 429: count - 10}
    refused = [answer for answer in answers if answer.status == 429]
    assert all(1 <= int(answer.header("retry-after") or 0) <= 300 for answer in refused)
    (row,) = [
        row
        for row in portal.rows("accounts")
        if (row["pk"]["S"], row["sk"]["S"]) == (person.session["account"]["account_id"], "principal")
    ]
    promise("PW 6", f"{count} wrong tries at once: counted", asked=10, measured=int(row["wrong_in_a_row"]["N"]))


def test_many_right_sign_ins_at_once_from_one_address_all_succeed(portal: Portal, promise: Promise) -> None:
    """PW 5: it counts wrong tries, and a clinic's waiting room has one address."""
    people, address = [portal.register() for _ in range(15)], fresh_address()
    answers = at_once(len(people), lambda number: portal.sign_in(people[number].username, source_ip=address))
    succeeded = sum(answer.status == 201 for answer in answers)
    promise(
        "PW 5", f"{len(people)} right sign-ins at once from one address: 201", asked=len(people), measured=succeeded
    )


def test_many_tokens_of_one_client_at_once_are_all_given(portal: Portal) -> None:
    credentials, address = portal.new_client("records.write"), fresh_address()
    asked = {"grant_type": "client_credentials", "client_id": credentials[0], "client_secret": credentials[1]}
    answers = at_once(30, lambda _: portal.call("POST", "/v1/clinic/tokens", asked, source_ip=address))
    assert {answer.status for answer in answers} == {201}


def test_of_many_wrong_tries_at_once_from_one_address_ten_are_hashed(
    portal: Portal, promise: Promise, hashes: list[None]
) -> None:
    """PW 5: each at another account."""
    count, address = size("PW 6") // 4, fresh_address()
    at_once(count, lambda number: portal.sign_in(f"nobody-{number}-{address}", source_ip=address))
    promise("PW 5", f"{count} wrong tries at once from one address: hashes", asked=10, measured=len(hashes))


def test_who_signs_in_many_times_at_once_is_not_limited(portal: Portal) -> None:
    """PW 5: a right try does not count, here as fast as the reserved ones come back."""
    person = portal.register()
    answers = at_once(8, lambda _number: portal.sign_in(person.username, source_ip=fresh_address()))
    assert Counter(answer.status for answer in answers) == {201: 8}
    assert len(person.get("/v1/sessions").json["items"]) == 9


def test_many_refreshes_at_once_are_one_chain(portal: Portal, promise: Promise) -> None:
    """SE 3."""
    session = portal.register().session
    count = size("SE 3")
    answers = at_once(count, lambda _number: refresh(portal, session["refresh_token"]))
    promise("SE 3", f"{count} refreshes at once: answered", asked=count, measured=sum(a.status == 201 for a in answers))
    chains = {(answer.json["access_token"], answer.json["refresh_token"]) for answer in answers}
    promise("SE 3", f"{count} refreshes at once: chains", asked=1, measured=len(chains))
    (access_token, refresh_token) = chains.pop()
    assert is_signed_in(portal, access_token)
    assert refresh_token.split(".")[2] == "1"


def test_a_session_that_is_ended_while_it_is_refreshed_stays_ended(portal: Portal, promise: Promise) -> None:
    """SE 2."""
    alive = 0
    for _ in range(5):
        person = portal.register()
        token = person.session["refresh_token"]
        answers = at_once(
            8,
            lambda number, person=person, token=token: (
                refresh(portal, token)  # type: ignore[misc]
                if number
                else person.call("DELETE", "/v1/sessions/current")
            ),
        )
        tokens = [answer.json["access_token"] for answer in answers if answer.status == 201]
        alive += sum(is_signed_in(portal, token) for token in tokens)
        alive += len(find_open(portal, person.session["account"]["account_id"]))
    promise("SE 2", "sessions alive after a sign-out among 7 refreshes, 5 times", asked=0, measured=alive)


def find_open(portal: Portal, account_id: str) -> list[str]:
    keys = [(row["pk"]["S"], row["sk"]["S"]) for row in portal.rows("accounts")]
    return [sk for pk, sk in keys if pk == account_id and sk.startswith("session#")]


def test_of_many_password_changes_at_once_one_counts_and_one_session_is_left(portal: Portal, promise: Promise) -> None:
    """SE 2, PW 5: sign-ins with the old password under way meanwhile are dead, too."""
    person = portal.register()
    passwords = [f"eleven blue kettles hum {number}" for number in range(4)]

    def act(number: int) -> str | None:
        if number < len(passwords):
            body = {"current_password": person.password, "new_password": passwords[number]}
            answer = person.call("PUT", "/v1/me/password", body)
        else:
            answer = portal.sign_in(person.username, source_ip=fresh_address())
        return answer.json["access_token"] if answer.status in {200, 201} else None

    tokens = at_once(9, act)
    changed = [number for number in range(4) if tokens[number] is not None]
    promise("SE 2", "4 password changes at once: done", asked=1, measured=len(changed))
    alive = [number for number, token in enumerate(tokens) if token and is_signed_in(portal, token)]
    assert alive == changed
    assert portal.sign_in(person.username, passwords[changed[0]], source_ip=fresh_address()).status == 201
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 401

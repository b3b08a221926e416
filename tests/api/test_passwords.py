"""Passwords over HTTP: which are taken, how often one may be wrong, and how they change (PW 1-3 and 5-7)."""

import hmac
import time
from datetime import timedelta

import pytest

from chalicelib import clock
from chalicelib.auth import limits
from chalicelib.models.sessions import Device, device_sk
from tests.support.crowd import fresh_address, seen_by_a_stranger
from tests.support.forged import altered
from tests.support.portal import PASSWORD, Answer, Person, Portal
from tests.support.promises import Promise
from tests.support.sign_in import is_signed_in
from tests.support.sizes import size
from tests.support.times import NOON

NEW = "eleven blue kettles hum"
MOMENT = timedelta(milliseconds=1)


@pytest.fixture(scope="module")
def person(portal: Portal) -> Person:
    return portal.register()


def change(person: Person, new: str, current: str | None = None) -> Answer:
    body = {"current_password": current or person.password, "new_password": new}
    return person.call("PUT", "/v1/me/password", body)


def password_problems(answer: Answer) -> set[str]:
    return {error["code"] for error in answer.json["errors"] if error["pointer"] in {"/password", "/new_password"}}


def guess(portal: Portal, person: Person, times: int, **more: object) -> list[int]:
    return [portal.sign_in(person.username, f"a wrong guess {number}", **more).status for number in range(times)]


@pytest.mark.parametrize(
    "password",
    [
        "fifteen letters",
        "   spaces around   ",
        "🫖🫖 sieben grüne Kannen 🎶",
        "парольная фраза про чайник",
        "nothing but small letters in it",
        "x7" + "kq wz bn" * 20 + " mtrp lvd hgs",
        "".join(chr(0x4E00 + 7 * place) for place in range(256)),
    ],
)
def test_a_long_password_of_any_kind_is_taken(portal: Portal, password: str) -> None:
    """PW 1: no composition rules, spaces, emoji, up to 256 characters."""
    mine = portal.register(password=password)
    assert portal.sign_in(mine.username, password).status == 201


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("fourteen chars", "password_too_short"),
        ("q" + "7x wz" * 51 + "z", "password_too_long"),
        ("passwordpassword", "password_common"),
        ("qwertyuiopasdfgh", "password_runs"),
        ("abcdabcdabcdabcd", "password_repeats"),
        ("Ingrid Solberg 61", "password_own_words"),
        ("Sample Clinic 2026", "password_own_words"),
        ("tab\tin a passphrase", "password_unusable_characters"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused_with_the_reason(
    person: Person, password: str, problem: str
) -> None:
    """PW 1 and 2."""
    refused = change(person, password)
    assert refused.status == 422
    assert problem in password_problems(refused)


def test_the_persons_own_words_are_refused_when_they_register_too(portal: Portal) -> None:
    """PW 2: the name on file, the username, and the address that waits to be confirmed."""
    patient = portal.new_patient(name=[{"given": ["Bartholomew"], "family": "Featherstonehaugh"}])
    started = portal.start_registration(patient, portal.issue_code(patient).json["activation_code"]).json
    for password in ("featherstonehaugh", "bartholomew 1961-04", "wanderer-of-hills 1"):
        refused = portal.finish_registration(started, username="wanderer-of-hills", password=password)
        assert "password_own_words" in password_problems(refused), password
    mine = portal.register(email="marmalade.sandwich.club@example.org")
    assert "password_own_words" in password_problems(change(mine, "marmalade.sandwich1"))


def test_the_whole_password_counts_and_its_unicode_form_does_not(portal: Portal) -> None:
    """PW 1: twins that differ in character 65 differ; NFC."""
    long = "kq wz bn mtrp lvd hgs fjx " * 2 + "so gut wie ein Gedicht"
    mine = portal.register(password=long[:64] + "a" + long[64:])
    assert portal.sign_in(mine.username, long[:64] + "b" + long[64:], source_ip=fresh_address()).status == 401
    assert portal.sign_in(mine.username, long[:64], source_ip=fresh_address()).status == 401
    assert portal.sign_in(mine.username, long[:64] + "a" + long[64:]).status == 201
    composed = portal.register(password="sieben grüne Kännchen")
    assert portal.sign_in(composed.username, "sieben gru\u0308ne Ka\u0308nnchen").status == 201


@pytest.mark.promise
def test_a_hash_of_older_parameters_is_renewed_at_sign_in(portal: Portal, promise: Promise) -> None:
    """PW 3."""
    from argon2 import PasswordHasher

    from chalicelib.auth.peppers import peppers
    from chalicelib.models.accounts import PRINCIPAL, Account

    mine = portal.register()
    account = Account.get(mine.session["account"]["account_id"], PRINCIPAL)
    promise("PW 3", "parameters", asked="m=19456,t=2,p=1", measured=account.password_hash.split("$")[4])
    keys = peppers()
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
    peppered = hmac.digest(keys.keys[keys.current], mine.password.encode(), "sha256")
    account.update([Account.password_hash.set(f"{keys.current}${weak.hash(peppered)}")])
    assert portal.sign_in(mine.username, "not the password", source_ip=fresh_address()).status == 401
    account.refresh(consistent_read=True)
    assert "m=8192" in account.password_hash
    assert portal.sign_in(mine.username, source_ip=fresh_address()).status == 201
    account.refresh(consistent_read=True)
    promise("PW 3", "parameters after a sign-in", asked="m=19456,t=2,p=1", measured=account.password_hash.split("$")[4])
    assert portal.sign_in(mine.username, source_ip=fresh_address()).status == 201


@pytest.mark.promise
def test_ten_wrong_tries_at_an_account_in_five_minutes_and_no_more(
    portal: Portal, promise: Promise, hashes: list[None]
) -> None:
    """PW 5: from ten addresses; the right password waits, too, and a wrong one is not hashed."""
    with clock.frozen(NOON):
        person = portal.register()
        first = [portal.sign_in(person.username, "wrong one", source_ip=fresh_address()).status for _ in range(10)]
        hashes.clear()
        clock.advance(timedelta(minutes=5) - MOMENT)
        refused = portal.sign_in(person.username, source_ip=fresh_address())
        promise("PW 5", "hashes after the 10th wrong try", asked=0, measured=len(hashes))
        clock.advance(MOMENT)
        after = portal.sign_in(person.username, source_ip=fresh_address()).status
    assert (refused.header("retry-after"), refused.json["code"]) == ("1", "too_many_requests")
    measured = f"{first.count(401)}, {refused.status}, {after}"
    promise("PW 5", "wrong tries, then 1 ms before and at 5 minutes", asked="10, 429, 201", measured=measured)


@pytest.mark.promise
def test_ten_wrong_tries_from_an_address_in_five_minutes_and_no_more(
    portal: Portal, promise: Promise, hashes: list[None]
) -> None:
    """PW 5, AP 5: at ten names, of which none exists; what X-Forwarded-For claims moves nothing."""
    person, address = portal.register(), fresh_address()
    network = address.replace("::1", "::beef:")
    wrong = [
        portal.sign_in(f"nobody-{number}-{address}", source_ip=f"{network}{number}").status for number in range(10)
    ]
    hashes.clear()
    claimed = {"X-Forwarded-For": "198.51.100.77", "Forwarded": "for=198.51.100.77"}
    refused = portal.sign_in(person.username, source_ip=address, headers=claimed)
    assert len(hashes) == 0
    promise(
        "PW 5",
        "wrong tries from one network, then the next",
        asked="10, 429",
        measured=f"{wrong.count(401)}, {refused.status}",
    )
    assert int(refused.header("retry-after") or 0) > 290
    # The account has not paid for it.
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 201


def test_an_unknown_name_is_limited_as_a_known_one_is(portal: Portal) -> None:
    """PW 4 and 5: the limit does not tell who exists."""
    person = portal.register()
    answers = []
    for name in (person.username, f"nobody-{fresh_address()}"):
        with clock.frozen(NOON):
            for _ in range(10):
                portal.sign_in(name, "wrong one", source_ip=fresh_address())
            answers.append(portal.sign_in(name.upper(), "wrong one", source_ip=fresh_address()))
    assert answers[0].status == 429
    assert seen_by_a_stranger(answers[0]) == seen_by_a_stranger(answers[1])


def test_right_tries_do_not_count(portal: Portal) -> None:
    """PW 5."""
    person, address = portal.register(), fresh_address()
    guess(portal, person, 9, source_ip=address)
    assert [portal.sign_in(person.username, source_ip=address).status for _ in range(3)] == [201] * 3
    assert guess(portal, person, 2, source_ip=address) == [401, 429]


@pytest.mark.promise
def test_a_thousand_wrong_tries_in_five_minutes_stop_everybody_but_known_devices(
    portal: Portal, promise: Promise, hashes: list[None]
) -> None:
    """PW 5: all but the last are noted without being made, unless the promise is measured at its figure."""
    portal.advance(days=3)
    person, real = portal.register(), size("PW 5 overall")
    for _ in range(1000 - real):
        limits.note_overall("sign-in")
    wrong = [portal.sign_in(f"nobody-{number}-{fresh_address()}", source_ip=fresh_address()) for number in range(real)]
    assert {answer.status for answer in wrong} == {401}
    hashes.clear()
    refused = portal.sign_in(person.username, source_ip=fresh_address())
    promise("PW 5", "status after 1,000 wrong tries overall", asked=429, measured=refused.status)
    assert (len(hashes), refused.header("retry-after")) == (0, "60")
    known = {"X-Device-Token": person.session["device_token"]}
    assert portal.sign_in(person.username, source_ip=fresh_address(), headers=known).status == 201
    portal.advance(minutes=7)
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 201


@pytest.mark.promise
def test_a_hundred_wrong_tries_in_a_row_disable_the_password_for_strangers(portal: Portal, promise: Promise) -> None:
    """PW 5: in a row over hours, with the right one in between starting again; a known device signs in still."""
    person = portal.register()
    device = {"X-Device-Token": person.session["device_token"]}
    guess(portal, person, 5, source_ip=fresh_address())
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 201
    portal.advance(minutes=6)
    statuses: list[int] = []
    for _ in range(size("PW 5") // 10 - 1):
        statuses += guess(portal, person, 10, source_ip=fresh_address())
        portal.advance(minutes=6)
    statuses += guess(portal, person, 10, source_ip=fresh_address())
    portal.advance(minutes=6)
    right, wrong = (
        portal.sign_in(person.username, password, source_ip=fresh_address()) for password in (PASSWORD, "wrong one")
    )
    assert seen_by_a_stranger(right) == seen_by_a_stranger(wrong)
    known = portal.sign_in(person.username, headers=device, source_ip=fresh_address()).status
    measured = f"{statuses.count(401)}, {right.status}, {known}"
    promise("PW 5", "wrong in a row, then right: strangers, known device", asked="100, 401, 201", measured=measured)
    account = f"account#{person.session['account']['account_id']}"
    history = [row["action"]["S"] for row in portal.rows("audit") if row["pk"]["S"] == account]
    assert history.count("account:password:disable") == 1


@pytest.mark.promise
def test_a_known_device_is_not_locked_out_by_strangers(portal: Portal, promise: Promise) -> None:
    """PW 5: neither from elsewhere nor from behind the same address."""
    person, address = portal.register(), fresh_address()
    guess(portal, person, 12, source_ip=address)
    device = {"X-Device-Token": person.session["device_token"]}
    answer = portal.sign_in(person.username, source_ip=address, headers=device)
    promise("PW 5", "known device, locked out by strangers", asked=201, measured=answer.status)
    assert answer.json["device_token"] is None
    cookie = {"Cookie": f"__Host-device={person.session['device_token']}"}
    assert portal.sign_in(person.username, source_ip=address, headers=cookie).status == 201


def test_strangers_cannot_make_up_a_known_device(portal: Portal) -> None:
    """PW 5: nor use their own account's, nor one that they guess on."""
    person, stranger, address = portal.register(), portal.register(), fresh_address()
    guess(portal, person, 10, source_ip=address)
    token, theirs = person.session["device_token"], stranger.session["device_token"]
    account, device, secret = token.split(".")
    made_up = [
        theirs,
        f"{account}.{device}.{altered(secret)}",
        f"{account}.{device}.",
        f"{account}.{theirs.split('.')[1]}.{theirs.split('.')[2]}",
        f"{account}.{device}",
        "..",
    ]
    statuses = {portal.sign_in(person.username, headers={"X-Device-Token": one}).status for one in made_up}
    assert statuses == {429}
    known = {"X-Device-Token": token}
    assert guess(portal, person, 11, headers=known) == [401] * 10 + [429]


def guessed_on(person: Person, times: int) -> None:
    """So many wrong tries in a row were made on the person's device, some while ago."""
    account, device, _ = person.session["device_token"].split(".")
    Device(account, device_sk(device)).update([Device.wrong_in_a_row.set(times)])


def test_a_device_on_which_somebody_guesses_a_hundred_times_is_known_no_more(portal: Portal) -> None:
    """PW 5: and its tries do not disable the password for its owner."""
    person = portal.register()
    device = {"X-Device-Token": person.session["device_token"]}
    guessed_on(person, 98)
    assert guess(portal, person, 1, headers=device) == [401]
    assert portal.sign_in(person.username, headers=device).json["device_token"] is None
    guessed_on(person, 98)
    assert guess(portal, person, 2, headers=device) == [401, 401]
    assert portal.sign_in(person.username, headers=device).json["device_token"] is not None


@pytest.mark.promise
def test_a_password_of_a_megabyte_is_refused_at_once(portal: Portal, promise: Promise, hashes: list[None]) -> None:
    """PW 7."""
    portal.sign_in("nobody", source_ip=fresh_address())
    hashes.clear()
    times = []
    for _ in range(5):
        started = time.perf_counter()
        answer = portal.sign_in("nobody", "x" * 1_000_000, source_ip=fresh_address())
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status == 413
    promise("PW 7", "1 MB password: hashes", asked=0, measured=len(hashes))
    promise("PW 7", "1 MB password: ms", asked="under 50", measured=round(min(times)), passed=min(times) < 50)
    assert portal.sign_in("nobody", "x" * 5000, source_ip=fresh_address()).status == 422
    assert portal.sign_in("nobody", "x" * 300, source_ip=fresh_address()).status == 401
    assert len(hashes) == 0


def test_a_changed_password_ends_every_session_and_opens_a_new_one(portal: Portal) -> None:
    """SE 2; the device stays known."""
    person = portal.register()
    other = portal.sign_in(person.username).json
    answer = change(person, NEW)
    assert answer.status == 200
    assert is_signed_in(portal, answer.json["access_token"])
    assert not is_signed_in(portal, person.token)
    assert not is_signed_in(portal, other["access_token"])
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 401
    assert portal.sign_in(person.username, NEW, source_ip=fresh_address()).status == 201
    device = {"X-Device-Token": person.session["device_token"]}
    assert portal.sign_in(person.username, NEW, headers=device).json["device_token"] is None


def test_a_wrong_current_password_changes_nothing_and_is_limited(portal: Portal, hashes: list[None]) -> None:
    """PW 5."""
    person = portal.register()
    refused = change(person, NEW, current="not the password at all")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/current_password")
    assert is_signed_in(portal, person.token)
    statuses = [change(person, NEW, current=f"wrong one {number}").status for number in range(9)]
    hashes.clear()
    assert (statuses, change(person, NEW).status, len(hashes)) == ([422] * 9, 429, 0)
    portal.advance(minutes=5, seconds=1)
    assert change(person, NEW).status == 200


def test_who_guesses_a_hundred_times_in_anothers_session_loses_it(portal: Portal) -> None:
    """PW 5."""
    person = portal.register()
    guessed_on(person, 98)
    assert change(person, NEW, current="wrong one").status == 422
    assert is_signed_in(portal, person.token)
    assert change(person, NEW, current="wrong one").status == 422
    assert not is_signed_in(portal, person.token)
    assert portal.sign_in(person.username, source_ip=fresh_address()).status == 201

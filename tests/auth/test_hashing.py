import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from argon2 import PasswordHasher, extract_parameters

from chalicelib.auth import hashing
from chalicelib.auth.hashing import Peppers, UnreadableHash, UnusablePassword

PEPPERS = Peppers(current="p1", keys={"p1": b"1" * 32})
ROTATED = Peppers(current="p2", keys={"p1": b"1" * 32, "p2": b"2" * 32})
PASSWORD = "plover quartz marimba"


@pytest.fixture
def computations() -> Iterator[list[None]]:
    seen: list[None] = []

    def observe() -> None:
        seen.append(None)

    hashing.observers.append(observe)
    yield seen
    hashing.observers.remove(observe)


def test_a_password_verifies_against_its_own_hash_and_no_other() -> None:
    stored = hashing.hash(PASSWORD, PEPPERS)
    assert hashing.verify(stored, PASSWORD, PEPPERS)
    assert not hashing.verify(stored, PASSWORD + " ", PEPPERS)
    assert not hashing.verify(stored, PASSWORD.title(), PEPPERS)
    assert not hashing.verify(stored, "", PEPPERS)


def test_two_hashes_of_one_password_differ() -> None:
    assert hashing.hash(PASSWORD, PEPPERS) != hashing.hash(PASSWORD, PEPPERS)


def test_the_stored_hash_names_its_pepper_and_argon2id_with_19_mib_2_passes_1_lane() -> None:
    key_id, _, encoded = hashing.hash(PASSWORD, PEPPERS).partition("$")
    parameters = extract_parameters(encoded)
    assert key_id == "p1"
    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (parameters.salt_len, parameters.hash_len) == (16, 32)


def test_the_hash_cannot_be_verified_without_the_pepper() -> None:
    encoded = hashing.hash(PASSWORD, PEPPERS).partition("$")[2]
    other = Peppers(current="p1", keys={"p1": b"x" * 32})
    assert not hashing.verify(f"p1${encoded}", PASSWORD, other)


@pytest.mark.parametrize("position", [0, 63, 64, 71, 72, 199, 255])
def test_twins_that_differ_in_one_character_differ(position: int) -> None:
    password = "lantern" * 36 + "tree"
    twin = f"{password[:position]}#{password[position + 1 :]}"
    assert len(password) == len(twin) == 256
    assert not hashing.verify(hashing.hash(password, PEPPERS), twin, PEPPERS)


def test_a_nul_does_not_cut_the_password_off() -> None:
    assert not hashing.verify(hashing.hash("harbour\0dawn and more", PEPPERS), "harbour\0dusk and more", PEPPERS)


def test_composed_and_decomposed_spellings_are_one_password() -> None:
    composed = "crème brûlée à la pêche"
    stored = hashing.hash(unicodedata.normalize("NFD", composed), PEPPERS)
    assert hashing.verify(stored, unicodedata.normalize("NFC", composed), PEPPERS)


def test_a_hash_under_an_old_pepper_verifies_and_asks_for_a_new_one() -> None:
    stored = hashing.hash(PASSWORD, PEPPERS)
    assert hashing.verify(stored, PASSWORD, ROTATED)
    assert hashing.needs_rehash(stored, ROTATED)
    assert not hashing.needs_rehash(hashing.hash(PASSWORD, ROTATED), ROTATED)


def test_a_hash_with_older_parameters_verifies_and_asks_for_a_new_one() -> None:
    current = hashing.hash(PASSWORD, PEPPERS)
    weaker = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
    stored = "p1$" + weaker.hash(hashing._peppered(PASSWORD.encode(), PEPPERS.keys["p1"]))  # noqa: SLF001  # No other way to an old hash.
    assert hashing.verify(stored, PASSWORD, PEPPERS)
    assert hashing.needs_rehash(stored, PEPPERS)
    assert not hashing.needs_rehash(current, PEPPERS)


def test_a_hash_whose_pepper_is_gone_answers_as_a_wrong_password_after_the_same_work(computations: list[None]) -> None:
    stored = hashing.hash(PASSWORD, ROTATED)
    computations.clear()
    assert not hashing.verify(stored, PASSWORD, PEPPERS)
    assert len(computations) == 1


@pytest.mark.parametrize(
    "stored", ["", "p1", "$argon2id$v=19$x", "p1$$argon2i$v=19$m=1,t=1,p=1$a$b", "p1$$argon2id$v=19$x"]
)
def test_a_damaged_hash_is_an_error_and_no_wrong_password(stored: str) -> None:
    with pytest.raises(UnreadableHash):
        hashing.verify(stored, PASSWORD, PEPPERS)


def test_an_unknown_user_costs_one_computation_with_the_same_parameters(computations: list[None]) -> None:
    hashing.verify_nothing(PASSWORD, PEPPERS)
    assert len(computations) == 1
    assert extract_parameters(hashing._nobodys_hash()) == extract_parameters(  # noqa: SLF001  # What makes the times alike.
        hashing.hash(PASSWORD, PEPPERS).partition("$")[2]
    )


def test_an_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    stored = hashing.hash(PASSWORD, PEPPERS)

    def seconds(known: bool) -> float:
        start = time.process_time()
        if known:
            hashing.verify(stored, "wrong", PEPPERS)
        else:
            hashing.verify_nothing("wrong", PEPPERS)
        return time.process_time() - start

    known, unknown = zip(*((seconds(known=True), seconds(known=False)) for _ in range(9)), strict=True)
    assert min(unknown) == pytest.approx(min(known), rel=0.4)


@pytest.mark.parametrize(
    "password", ["x" * 257, "x" * 1_000_000, "é" * 257, "e\u0301" * 257, "\ud800" * 20, "😀" * 1025]
)
def test_what_is_too_long_or_no_text_is_refused_in_under_50_ms_without_hashing(
    password: str, computations: list[None]
) -> None:
    stored = hashing.hash(PASSWORD, PEPPERS)
    computations.clear()
    start = time.process_time()
    with pytest.raises(UnusablePassword):
        hashing.hash(password, PEPPERS)
    assert not hashing.verify(stored, password, PEPPERS)
    hashing.verify_nothing(password, PEPPERS)
    assert time.process_time() - start < 0.05
    assert computations == []


@pytest.mark.parametrize("password", ["x" * 256, "😀" * 256, "e\u0301" * 256])
def test_256_code_points_in_nfc_are_hashed(password: str, computations: list[None]) -> None:
    assert hashing.verify(hashing.hash(password, PEPPERS), password, PEPPERS)
    assert len(computations) == 2


def test_observers_count_parallel_computations_exactly() -> None:
    numbers = count()
    stored = hashing.hash(PASSWORD, PEPPERS)

    def observe() -> None:
        next(numbers)

    hashing.observers.append(observe)
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda guess: hashing.verify(stored, guess, PEPPERS), ["wrong"] * 11 + [PASSWORD]))
    finally:
        hashing.observers.remove(observe)
    assert answers == [False] * 11 + [True]
    assert next(numbers) == 12


@pytest.mark.parametrize(
    ("current", "keys"),
    [("p1", {}), ("p2", {"p1": b"1" * 32}), ("p1", {"p1": b"short"}), ("p$", {"p$": b"1" * 32}), ("", {"": b"1" * 32})],
)
def test_peppers_that_could_not_be_told_apart_or_are_guessable_are_refused(
    current: str, keys: dict[str, bytes]
) -> None:
    with pytest.raises(ValueError, match=r"[Pp]epper"):
        Peppers(current=current, keys=keys)


def test_peppers_do_not_show_their_keys() -> None:
    assert "1111" not in repr(PEPPERS)


def test_argon2_is_loaded_only_when_a_password_is_hashed() -> None:
    program = "import sys, chalicelib.auth.hashing; sys.exit('argon2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

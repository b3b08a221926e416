"""An answer that takes a time of its own, whatever was found on the way (RC 4)."""

import time

import pytest

from chalicelib.auth import pace
from chalicelib.errors import IdentityNotConfirmed, TooManyRequests


def test_a_block_takes_its_least_time_and_a_longer_one_its_own() -> None:
    for work, least in ((0.0, 0.05), (0.06, 0.02)):
        begun = time.perf_counter()
        with pace.at_least(least):
            time.sleep(work)
        taken = time.perf_counter() - begun
        assert taken >= max(work, least)
        assert work < least or taken < work + least


def test_a_refusal_does_not_wait() -> None:
    begun = time.perf_counter()
    with pytest.raises(KeyError), pace.at_least(5):
        raise KeyError
    assert time.perf_counter() - begun < 1


def test_every_refusal_of_a_block_waits_and_what_is_right_does_not() -> None:
    begun = time.perf_counter()
    with pytest.raises(IdentityNotConfirmed), pace.no_refusal_before(0.2):
        raise IdentityNotConfirmed
    assert time.perf_counter() - begun >= 0.2
    begun = time.perf_counter()
    with pace.no_refusal_before(5):
        pass
    assert time.perf_counter() - begun < 1


def test_a_refusal_of_another_kind_does_not_wait() -> None:
    begun = time.perf_counter()
    with pytest.raises(TooManyRequests), pace.no_refusal_before(5, IdentityNotConfirmed):
        raise TooManyRequests(retry_after=1)
    assert time.perf_counter() - begun < 1

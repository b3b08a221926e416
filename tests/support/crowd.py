"""Many callers at once, and addresses and answers to tell them apart by."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.support.portal import Answer

# More threads on two cores only wait for each other.
_THREADS = 100

_T = TypeVar("_T")
_networks = itertools.count(1)


def at_once(count: int, act: Callable[[int], _T]) -> list[_T]:
    """What each of `count` callers got; all of them start together, in threads. `act` gets the caller's number."""
    start = threading.Event()

    def wait_and_act(number: int) -> _T:
        start.wait()
        return act(number)

    with ThreadPoolExecutor(min(count, _THREADS)) as pool:
        futures = [pool.submit(wait_and_act, number) for number in range(count)]
        start.set()
        return [future.result() for future in futures]


def fresh_address() -> str:
    """A source address in a network that nobody in this process had before."""
    return f"2001:db8:{next(_networks):x}::1"


def seen_by_a_stranger(answer: Answer) -> tuple[int, dict[str, list[str]], dict[str, object]]:
    """Status, headers and body, without the request id that alone may differ."""
    headers = {name: values for name, values in answer.headers.items() if name != "x-request-id"}
    return answer.status, headers, {name: value for name, value in answer.json.items() if name != "request_id"}

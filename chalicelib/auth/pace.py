"""Answers whose time says nothing about what was found on the way."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.errors import PortalError


@contextmanager
def at_least(seconds: float) -> Iterator[None]:
    """Leave the block no sooner than this many seconds after it was entered; a refusal leaves it at once.

    Callers take care that every way through the block does the same work; this hides what little is left, such as
    reading a row that is there.
    """
    begun = time.monotonic()
    yield
    time.sleep(max(0.0, begun + seconds - time.monotonic()))


@contextmanager
def no_refusal_before(seconds: float, kind: type[PortalError] = PortalError) -> Iterator[None]:
    """Let no refusal leave the block sooner than this many seconds after it was entered; what is right need not wait.

    Nor need a refusal of another `kind`, where one is given. What was said of `at_least` is true here too.
    """
    begun = time.monotonic()
    try:
        yield
    except kind:
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        raise

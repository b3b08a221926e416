"""The size of every promise, in one place: `make promises` measures the full figure, every other run a smaller one."""

import os
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class _Size:
    full: int
    small: int


_SIZES: Final = {
    # Starts of the API function's package that are timed.
    "cold starts": _Size(full=15, small=2),
    # The process is ended at every n-th step, and at those that decide.
    "DL 1": _Size(full=1, small=100),
    # The sealing of audit entries is ended at every n-th step.
    "AC 5": _Size(full=1, small=7),
    # Resources of one file, with a poison line on every thousandth (every fiftieth where it is small).
    "ingest": _Size(full=100_000, small=1_000),
    # The worker of a file is ended at every n-th step.
    "ingest crashes": _Size(full=1, small=12),
    # The worker of a file that somebody sent is ended at every n-th step.
    "upload crashes": _Size(full=1, small=5),
    # Every n-th way in which the papers of tests/support/pictures.py are photographed.
    "pictures": _Size(full=1, small=25),
    # Concurrent activations of one clinic number.
    "ID 3": _Size(full=200, small=40),
    # Concurrent registrations of one username, and of one email.
    "ID 4": _Size(full=100, small=20),
    # Concurrent uses of one registration's code, and of one invitation.
    "ID 7": _Size(full=50, small=20),
    # Interleaved sign-ins of each kind whose times are compared.
    "PW 4": _Size(full=1000, small=20),
    # Wrong passwords in a row until the password is disabled.
    "PW 5": _Size(full=100, small=100),
    # Wrong sign-ins of all accounts together that are really made.
    "PW 5 overall": _Size(full=1000, small=10),
    # Parallel wrong sign-ins of one account.
    "PW 6": _Size(full=1000, small=60),
    # Parallel uses of one code of a second factor.
    "PW 9": _Size(full=50, small=20),
    # Parallel refreshes with one refresh token.
    "SE 3": _Size(full=50, small=20),
    # Concurrent redemptions of one code or link.
    "RC 1": _Size(full=50, small=20),
    # Messages through a throttled and then half-failing SES.
    "DL 3": _Size(full=10_000, small=60),
    # Interleaved requests for a reset, of each kind, whose times are compared.
    "RC 4": _Size(full=300, small=12),
    # Requests at once for one account's reset, and from one source address.
    "RC 6": _Size(full=50, small=36),
    # Examples of every operation that schemathesis tries.
    "AP 2": _Size(full=100, small=5),
    # Replays at once with one Idempotency-Key.
    "AP 3": _Size(full=20, small=8),
    # Writers at once with one ETag.
    "BK 9": _Size(full=50, small=12),
    # Records of one patient, of whom a page costs what it costs at ten.
    "Costs": _Size(full=100_000, small=600),
    # Rows inserted while a list is walked.
    "AP 4": _Size(full=500, small=60),
}


def is_full() -> bool:
    """Whether this run measures the promises at their figures."""
    return os.environ.get("PROMISES", "") == "full"


def size(promise: str) -> int:
    """How many of what the promise counts this run does, for example `size("ID 3")` concurrent activations.

    Raises:
        KeyError: No size is written down for that promise.
    """
    return _SIZES[promise].full if is_full() else _SIZES[promise].small

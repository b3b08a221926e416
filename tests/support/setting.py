"""One setting of the deployment changed for a while, as its environment variable would."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.settings import settings


@contextmanager
def setting(variable: str, value: str) -> Iterator[None]:
    """Has the portal in this process run with another value of one variable."""
    before = os.environ.get(variable)
    os.environ[variable] = value
    settings.cache_clear()
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before
        settings.cache_clear()

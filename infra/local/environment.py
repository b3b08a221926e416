"""The environment variables of a local run, put back at its end; the only place of the runner that sets them."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Sets variables, None for one that must not be set, and puts them back as they were."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def without_own_account() -> dict[str, str | None]:
    """Nothing of the developer's own AWS account may be read, let alone reached."""
    return {name: None for name in os.environ if name.startswith("AWS_")}


def forget_stack() -> None:
    """A process reads the settings and the root key once; those of the stack before are not this one's."""
    if settings := sys.modules.get("chalicelib.settings"):
        settings.settings.cache_clear()
    if keys := sys.modules.get("chalicelib.clients.keys"):
        keys.forget()


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

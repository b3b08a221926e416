"""A worker that ends at any step of what it asks of AWS."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from uuid import uuid4

from tests.support.aws_calls import clients


class Killed(BaseException):
    """The process of the worker ends here."""


class Steps:
    """Counts what the portal asks of AWS, before it is sent and after it was answered, and ends at one of them."""

    def __init__(self, last: int | None) -> None:
        self.taken, self._last = 0, last

    def __call__(self, **_event: object) -> None:
        self.taken += 1
        if self.taken == self._last:
            raise Killed


@contextmanager
def killed_at(last: int | None) -> Iterator[Steps]:
    """Ends the worker at a step; None for never."""
    steps = Steps(last)
    with ExitStack() as ends:
        for client in clients().values():
            for moment in ("before-call", "after-call"):
                name = uuid4().hex
                client.meta.events.register(moment, steps, name)
                ends.callback(client.meta.events.unregister, moment, steps, name)
        with suppress(Killed):
            yield steps

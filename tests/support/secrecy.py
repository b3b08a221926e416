"""What must turn up nowhere, and everywhere that it could turn up."""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chalicelib import observability

LOCAL_ONLY = ("moto", "werkzeug", "infra", "asyncio")
"""Loggers of the embedded AWS, which is not deployed."""


@dataclass
class Canaries:
    """What must turn up nowhere, by what it is."""

    values: dict[str, str] = field(default_factory=dict)

    def seed(self, what: str, value: str) -> str:
        self.values[what] = value
        return value

    def found_in(self, sink: str) -> list[str]:
        text = sink.casefold()
        return [what for what, value in self.values.items() if value.casefold() in text]


class Sinks:
    """Everything that outlives a request outside the tables that hold the record."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}

    def add(self, sink: str, text: str) -> None:
        self.texts.setdefault(sink, []).append(text)

    def leaks(self, canaries: Canaries) -> list[str]:
        return [
            f"{sink}: {what} in {text[:300]}"
            for sink, texts in self.texts.items()
            for text in texts
            for what in canaries.found_in(text)
        ]


class _Listener(logging.Handler):
    """Takes every record of every logger, whatever its level, as the root logger of a function at DEBUG would."""

    def __init__(self, sinks: Sinks) -> None:
        super().__init__(logging.NOTSET)
        self._sinks = sinks
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(LOCAL_ONLY):
            extra = {name: value for name, value in vars(record).items() if name not in {"args", "msg"}}
            self._sinks.add("logs", f"{self.format(record)} {extra!r}")


@contextmanager
def listening(sinks: Sinks) -> Iterator[None]:
    """All log records, and the lines that the portal's logger makes of its own."""
    root, listener, lines = logging.getLogger(), _Listener(sinks), io.StringIO()
    handler = observability.logger().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    level, handler.stream = root.level, lines
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(listener)
        # What was there may be the captured output of a test that is over.
        handler.stream = sys.__stdout__
        sinks.add("log lines", lines.getvalue())

"""An event function of the app, entered as Lambda enters it."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from infra.local.lambda_proxy import LambdaContext

Record = dict[str, Any]

_log = logging.getLogger(__name__)


class FunctionError(Exception):
    """The function raised, or answered what Lambda cannot send."""


@dataclass(frozen=True)
class EventFunction:
    """One function of app.py that an event source calls."""

    name: str
    entry: Callable[[dict[str, Any], LambdaContext], Any]

    @classmethod
    def of(cls, app_module: ModuleType, handler_string: str) -> "EventFunction":
        """The function that a Chalice event source names, such as `app.deliver_email`."""
        name = handler_string.rpartition(".")[2]
        return cls(name, getattr(app_module, name))

    def __call__(self, event: Mapping[str, Any]) -> Any:
        """What the function answers to an event; both go through JSON, as in Lambda.

        Raises:
            FunctionError: Where it fails. Only the kind of its failure is logged: its words may repeat health data.
        """
        try:
            answer = self.entry(json.loads(json.dumps(event)), LambdaContext(self.name, seconds=60))
            return json.loads(json.dumps(answer))
        except Exception as error:
            _log.warning("event_function_failed %s %s", self.name, type(error).__name__)
            raise FunctionError(self.name) from error


@dataclass(frozen=True)
class Retry:
    """When what failed is tried again: at once (tests), or after a pause that doubles."""

    at_once: bool

    def seconds(self, tries: int) -> int:
        """The pause after so many tries, at most a minute."""
        return 0 if self.at_once else min(2**tries, 60)

    def is_due(self, tries: int, last: float) -> bool:
        """Whether the pause after a try at `last` (of the monotonic clock) is over."""
        return tries == 0 or time.monotonic() >= last + self.seconds(tries)


def failed_items(answer: Any, ids: Sequence[str]) -> set[str]:
    """The records that a function reports as failed; all of them where its report makes no sense, as in Lambda."""
    reported = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not reported:
        return set()
    named = {item.get("itemIdentifier") if isinstance(item, dict) else None for item in reported}
    return {name for name in named if name} if named <= set(ids) else set(ids)

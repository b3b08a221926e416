"""Runs the asynchronous half of the portal: streams, queues and schedules into the functions that app.py declares.

moto and DynamoDB Local start no function by themselves. What Lambda's event source mappings and EventBridge do in AWS,
the pump does here, in one thread.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Protocol, Self

from chalice.app import DynamoDBEventConfig, ScheduledEventConfig, ScheduleExpression, SQSEventConfig

from infra.local.aws import Aws
from infra.local.functions import EventFunction, Retry
from infra.local.queues import QueueSource
from infra.local.scanner import Scanner
from infra.local.schedules import ScheduleSource
from infra.local.streams import Positions, StreamSource

BUSY_SECONDS = 0.05
IDLE_SECONDS = 0.2

_QUIET_STEPS_BEFORE_IDLE = 20

# In the order of a round, so that what a stream relays is delivered in the same one.
_KINDS = (DynamoDBEventConfig, SQSEventConfig, ScheduledEventConfig)

_log = logging.getLogger(__name__)


class _Source(Protocol):
    def step(self, retry: Retry) -> int: ...


class Pump:
    """Feeds every event source of an app. Construct it once the tables and queues exist.

    Args:
        app_module: The module `app`, whose event functions and `app.event_sources` are used.
        aws: The running embedded AWS.
        positions: The file that remembers how far the streams were read; None where the tables end with the process.
        after_step: Called after each round that handled anything.

    Raises:
        ValueError: For an event source that is not a queue, a stream or a schedule, or an unknown schedule.
        KeyError: Where the template made no queue or table of the name in a placeholder ARN.
    """

    def __init__(
        self,
        app_module: ModuleType,
        aws: Aws,
        positions: Path | None = None,
        after_step: Callable[[], None] = lambda: None,
    ) -> None:
        self._aws = aws
        self._positions = Positions(positions)
        self._after_step = after_step
        self._sources: list[_Source] = [Scanner(aws), *self._sources_of(app_module)]
        self._stepping = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)

    def step(self, *, at_once: bool = True) -> int:
        """One round over streams, then queues, then schedules.

        Args:
            at_once: Whether what failed may be tried again without a pause.

        Returns:
            How many records, messages and schedules were handled; 0 where all was quiet.
        """
        with self._stepping:
            handled = sum(source.step(Retry(at_once)) for source in self._sources)
            if handled:
                self._after_step()
            return handled

    def drain(self, limit: int = 1000) -> int:
        """Step until all is quiet; the number of records handled in all.

        Raises:
            RuntimeError: Where `limit` rounds were not enough.
        """
        handled = 0
        for _ in range(limit):
            records = self.step()
            if not records:
                return handled
            handled += records
        raise RuntimeError(f"The event sources were not quiet after {limit} rounds")

    def start(self) -> None:
        """Pump in the background until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End after the records that are being handled, and wait for that no longer than a second."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        quiet = 0
        while not self._stopping.is_set():
            quiet = 0 if self._step_safely() else quiet + 1
            if quiet:
                self._stopping.wait(IDLE_SECONDS if quiet > _QUIET_STEPS_BEFORE_IDLE else BUSY_SECONDS)

    def _step_safely(self) -> int:
        # An engine that is away for a moment ends no event source mapping in AWS either.
        try:
            return self.step(at_once=False)
        except Exception as error:  # noqa: BLE001
            _log.warning("pump_step_failed %s", type(error).__name__)
            return 0

    def _sources_of(self, app_module: ModuleType) -> Iterator[_Source]:
        configs = app_module.app.event_sources
        if unknown := {type(config).__name__ for config in configs if not isinstance(config, _KINDS)}:
            raise ValueError(f"The local pump knows no {', '.join(sorted(unknown))}")
        for config in sorted(configs, key=lambda config: _KINDS.index(type(config))):
            yield self._source(config, EventFunction.of(app_module, config.handler_string))

    def _source(self, config: Any, function: EventFunction) -> _Source:
        match config:
            case DynamoDBEventConfig():
                table = _resource(config.stream_arn).split("/")[1]
                return StreamSource(function, self._aws, table, config.batch_size, self._positions)
            case SQSEventConfig():
                queue = config.queue or _resource(str(config.queue_arn))
                return QueueSource(function, self._aws, queue, config.batch_size)
            case _:
                expression = config.schedule_expression
                is_text = not isinstance(expression, ScheduleExpression)
                return ScheduleSource(function, expression if is_text else expression.to_string())


def _resource(arn: str) -> str:
    return arn.split(":", 5)[5]

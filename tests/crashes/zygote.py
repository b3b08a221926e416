"""A process that has loaded the portal and done nothing with it, and forks one that does for each task.

A run of its own for each step would load the portal hundreds of times. A fork has the modules and the clients, but no
connection, no root key and no row that was read: those are made or read at first use, in the child.

`python -m tests.crashes.zygote URL POSITIONS` reads tasks from its input, a line of JSON each, and answers in the same
way. What a child prints goes to the error output.
"""

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from chalicelib import clock
from infra.local.pump import Pump
from infra.local.remote_aws import RemoteAws
from tests.crashes import steps
from tests.crashes.scenarios import SCENARIOS
from tests.support.contract import check_answer
from tests.support.portal import Portal

FAILED = 70
"""The exit status of a child whose task went wrong."""

Json = dict[str, Any]

# What the portal loads at first use, to start quickly.
_AT_FIRST_USE = (
    "argon2",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics",
    "chalicelib.services.imports",
    "email_validator",
    "jinja2",
    "phonenumbers",
)
_TASK_SECONDS = 120
_ROUNDS = 12
_ROUND = timedelta(minutes=3)
"""Longer than a row is left alone before the schedule takes it up, longer than a dead worker's claim lasts."""


class _Child:
    """What a forked process has: the portal, and its own view of how far the stream was read."""

    def __init__(self, portal: Portal, aws: RemoteAws, positions: Path) -> None:
        self.portal, self.aws = portal, aws
        portal.pump = Pump(portal.app, aws, positions)

    def prepare(self, task: Json) -> Json:
        """Everything before the change: people, devices, what they were sent for it."""
        state = SCENARIOS[task["scenario"]].prepare(self.portal)
        self.portal.drain()
        return {"state": state, "at": clock.stamp(clock.now())}

    def change(self, task: Json) -> Json:
        """The change and everything that follows from it, or so much of it as there are steps."""
        scenario = SCENARIOS[task["scenario"]]
        with clock.frozen(clock.read_stamp(task["at"])):
            steps.begin(task["last"])
            scenario.change(self.portal, task["state"])
            answered = len(steps.taken())
            self.portal.drain()
        return {"steps": steps.taken(), "answered": answered}

    def recover(self, task: Json) -> Json:
        """What AWS and the portal do after a crash, while time passes, until nothing is left to do."""
        with clock.frozen(clock.read_stamp(task["at"])):
            self.aws.end_visibility_timeouts()
            self.portal.drain()
            for _ in range(_ROUNDS):
                clock.advance(_ROUND)
                self.portal.drain()
                if not self._has_pending():
                    break
        return {}

    def _has_pending(self) -> bool:
        return any(row["status"]["S"] == "pending" for row in self.portal.rows("outbox"))


_TASKS: dict[str, Callable[[_Child, Json], Json]] = {
    "prepare": _Child.prepare,
    "change": _Child.change,
    "recover": _Child.recover,
}


def main() -> None:
    """Serve tasks until the input ends."""
    url, positions = sys.argv[1], Path(sys.argv[2])
    steps.install()
    with RemoteAws(url) as aws:
        portal = Portal(aws)
        _make_ready()
        for line in sys.stdin:
            task: Json = json.loads(line)
            print(json.dumps(_run(task, portal, aws, positions)), flush=True)


def _make_ready() -> None:
    """What costs time and touches nothing outside: modules, clients, the document that answers are checked against."""
    from chalicelib.clients.aws import client
    from chalicelib.models.base import connection

    for module in _AT_FIRST_USE:
        importlib.import_module(module)
    connection()
    for service in ("s3", "secretsmanager", "sesv2", "sns", "sqs"):
        client(service)
    check_answer("GET", "/", 404, None, b"")


def _run(task: Json, portal: Portal, aws: RemoteAws, positions: Path) -> Json:
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(read)
        _work(task, portal, aws, positions, write)
    os.close(write)
    with os.fdopen(read) as answer:
        found = answer.read()
    _, status = os.waitpid(process, 0)
    return {"status": os.waitstatus_to_exitcode(status), "answer": json.loads(found) if found else None}


def _work(task: Json, portal: Portal, aws: RemoteAws, positions: Path, write: int) -> NoReturn:
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.alarm(_TASK_SECONDS)
    status = FAILED
    try:
        answer = _TASKS[task["do"]](_Child(portal, aws, positions), task)
        os.write(write, json.dumps(answer).encode())
        status = 0
    except BaseException:  # noqa: BLE001  A forked process may end here and nowhere else.
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()

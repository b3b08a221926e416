"""Runs a scenario with its process ended at a step, and says from outside what was lost, invented and sent twice."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.remote_aws import RemoteAws
from tests.crashes.scenarios import SCENARIOS, Row, Scenario, Sent
from tests.crashes.steps import ENDED
from tests.support.program import PROJECT

_AREAS = ("accounts", "patients", "audit")
_BATCH = 25
_CHANNELS = frozenset({"email", "sms", "push"})
_SENDING = (".SendEmail", ".Publish")

Json = dict[str, Any]


class Zygote:
    """The process that forks one for each task."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process, self._log = process, log

    def run(self, do: str, **task: Any) -> tuple[bool, Json]:
        """Whether the child was ended at a step, and its answer; raises AssertionError where it failed otherwise."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **task}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        found = json.loads(line) if line else {"status": None}
        assert found["status"] in {0, ENDED}, f"{do} ended with {found['status']}:\n{self._log.read_text()[-4000:]}"
        return found["status"] == ENDED, found["answer"] or {}


@contextmanager
def zygote(url: str, folder: Path) -> Iterator[Zygote]:
    """A zygote whose portal is attached to an AWS server; its log and the streams' positions lie in the folder."""
    log = folder / "zygote.log"
    command = [sys.executable, "-m", "tests.crashes.zygote", url, str(folder / "positions.json")]
    pipe = subprocess.PIPE
    with (
        log.open("w") as said,
        subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=said, text=True) as process,
    ):
        yield Zygote(process, log)


@dataclass
class Tally:
    """What a number of runs came to; `duplicates` counts the runs that sent one message once more than they owed."""

    steps: list[str] = field(default_factory=list)
    runs: int = 0
    committed: int = 0
    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    unsealed: list[str] = field(default_factory=list)
    duplicates: int = 0
    most_duplicates: int = 0

    def __str__(self) -> str:
        return (
            f"{len(self.steps)} steps, {self.runs} runs, {len(self.lost)} lost, {len(self.invented)} invented, "
            f"{self.duplicates} duplicates"
        )


class Trial:
    """One scenario, prepared once, and put back as it was before every run."""

    def __init__(self, aws: RemoteAws, forks: Zygote, name: str) -> None:
        self._aws, self._forks, self._name = aws, forks, name
        self._scenario: Scenario = SCENARIOS[name]
        aws.wipe()
        _, prepared = forks.run("prepare", scenario=name)
        self._task = {"scenario": name, **prepared}
        self._state = prepared["state"]
        self._before = {area: self._rows(area) for area in _AREAS}

    def tally(self, every: int) -> Tally:
        """Ends the process at every n-th step, at those that decide, and once at none."""
        tally = Tally()
        whole = self._run(None, tally)
        tally.steps = whole["steps"]
        for step in sorted({*range(every, len(tally.steps) + 1, every), *_decisive(tally.steps, whole["answered"])}):
            self._run(step, tally)
        return tally

    def _run(self, last: int | None, tally: Tally) -> Json:
        """One run, and its steps, where it was not ended."""
        self._put_back()
        was_ended, answer = self._forks.run("change", **self._task, last=last)
        assert was_ended == (last is not None), f"step {last} never came"
        self._forks.run("recover", **self._task)
        tally.runs += 1
        self._check(f"ended at {f'{last}, {tally.steps[last - 1]}' if last else 'no step'}", tally)
        return answer

    def _put_back(self) -> None:
        self._aws.wipe()
        for area, rows in self._before.items():
            puts = [{"PutRequest": {"Item": row}} for row in rows]
            for start in range(0, len(puts), _BATCH):
                table = self._aws.deployed.named(area).name
                left = self._aws.client("dynamodb").batch_write_item(RequestItems={table: puts[start : start + _BATCH]})
                assert not left["UnprocessedItems"]

    def _check(self, run: str, tally: Tally) -> None:
        after = {area: self._rows(area) for area in (*_AREAS, "outbox")}
        is_made = self._scenario.is_made(self._state, after["accounts"] + after["patients"])
        owed = Counter(self._owed(after["accounts"]) if is_made else [])
        found = Counter([*self._sent(), *self._copies(after["accounts"]), *self._events(after["accounts"])])
        tally.committed += is_made
        tally.lost += [f"{run}: {one}" for one in owed - found]
        # What is to be removed in 30 days waits for them.
        due = [row for row in after["outbox"] if row["topic"]["S"] != "purges"]
        tally.lost += [f"{run}: still pending, {row['pk']['S']}" for row in due if row["status"]["S"] == "pending"]
        more = found - owed
        twice = {one for one, times in more.items() if one[0] in _CHANNELS and one in owed and times == 1}
        tally.invented += [f"{run}: {one} {times} times" for one, times in more.items() if one not in twice]
        rows = [] if is_made else [f"{run}: a row for {row['topic']['S']}, {row['pk']['S']}" for row in after["outbox"]]
        tally.invented += rows
        marks = {(row["pk"]["S"], row["sk"]["S"]) for row in self._rows("seals")}
        entries = [(f"mark#{row['pk']['S']}", row["sk"]["S"]) for row in after["audit"]]
        tally.unsealed += [f"{run}: {entry}" for entry in entries if entry not in marks]
        tally.duplicates += len(twice)
        tally.most_duplicates = max(tally.most_duplicates, sum(more[one] for one in twice))

    def _owed(self, accounts: list[Row]) -> list[Sent]:
        """The messages, the readers' copies and the events."""
        scenario, state = self._scenario, self._state
        return [
            *scenario.owes(state),
            *[("copy", account_id) for account_id in scenario.copies(state, accounts)],
            *[("event", kind) for kind in scenario.events],
        ]

    def _sent(self) -> list[Sent]:
        emails = [("email", to) for sent in self._aws.sent_emails() for to in sent.to]
        pushes = [("push", sent.token) for sent in self._aws.sent_pushes()]
        return [*emails, *[("sms", sent.to) for sent in self._aws.sent_sms()], *pushes]

    def _new(self, accounts: list[Row], kind: str) -> list[Row]:
        known = [(row["pk"], row["sk"]) for row in self._before["accounts"]]
        return [row for row in accounts if row.get("kind") == {"S": kind} and (row["pk"], row["sk"]) not in known]

    def _copies(self, accounts: list[Row]) -> list[Sent]:
        return [("copy", f"{row['pk']['S']} {_unsent(row)}".strip()) for row in self._new(accounts, "notice")]

    def _events(self, accounts: list[Row]) -> list[Sent]:
        return [("event", row["type"]["S"]) for row in self._new(accounts, "event")]

    def _rows(self, area: str) -> list[Row]:
        table = self._aws.deployed.named(area).name
        pages = self._aws.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [row for page in pages for row in page["Items"]]


def _decisive(steps: list[str], answered: int) -> set[int]:
    """The steps around the change's transaction, and the end of the first sending."""
    numbered = list(enumerate(steps, start=1))
    transaction = [number for number, name in numbered[:answered] if name.endswith(".TransactWriteItems")]
    sent = [number for number, name in numbered if name.startswith("after-call") and name.endswith(_SENDING)]
    return {*transaction[-2:], sent[0]}


def _unsent(copy: Row) -> str:
    """The channels by which the copy says that it was not sent, after all is quiet."""
    progress = json.loads(copy["messages"]["S"]).items()
    shown = {place.partition("|")[0]: status for place, status in sorted(progress)}
    return " ".join(f"{channel}:{status}" for channel, status in shown.items() if status not in {None, "sent"})

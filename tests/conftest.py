"""What every test has: no network, warnings as errors (pyproject.toml), and a table of the promises it measured."""

import os
from collections.abc import Iterator

import pytest
from _pytest.nodeid import coerce_node_id

from chalicelib import clock
from chalicelib.auth import hashing
from infra.local.aws import EmbeddedAws
from tests.support import sizes
from tests.support.loopback import keep_on_loopback
from tests.support.portal import Portal
from tests.support.promises import Promise, measurements, table

keep_on_loopback()

_LONGEST = (
    "test_rights.py",
    "test_audit.py",
    "test_policies.py",
    "test_fhir_search.py",
    "test_delivery.py",
    "test_record_exports.py",
    "test_schemathesis.py",
    "test_fhir_shared_data.py",
    "test_closures.py",
    "test_registration_methods.py",
    "test_from_code_to_record.py",
    "test_runtime.py",
    "test_import_files.py",
    "test_session_life.py",
)
"""Files that take longest come first: one that came last would have a single worker, and the others wait for it."""


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    """The whole portal in this process, new for each file: what one leaves pending holds up no other one's queues."""
    with EmbeddedAws(dynamodb_endpoint=os.environ.get("DYNAMODB_ENDPOINT") or None) as aws:
        yield Portal(aws)


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    """A test may move the portal's clock; the next one finds it right."""
    yield
    clock.reset()


@pytest.fixture
def hashes() -> Iterator[list[None]]:
    """One entry for each Argon2 computation since the test began."""
    counted: list[None] = []

    def count() -> None:
        counted.append(None)

    hashing.observers.append(count)
    yield counted
    hashing.observers.remove(count)


@pytest.fixture
def promise(request: pytest.FixtureRequest) -> Promise:
    """Records a figure of a promise for the table: `promise("ID 3", "…: accounts", asked=1, measured=count)`."""
    return Promise(request.node.user_properties)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Schemathesis names an item for each operation and leaves them one node id, of which xdist would run one."""
    path, _, name = item.nodeid.rpartition("::")
    if item.name.startswith(f"{name}["):
        item._id = coerce_node_id(f"{path}::{item.name}")  # noqa: SLF001  pytest has no other way to name an item.


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; refuse two tests of one node id, of which xdist would run one and count both."""
    items.sort(key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST))
    if len({item.nodeid for item in items}) != len(items):
        raise pytest.UsageError("two tests have one node id, so that xdist would run only one of them")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the promises that this run measured, whether their tests passed or not."""
    outcomes = ("passed", "failed")
    reports = [report for outcome in outcomes for report in terminalreporter.stats.get(outcome, ())]
    rows = measurements([report for report in reports if report.when == "call"])
    if not rows:
        return
    figures = "at their figures" if sizes.is_full() else "at the smaller size of `make test`"
    terminalreporter.section(f"promises, {figures}")
    for line in table(rows):
        terminalreporter.write_line(line)

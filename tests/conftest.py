"""What every test has: no network, warnings as errors (pyproject.toml), and a table of the promises it measured."""

import pytest

from tests.support import sizes
from tests.support.loopback import keep_on_loopback
from tests.support.promises import Promise, measurements, table

keep_on_loopback()


@pytest.fixture
def promise(request: pytest.FixtureRequest) -> Promise:
    """Records a figure of a promise for the table: `promise("ID 3", "…: accounts", asked=1, measured=count)`."""
    return Promise(request.node.user_properties)


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

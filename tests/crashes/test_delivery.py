"""The process is ended by os._exit at every numbered step from transaction to delivery, then started anew (DL 1, 3)."""

from collections.abc import Iterator

import pytest

from infra.local.remote_aws import RemoteAws
from tests.crashes.scenarios import SCENARIOS
from tests.crashes.suite import Trial, Zygote, zygote
from tests.support.aws_process import aws_process
from tests.support.promises import Promise
from tests.support.sizes import size

pytestmark = [pytest.mark.crash, pytest.mark.promise]


@pytest.fixture(scope="module")
def aws() -> Iterator[RemoteAws]:
    with aws_process() as url:
        yield RemoteAws(url)


@pytest.fixture(scope="module")
def forks(aws: RemoteAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with zygote(aws.variables["AWS_ENDPOINT_URL"], tmp_path_factory.mktemp("crashes")) as forks:
        yield forks


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_crash_loses_or_invents_a_message(aws: RemoteAws, forks: Zygote, promise: Promise, name: str) -> None:
    tally = Trial(aws, forks, name).tally(every=size("DL 1"))
    print(f"DL 1, {name}: {tally}", *tally.lost, *tally.invented, *tally.unsealed, sep="\n")
    # Steps before the transaction, and steps after it: both kinds of run were made.
    assert 0 < tally.committed < tally.runs
    what = f"{name}; ended at {tally.runs - 1} of {len(tally.steps)} steps"
    promise("DL 1", f"{what}: lost", asked=0, measured=len(tally.lost), passed=not tally.lost)
    promise("DL 1", f"{what}: invented", asked=0, measured=len(tally.invented), passed=not tally.invented)
    unsealed = f"{what}: audit entries without a seal"
    promise("AC 5", unsealed, asked=0, measured=len(tally.unsealed), passed=not tally.unsealed)
    most = tally.most_duplicates
    duplicates = f"{what}: most duplicates of one crash ({tally.duplicates} in all)"
    promise("DL 3", duplicates, asked="1 or fewer", measured=most, passed=most <= 1)

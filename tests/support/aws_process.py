"""The embedded AWS in a process of its own, for tests that end the portal's process."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.clients import aws
from chalicelib.models import base
from infra.local.remote_aws import RemoteAws
from tests.support.portal import Portal
from tests.support.program import PROJECT

_READY = re.compile(r"ready (http://127\.0\.0\.1:\d+)\n")
_STOPS_WITHIN = 10


@contextmanager
def aws_process() -> Iterator[str]:
    """The URL of a server that was started on a free port and is stopped at the end; it must end well."""
    command = [sys.executable, "-m", "infra.local.aws_server"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = _READY.fullmatch(process.stdout.readline())
            assert ready, "the AWS server did not start"
            yield ready[1]
        finally:
            process.terminate()
            status = process.wait(_STOPS_WITHIN)
    assert status == 0, f"the AWS server ended with {status}"


@contextmanager
def remote_portal() -> Iterator[Portal]:
    """The portal of this process on an embedded AWS in another one."""
    with aws_process() as url, RemoteAws(url) as remote:
        _forget_clients()
        yield Portal(remote)
    _forget_clients()


def _forget_clients() -> None:
    """Those of another AWS lead there still."""
    aws.forget()
    base.disconnect()

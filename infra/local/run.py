"""`make run`: the whole portal on this machine, from the embedded AWS to the console, until Ctrl-C."""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from infra.local.lambda_proxy import HttpRequest, HttpResponse
from infra.local.server import Handle, LocalServer, PortInUseError, Refuse

if TYPE_CHECKING:
    from infra.local.aws import EmbeddedAws

PORT = 8000
HIGHEST_PORT = 65534
"""One below the last, since the console listens on the next port up."""

_PROJECT = Path(__file__).resolve().parents[2]
_PAIRS_TRIED = 50
_STARTED = time.monotonic()


class CannotStartError(Exception):
    """Something on this machine is in the way; the message says what it is and what to do."""


def main() -> int:
    """Serve until SIGINT or SIGTERM; the exit status."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _portal(_port(), os.environ.get("DYNAMODB_ENDPOINT") or None) as ready:
            print(ready, flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        _say("stopped")
        return 0
    except CannotStartError as error:
        print(f"The portal cannot start: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # One is enough: a second must not break what the first one cleans up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _port() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local.run", description=__doc__)
    parser.add_argument("--port", default=os.environ.get("PORT") or str(PORT), help="0 for a free one; default 8000")
    text: str = parser.parse_args().port
    if not (text.isascii() and text.isdigit()) or int(text) > HIGHEST_PORT:
        raise CannotStartError(f"PORT is a number from 0 to {HIGHEST_PORT}, not {text!r}.")
    return int(text)


def _say(line: str) -> None:
    print(f"{time.monotonic() - _STARTED:5.1f} s  {line}", flush=True)


class _Door:
    """Lets a port be bound before there is anything behind it: links in emails need its number from the start."""

    def __init__(self) -> None:
        self.handle: Handle | None = None
        self.refuse: Refuse | None = None

    def open(self, handle: Handle, refuse: Refuse) -> None:
        self.handle, self.refuse = handle, refuse

    def on_request(self, request: HttpRequest) -> HttpResponse:
        assert self.handle is not None
        return self.handle(request)

    def on_unreadable(self, request: HttpRequest, status: int) -> HttpResponse:
        assert self.refuse is not None
        return self.refuse(request, status)


@contextmanager
def _portal(port: int, endpoint: str | None) -> Iterator[str]:
    """Everything up inside, and the `ready` line; everything down after."""
    portal_door, console_door = _Door(), _Door()
    with ExitStack() as running:
        portal, console = _bind(port, portal_door, console_door)
        running.callback(portal.stop)
        running.callback(console.stop)
        os.environ |= {"STAGE": "local", "PORTAL_URL": portal.url, "API_URL": portal.url}
        os.environ["ORIGINS"] = _origins(portal.port)
        _open(running, portal.url, endpoint, (portal_door, console_door))
        portal.start()
        console.start()
        yield f"ready {portal.url} console {console.url}"


def _origins(port: int) -> str:
    """The developer's own origins, and the portal by the only name of this machine that a passkey can be bound to."""
    return ",".join(filter(None, (os.environ.get("ORIGINS"), f"http://localhost:{port}")))


def _bind(port: int, portal_door: _Door, console_door: _Door) -> tuple[LocalServer, LocalServer]:
    """The servers of the portal and, one port up, of the console; a free pair where `port` is 0."""
    for _ in range(_PAIRS_TRIED):
        try:
            portal = LocalServer(portal_door.on_request, portal_door.on_unreadable, port)
        except PortInUseError as error:
            raise CannotStartError(
                f"{error}. Stop what listens there, or choose another: make run PORT=8100"
            ) from error
        try:
            return portal, LocalServer(console_door.on_request, console_door.on_unreadable, portal.port + 1)
        except PortInUseError as error:
            portal.stop()
            if port:
                raise CannotStartError(
                    f"the console's {error}. Stop what listens there, or choose another: make run PORT=8100"
                ) from error
    raise CannotStartError("no two free ports in a row were found.")


def _open(running: ExitStack, url: str, endpoint: str | None, doors: tuple[_Door, _Door]) -> None:
    """Start AWS, the app and the pump, bring in the sample clinic, and open the doors on them."""
    from infra.local.console import Console
    from infra.local.feedback import Feedback
    from infra.local.mailbox import Mailbox

    _say(f"starting the embedded AWS{f', with its tables at {endpoint}' if endpoint else ''}")
    folder = Path(os.environ.get("DATA_FOLDER") or _PROJECT / ".local") if endpoint else None
    aws = running.enter_context(_aws(endpoint, folder))
    _say("loading the portal")
    _check_settings()
    import app
    from infra.local.gateway import portal_gateway
    from infra.local.pump import Pump
    from infra.local.sample_clinic import seed

    gateway, mailbox = portal_gateway(app.app), Mailbox(aws)
    clinic = seed(gateway, folder / "sample.json" if folder else None, _say)
    running.enter_context(Pump(app, aws, folder / "stream-positions.json" if folder else None, mailbox.collect))
    console = Console(clinic, mailbox, Feedback(aws), url)
    doors[0].open(gateway.handle, gateway.refuse)
    doors[1].open(console.handle, console.refuse)


def _check_settings() -> None:
    from chalicelib.settings import settings

    try:
        settings()
    except ValueError as error:
        raise CannotStartError(f"{error}.") from error


@contextmanager
def _aws(endpoint: str | None, folder: Path | None) -> Iterator["EmbeddedAws"]:
    from botocore.exceptions import BotoCoreError

    from infra.local.aws import EmbeddedAws

    aws = EmbeddedAws(dynamodb_endpoint=endpoint, data_folder=folder)
    try:
        aws.start()
    except BotoCoreError as error:
        raise CannotStartError(f"no DynamoDB answers at {endpoint} ({type(error).__name__}). Is it running?") from error
    try:
        yield aws
    finally:
        aws.stop()


if __name__ == "__main__":
    sys.exit(main())

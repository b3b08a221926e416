"""A browser for the tests of the pages: `python -m infra.build.browser [--if-available] COMMAND ...`.

Runs a command with BROWSER naming a chromium of this machine and with its driver in this Python: Debian's own chromium,
driven by Playwright, which would otherwise download a browser of its own. What is missing is installed, once.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.build.needed import Unavailable

REQUIREMENTS = Path("requirements-pages.txt")

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_APPLICATION = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_HOW_TO_GET_IT = (
    "The pages are tested in chromium, which is not here. On Debian: sudo apt install chromium. "
    "Elsewhere install Chrome or Chromium, or name one: BROWSER=/path/to/chromium make pages"
)


def find_browser() -> str:
    """The path of a chromium, installed by apt where root may and Debian has it. Raises Unavailable."""
    if named := os.environ.get("BROWSER"):
        return named
    found = _installed() or (_apt_install() and _installed())
    if not found:
        raise Unavailable(_HOW_TO_GET_IT)
    return found


def _installed() -> str | None:
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or (str(_APPLICATION) if _APPLICATION.exists() else None)


def _apt_install() -> bool:
    if not Path("/etc/debian_version").exists() or os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print("Installing Debian's chromium (81 MB to download), once", file=sys.stderr)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (["update"], ["install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"])
    done = [
        subprocess.run(["apt-get", "--quiet=2", *step], env=quiet, capture_output=True, check=False) for step in steps
    ]
    return done[-1].returncode == 0


def install_driver() -> None:
    """What drives the browser, and axe-core; nothing is downloaded where the pinned versions are here already.

    Raises Unavailable.
    """
    asked = ("install", "--quiet", "--require-hashes", "--only-binary=:all:", "--requirement", str(REQUIREMENTS))
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pip", *asked], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Unavailable(f"pip could not install {REQUIREMENTS} (the browser's driver):\n{done.stderr[-2_000:]}")


def main(arguments: list[str]) -> int:
    """Runs the command; answers its exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.build.browser", description=__doc__)
    parser.add_argument("--if-available", action="store_true", help="succeed with a line where there is no browser")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="run with BROWSER set")
    asked = parser.parse_args(arguments)
    try:
        browser = find_browser()
        install_driver()
    except Unavailable as missing:
        print(f"{'Skipped: ' if asked.if_available else ''}{missing}", file=sys.stderr)
        return 0 if asked.if_available else os.EX_UNAVAILABLE
    return subprocess.run(asked.command, env={**os.environ, "BROWSER": browser}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

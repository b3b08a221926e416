"""Sets up .venv for the Makefile: `environment.py STAMP STEP...`.

A step is a requirement file, `optional:` with one that the portal can do without, or `wheelhouse`.

Runs on the system's Python, before anything is installed, so it uses the standard library only. What it installs is
pinned by hash, and only ready-made wheels are taken: nothing from a registry is run to install it.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

VENV = Path(".venv")
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WHEELHOUSE = VENV / "wheelhouse"
RUNTIME = Path("requirements.txt")

# glibc of Lambda's images: Amazon Linux 2 up to Python 3.11, Amazon Linux 2023 from 3.12 on.
_LAMBDA_GLIBC_MINOR = 26 if sys.version_info < (3, 12) else 34
_OLDEST_GLIBC_MINOR = 17
_OPTIONAL = "optional:"
_INSTALL = ["install", "--no-deps", "--no-compile", "--require-hashes", "--only-binary=:all:"]
_PIP_QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_PROGRESS_BAR": "off"}


def main(stamp: Path, steps: list[str]) -> None:
    """Do the steps in order and leave the stamp, by which the Makefile knows that there is nothing to do."""
    started = time.monotonic()
    total = len(steps) + 1
    _virtual_environment(f"1/{total}", fresh=_is_outdated(stamp))
    for number, step in enumerate(steps, start=2):
        if step == "wheelhouse":
            _fill_wheelhouse(f"{number}/{total}")
        elif step.startswith(_OPTIONAL):
            _install_if_there(f"{number}/{total}", Path(step.removeprefix(_OPTIONAL)))
        else:
            _install(f"{number}/{total}", Path(step))
    stamp.touch()
    print(f"Set up in {time.monotonic() - started:.0f} s.", flush=True)


def _is_outdated(stamp: Path) -> bool:
    """Whether .venv was made for other requirements: what was dropped from them must not stay importable."""
    kind, _, current = stamp.name.rpartition("-")
    others = {path.name.rpartition("-")[2] for path in VENV.glob(".ready-*")}
    return bool(others - {current}) and kind.startswith(".ready")


def _virtual_environment(step: str, *, fresh: bool) -> None:
    if PYTHON.exists() and not fresh:
        return
    print(f"{step} virtual environment: {VENV} with Python {sys.version.split()[0]}", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        import ensurepip  # noqa: F401  Debian ships Python without it, and venv then fails half-way.
        import venv
    except ImportError:
        sys.exit(
            "This Python cannot make virtual environments: its venv or ensurepip module is missing.\n"
            f"On Debian or Ubuntu: sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        )
    venv.create(VENV, with_pip=True, symlinks=os.name != "nt")


def _install(step: str, requirements: Path) -> None:
    _pip(f"{step} packages of {requirements}", _count(requirements), [*_INSTALL, "--requirement", str(requirements)])


def _install_if_there(step: str, requirements: Path) -> None:
    """Install what not every system has wheels for: where one is missing, all of it is left out."""
    try:
        _install(step, requirements)
    except SystemExit:
        print(f"{step} {requirements}: not for this system, left out; the portal works without it.", flush=True)


def _count(requirements: Path) -> int:
    return len(re.findall(r"^[\w.\[\]-]+==", requirements.read_text(encoding="utf-8"), re.MULTILINE))


def _fill_wheelhouse(step: str) -> None:
    """Download what the deployment package is made of, so that the tests can build it with no network.

    `chalice package` first asks pip for wheels of this machine, then for Lambda's where those do not fit.
    """
    if _wheelhouse_serves([]) and _wheelhouse_serves(_lambda_platform()):
        return
    download = ["download", "--require-hashes", "--only-binary=:all:", "--no-deps", "--dest", str(WHEELHOUSE)]
    for_lambda = [*download, *_lambda_platform(), "--requirement", str(RUNTIME)]
    _pip(f"{step} wheels for the deployment package", _count(RUNTIME), for_lambda)
    if not _wheelhouse_serves([]):
        _pip(f"{step} wheels of this machine", _count(RUNTIME), [*download, "--requirement", str(RUNTIME)])


def _lambda_platform() -> list[str]:
    minors = range(_LAMBDA_GLIBC_MINOR, _OLDEST_GLIBC_MINOR - 1, -1)
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in minors]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return [*platforms, "--platform=manylinux2014_x86_64", "--implementation=cp", f"--python-version={version}"]


def _wheelhouse_serves(platform: list[str]) -> bool:
    offline = ["--no-index", "--find-links", str(WHEELHOUSE), "--only-binary=:all:", "--no-deps", "--dry-run"]
    target = ["--ignore-installed", "--target", str(WHEELHOUSE), "--requirement", str(RUNTIME)]
    process = _start_pip(["install", "--quiet", *offline, *platform, *target])
    process.communicate()
    return process.returncode == 0


def _pip(title: str, count: int, arguments: list[str]) -> None:
    process = _start_pip(arguments)
    assert process.stdout is not None
    log = list(_with_progress(title, count, process.stdout))
    if process.wait() == 0:
        return
    sys.stderr.writelines(log[-20:])
    sys.exit(f"{title}: pip failed (above). Setting up needs a package index once; later runs need no network.")


def _start_pip(arguments: list[str]) -> subprocess.Popen[str]:
    command = [str(PYTHON), "-m", "pip", *arguments]
    environment = {**os.environ, **_PIP_QUIET}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )


def _with_progress(title: str, count: int, lines: Iterable[str]) -> Iterator[str]:
    """Pass pip's lines through while showing one line of progress: rewritten on a terminal, a few lines in a log."""
    seen = 0
    for line in lines:
        yield line
        if line.startswith("Collecting "):
            seen += 1
            _show(title, f"{seen} of {count}", is_step=seen % 25 == 1)
        elif line.startswith("Installing "):
            _show(title, "installing", is_step=True)
    _show(title, "done", is_step=True)
    if sys.stdout.isatty():
        print()


def _show(title: str, state: str, *, is_step: bool) -> None:
    if sys.stdout.isatty():
        print(f"\r{title}: {state:<20}", end="", flush=True)
    elif is_step:
        print(f"{title}: {state}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

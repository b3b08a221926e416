"""Pins the dependencies: `python -m infra.build.lock [--upgrade]` writes requirements*.txt from requirements*.in.

One resolution for Python 3.11 to 3.14 on Linux and macOS, wheels only, with the hashes of every wheel. The files name
no package index, so whoever installs them decides where from.
"""

import subprocess
import sys

# In this order, as each set is held to the versions of the one before it.
_SETS = ("requirements", "requirements-run", "requirements-dev", "requirements-pages", "requirements-pictures")
# The one tool that is only needed here, so it is no part of the pinned sets.
_UV = "uv==0.13.9"
_COMPILE = ("pip", "compile", "--universal", "--python-version=3.11", "--no-build", "--generate-hashes", "--quiet")


def main(arguments: list[str]) -> None:
    """Resolve every set; `--upgrade` takes the newest versions instead of keeping those that still fit."""
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", _UV], check=True)
    for name in _SETS:
        print(f"{name}.txt", flush=True)
        command = [sys.executable, "-m", "uv", *_COMPILE, *arguments, "--custom-compile-command=make lock"]
        subprocess.run([*command, f"{name}.in", f"--output-file={name}.txt"], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])

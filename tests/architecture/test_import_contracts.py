"""The layers of the program, as import-linter reads them from pyproject.toml."""

import subprocess
import sys
from pathlib import Path

from importlinter import api

ROOT = Path(__file__).parents[2]
_LINT = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"


def test_every_import_contract_is_kept() -> None:
    """In a process of its own: the linter sets logging up, which turns off every logger that there is."""
    done = subprocess.run([sys.executable, "-c", _LINT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_contract_has_been_dropped() -> None:
    configuration = api.read_configuration(str(ROOT / "pyproject.toml"))
    names = {str(contract["name"]) for contract in configuration["contracts_options"]}
    assert names >= {
        "Imports go down only",
        "Schemas import domain only",
        "Handlers never import models",
        "chalice is imported in handlers only (and in app.py)",
        "pynamodb is imported in models only",
        "boto3 and other vendors' SDKs are imported in clients only",
        "What is deployed imports nothing of the local runner, the tests or app.py",
    }

"""The layers of the program, as import-linter reads them from pyproject.toml."""

import io
from contextlib import redirect_stdout
from pathlib import Path

from importlinter import api
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]


def test_every_import_contract_is_kept() -> None:
    report = io.StringIO()
    with redirect_stdout(report):
        status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, report.getvalue()


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

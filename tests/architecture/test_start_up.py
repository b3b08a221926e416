"""What the API's function loads when it starts: whatever no request needs stays out of the way of a cold start."""

import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

_OTHERS_ONLY = (
    "chalicelib.domain.explanations.explain",
    "chalicelib.domain.questions.understanding",
    "chalicelib.services.imports",
    "chalicelib.services.import_files.worker",
    "chalicelib.services.record_exports",
    "PIL",
    "boto3",
    "pint",
    "pypdf",
    "rapidfuzz",
    "reportlab",
    "segno",
    "ucumvert",
)
"""Of the import of records, of the functions that make and take in files, of charts in other units, of searching."""


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """Every module that there is once app.py has been imported in a process of its own."""
    program = "import app, sys; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("name", _OTHERS_ONLY)
def test_the_api_starts_without_what_only_others_need(loaded: list[str], name: str) -> None:
    assert "chalicelib.handlers.records" in loaded
    assert [module for module in loaded if module == name or module.startswith(f"{name}.")] == []


def test_the_api_starts_without_reading_the_vocabulary() -> None:
    program = "import app; from chalicelib import vocabulary; print(vocabulary.terms.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"]

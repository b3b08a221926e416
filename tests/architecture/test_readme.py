"""README and runbook name what exists: modules, targets of make, routes; and the map has every part of the house."""

import re
from pathlib import Path

import pytest

from chalicelib.handlers import features
from chalicelib.handlers.operations import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
README, RUNBOOK = (ROOT / name for name in ("README.md", "infra/runbook.md"))
_CODE = re.compile(r"`{1,3}([^`]+)`{1,3}")
_MODULE = re.compile(r"\b(?:[\w.]+/)+\w+\.(?:py|md)\b")
_ROUTE = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)\s+(/v1/[\w/{}-]+)")


@pytest.fixture(params=[README, RUNBOOK], ids=lambda page: page.name)
def page(request: pytest.FixtureRequest) -> str:
    path: Path = request.param
    return path.read_text()


def _map() -> str:
    return README.read_text().partition("## The map")[2].partition("\n## ")[0]


def test_every_part_of_the_house_is_on_the_map() -> None:
    parts = {path.name for path in (ROOT / "chalicelib").iterdir() if path.suffix == ".py" or path.is_dir()}
    parts -= {"__init__.py", "__pycache__"}
    parts |= {path.name for path in (ROOT / "infra").iterdir() if path.name in {"local", "sample", "data.yaml"}}
    assert {part for part in parts if part not in _map()} == set()


def test_every_file_that_is_named_exists(page: str) -> None:
    named = {match for code in _CODE.findall(page) for match in _MODULE.findall(code)}
    homes = (ROOT, ROOT / "chalicelib", ROOT / "infra")
    assert {name for name in named if not any((home / name).exists() for home in homes)} == set()


def test_every_target_of_make_that_is_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)(?=[`\s])", " ".join(_CODE.findall(page)))) <= targets


def test_every_route_that_is_named_exists(page: str) -> None:
    assert features.ALL
    known = {(one.method, re.sub(r"\{\w+\}", "{}", one.path)) for one in REGISTRY}
    named = {
        (method, re.sub(r"\{\w+\}", "{}", path.replace("/patients/me/", "/patients/{pid}/")))
        for method, path in _ROUTE.findall(page)
    }
    assert len(named) > 3
    assert named - known == set()

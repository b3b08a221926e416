"""What must not appear in the source, and where."""

import ast

import pytest

from tests.architecture.sources import ROOT, Source, chalicelib, program, read

_ENVIRONMENT = ("os.environ", "os.environb", "os.getenv", "os.putenv", "os.getenvb", "os.unsetenv")
_CLOCKS = (
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
)
_OUTPUT = ("print", "pprint.pprint", "sys.stdout", "sys.stderr", "breakpoint", "input")

needs_app = pytest.mark.skipif(not (ROOT / "app.py").exists(), reason="there is no app.py yet")


def _uses(source: Source, names: tuple[str, ...]) -> list[str]:
    return [
        f"{source.path}:{line} {name}" for line, name in (*source.dotted_names(), *source.imports()) if name in names
    ]


def _all_uses(names: tuple[str, ...], *, but: str = "") -> list[str]:
    return [use for source in program() if source.path.as_posix() != but for use in _uses(source, names)]


def test_the_environment_is_read_in_settings_only() -> None:
    assert _all_uses(_ENVIRONMENT, but="chalicelib/settings.py") == []


def test_the_time_comes_from_the_clock_only() -> None:
    assert _all_uses(_CLOCKS, but="chalicelib/clock.py") == []


def test_nothing_is_written_to_the_terminal() -> None:
    assert _all_uses(_OUTPUT) == []


def test_the_settings_and_the_clock_themselves_are_seen_by_these_tests() -> None:
    assert _uses(read(ROOT / "chalicelib" / "settings.py"), _ENVIRONMENT)
    assert _uses(read(ROOT / "chalicelib" / "clock.py"), _CLOCKS)


def test_storage_takes_nothing_of_botocore_but_its_errors() -> None:
    models = [source for source in chalicelib() if source.path.parts[1] == "models"]
    taken = {name for source in models for _, name in source.imports() if name.partition(".")[0] == "botocore"}
    assert {name for name in taken if not name.startswith("botocore.exceptions")} == set()


@needs_app
def test_every_module_is_imported_by_another() -> None:
    imported = {name for source in program() for _, name in source.imports()}
    modules = {source.module for source in chalicelib() if not source.is_package}
    assert modules - imported == set()


@needs_app
def test_app_is_wiring_of_under_100_lines_without_logic() -> None:
    source = read(ROOT / "app.py")
    assert len([line for line in source.text.splitlines() if line.strip()]) < 100
    assert [
        f"app.py:{node.lineno}" for node in ast.walk(source.tree) if isinstance(node, ast.stmt) and _is_logic(node)
    ] == []


def _is_logic(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        statements = node.body[1:] if ast.get_docstring(node) is not None else node.body
        return len(statements) > 1
    return isinstance(node, ast.AsyncFunctionDef | ast.ClassDef | ast.If | ast.Match | ast.Try | ast.While)

"""The program's own source, read as syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "chalicelib"


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the root of the repository."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """The dotted name under which the file is imported."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def dotted_names(self) -> Iterator[tuple[int, str]]:
        """Every name used with its dots and its line, with imports resolved: `now` is `datetime.datetime.now`."""
        known = dict(self._imported_names())
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name) and (name := _dotted(node)):
                head, dot, rest = name.partition(".")
                yield node.lineno, known.get(head, head) + dot + rest

    def imports(self) -> Iterator[tuple[int, str]]:
        """Every module, or name of a module, that is imported anywhere in the file, with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.lineno, node.module
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)

    def _imported_names(self) -> Iterator[tuple[str, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := _dotted(node.value)):
        return f"{head}.{node.attr}"
    return None


def read(path: Path) -> Source:
    """Parse one file of the repository."""
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(ROOT), text, ast.parse(text, str(path)))


def program() -> list[Source]:
    """The deployed program: app.py, once there is one, and all of chalicelib."""
    app = [ROOT / "app.py"] if (ROOT / "app.py").exists() else []
    return [read(path) for path in (*app, *sorted(PACKAGE.rglob("*.py")))]


def chalicelib() -> list[Source]:
    """All of chalicelib."""
    return [source for source in program() if source.path.parts[0] == PACKAGE.name]

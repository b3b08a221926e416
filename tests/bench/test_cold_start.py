"""What the API's function costs to start, and what its package weighs; `-s` prints it, beside that of another package.

BASELINE=path/to/deployment.zip measures an older package in turn with this one: the machine's moods hit both.
"""

import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.build import package
from tests.infra.test_package import SCRIPT, on_lambdas_platform
from tests.support.sizes import size

pytestmark = [
    pytest.mark.package,
    pytest.mark.skipif(not package.WHEELHOUSE.is_dir(), reason="needs the wheels that `make test` downloads once"),
    on_lambdas_platform,
]

_EXPLAIN = """
import sys, time
sys.path.insert(0, sys.argv[1])
import app
begun = time.perf_counter()
from chalicelib import vocabulary
from chalicelib.domain.library import coded
assert coded.find("http://loinc.org", "4548-4").slug == "hemoglobin-a1c"
print(time.perf_counter() - begun)
"""
"""What the first explanation of a process pays on top of its start."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("package")
    package.build("prod", folder)
    found = {"this": folder / "deployment.zip"}
    if baseline := os.environ.get("BASELINE"):
        found["baseline"] = Path(baseline)
    return found


def _unpacked(archive: Path, folder: Path) -> Path:
    with ZipFile(archive) as opened:
        opened.extractall(folder)
    # With bytecode that is there already, starts differ by what they import alone.
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=False, capture_output=True)
    return folder


def _start(folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", str(SCRIPT), str(folder)], check=True, capture_output=True, env={})
    return time.perf_counter() - begun


def _parts(archive: Path) -> Counter[str]:
    """Compressed bytes by the top-level name; the vocabulary apart from the rest of the program."""
    parts: Counter[str] = Counter()
    with ZipFile(archive) as opened:
        for entry in opened.infolist():
            top, _, rest = entry.filename.partition("/")
            parts["vocabulary" if rest.startswith("vocabulary/") else top] += entry.compress_size
    return parts


def test_the_vocabulary_costs_a_start_nothing(packages: dict[str, Path], tmp_path: Path) -> None:
    folders = {name: _unpacked(archive, tmp_path / name) for name, archive in packages.items()}
    times: dict[str, list[float]] = {name: [] for name in folders}
    for _ in range(size("cold starts")):
        for name, folder in folders.items():
            times[name].append(_start(folder))
    print()
    for name, archive in packages.items():
        parts = _parts(archive)
        print(
            f"{name:<9} zip {archive.stat().st_size / 1e6:6.2f} MB (vocabulary {parts['vocabulary'] / 1e6:.2f}, "
            f"rapidfuzz {parts['rapidfuzz'] / 1e6:.2f}); to the first answer {statistics.median(times[name]):.3f} s"
        )
    if "baseline" in times:
        ratios = [ours / theirs for ours, theirs in zip(times["this"], times["baseline"], strict=True)]
        print(f"start, this / baseline: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    first = float(
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", _EXPLAIN, str(folders["this"])],
            check=True,
            capture_output=True,
            text=True,
            env={},
        ).stdout
    )
    print(f"the first explanation of a process reads the vocabulary: {first * 1000:.0f} ms more, once")
    assert first < statistics.median(times["this"])

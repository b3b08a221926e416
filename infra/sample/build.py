"""Writes the bundles of the sample clinic: `python -m infra.sample.build`."""

from pathlib import Path

from infra.sample import BUNDLES, clinic
from infra.sample.people import accented, deceased, elder, family, odd_results, ordinary, phone_only

_IN_LOAD_ORDER = (clinic, elder, family, accented, phone_only, odd_results, ordinary, deceased)


def build() -> dict[str, bytes]:
    """File names and contents, in load order; the same every time."""
    writers = [part.write() for part in _IN_LOAD_ORDER]
    return {f"{writer.name}.json": writer.body() for writer in writers}


def write(folder: Path = BUNDLES) -> None:
    """Replaces the bundles in a folder by freshly built ones."""
    folder.mkdir(exist_ok=True)
    for stale in folder.glob("*.json"):
        stale.unlink()
    for name, body in build().items():
        (folder / name).write_bytes(body)
        print(f"{name}: {len(body):,} bytes")


if __name__ == "__main__":
    write()

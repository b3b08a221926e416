"""What is deployed: `python -m infra.build.package STAGE FOLDER` leaves deployment.zip and sam.yaml in FOLDER.

`chalice package` runs on a copy of only what belongs into the package, so no byte code, local data or other leftover of
the working tree gets into the zip. Where `make` has filled the wheelhouse, it needs no network.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
WHEELHOUSE = ROOT / ".venv" / "wheelhouse"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "deployments", "deployed")
# The template names no region; Chalice only asks for one to spell service principals.
_ENVIRONMENT = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "PYTHONDONTWRITEBYTECODE": "1"}
_OFFLINE = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels"}


class PackagingError(Exception):
    """`chalice package` failed; the message is what it said."""


def build(stage: str, folder: Path, root: Path = ROOT) -> None:
    """Package the program under `root` for one of the stages of .chalice/config.json into `folder`.

    Raises:
        PackagingError: Where `chalice package` fails, or finds no wheel for Lambda of a dependency.
    """
    with TemporaryDirectory() as temporary:
        copy = Path(temporary) / "portal"
        _copy(root, copy)
        _package(copy, stage)
        folder.mkdir(parents=True, exist_ok=True)
        for made in ("deployment.zip", "sam.yaml"):
            shutil.copyfile(copy / "out" / made, folder / made)


def _copy(root: Path, copy: Path) -> None:
    copy.mkdir()
    for file in ("app.py", "requirements.txt", "infra/app.yaml"):
        shutil.copyfile(root / file, copy / Path(file).name)
    for folder in ("chalicelib", ".chalice"):
        shutil.copytree(root / folder, copy / folder, ignore=_LEFT_OUT)


def _package(copy: Path, stage: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name in {"HOME", "PATH", "TMPDIR", "LANG"}}
    environment |= _ENVIRONMENT
    if WHEELHOUSE.is_dir():
        # By a relative name, because pip takes a space in PIP_FIND_LINKS for the end of a path.
        (copy / "wheels").symlink_to(WHEELHOUSE)
        environment |= _OFFLINE
    chalice = [sys.executable, "-c", "from chalice.cli import main; main()", "package", "--stage", stage]
    done = subprocess.run(
        [*chalice, "--merge-template", "app.yaml", "out"],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    # Chalice warns of missing dependencies and still succeeds.
    if done.returncode != 0 or "Could not install dependencies" in done.stdout + done.stderr:
        raise PackagingError(f"chalice package failed:\n{done.stdout}{done.stderr}")


def main(stage: str, folder: Path) -> None:
    """Package and say where it is."""
    print(f"chalice package, stage {stage}", flush=True)
    try:
        build(stage, folder)
    except PackagingError as error:
        sys.exit(str(error))
    size = (folder / "deployment.zip").stat().st_size / 2**20
    print(f"{folder}/deployment.zip ({size:.0f} MB) and {folder}/sam.yaml")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

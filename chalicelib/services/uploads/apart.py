"""Cleaning a file in a process of its own: a reader that breaks, runs for ever or is taken over has nothing there.

It gets the bytes alone: none of the function's keys, and bounds of time and memory (services/cleaning).
"""

import json
import os
import subprocess
import sys

from chalicelib.domain.uploads import MediaType, NotTaken, Refusal
from chalicelib.services.cleaning import alone
from chalicelib.settings import settings

_SECONDS = 45
"""Its function has 60."""


def cleaned(content: bytes) -> tuple[MediaType, bytes]:
    """What a file is, and the file made anew. Raises NotTaken, also for one that its reader did not survive."""
    # Python finds itself and the packages by these; nothing else of this process's environment goes along.
    libraries = settings().library_path
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), **({"LD_LIBRARY_PATH": libraries} if libraries else {})}
    try:
        done = subprocess.run(  # noqa: S603  The program is this one, and the file is its input.
            [sys.executable, "-m", alone.__name__],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.SubprocessError:
        # Its words may quote what is in the file.
        raise NotTaken(Refusal.BROKEN) from None
    head, _, body = done.stdout.partition(b"\n")
    said = json.loads(head)
    if "refused" in said:
        raise NotTaken(Refusal(said["refused"]))
    return MediaType(said["media_type"]), body

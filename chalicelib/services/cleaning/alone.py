"""A process of its own (services/uploads/apart.py): a file comes in, one line of JSON and the file made anew go out.

The line says `media_type`, or `refused` and the reason.
"""

import json
import resource
from contextlib import suppress

from chalicelib.domain.uploads import NotTaken
from chalicelib.services.cleaning import cleaned

_SECONDS, _BYTES = 40, 1 << 30
_INPUT, _OUTPUT = 0, 1


def main() -> None:
    """Clean what is on the standard input."""
    for what, most in (
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_AS, _BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # Not every system of a developer knows each of them; Lambda's does.
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))
    try:
        media_type, content = cleaned(_read())
        said = {"media_type": str(media_type)}
    except NotTaken as refused:
        said, content = {"refused": str(refused.reason)}, b""
    with open(_OUTPUT, "wb") as output:
        output.write(json.dumps(said).encode() + b"\n" + content)


def _read() -> bytes:
    with open(_INPUT, "rb") as given:
        return given.read()


if __name__ == "__main__":
    main()

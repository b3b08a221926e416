"""`python -m chalicelib.services.cleaning`: a file comes in, one line of JSON and the file made anew go out.

The line says `media_type`, or `refused` and the reason.
"""

import json
import resource
import sys
from contextlib import suppress

from chalicelib.domain.uploads import NotTaken
from chalicelib.services.cleaning import cleaned

_SECONDS, _BYTES = 40, 1 << 30


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
        media_type, content = cleaned(sys.stdin.buffer.read())
        said = {"media_type": str(media_type)}
    except NotTaken as refused:
        said, content = {"refused": str(refused.reason)}, b""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + content)


main()

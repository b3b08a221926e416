"""An engine on this machine, with no network: RapidOCR and the models that it brings (requirements-pictures.txt).

It reads in a process of its own: what it is given was sent by anybody, and it is a large program.
"""

import json
import os
import subprocess
import sys

from chalicelib.clients.aws import Permanent
from chalicelib.clients.text_recognition import NotAvailable, alone
from chalicelib.domain.picture_readings.lines import Line
from chalicelib.settings import settings

UNREADABLE = "unreadable"
"""The engine did not survive a picture; `Permanent.code`."""

_SECONDS = 50
"""Its function has 60."""


class LocalEngine:
    """Reads by RapidOCR."""

    def read(self, picture: bytes, size: tuple[int, int]) -> tuple[Line, ...]:  # noqa: ARG002  It sees how large it is.
        """See TextRecognition. Raises NotAvailable or Permanent."""
        if not alone.is_installed():
            raise NotAvailable
        try:
            done = subprocess.run(  # noqa: S603  The program is this one, and the picture is its input.
                [sys.executable, "-m", alone.__name__],
                input=picture,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                timeout=_SECONDS,
                check=True,
            )
        except subprocess.SubprocessError:
            # Its words may quote what is in the picture.
            raise Permanent(UNREADABLE) from None
        return tuple(
            Line(text, tuple(confidences), (first, second, third, fourth))
            for text, confidences, (first, second, third, fourth) in json.loads(done.stdout)
        )


def _environment() -> dict[str, str]:
    """Where Python finds itself and the packages; nothing else of this process's environment goes along."""
    libraries = settings().library_path
    return {"PYTHONPATH": os.pathsep.join(sys.path), **({"LD_LIBRARY_PATH": libraries} if libraries else {})}

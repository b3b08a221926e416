"""What a file's import refuses: parts that grow with its batches, and one file of all of them in the end."""

from collections.abc import Iterator

from chalicelib.clients import import_files as files
from chalicelib.models.import_files import ImportFile
from chalicelib.services.import_files.keys import reject_part_key, rejects_key

_PART = 1024 * 1024
"""Bytes after which a part is left as it is; until then each batch writes it anew."""


class Rejects:
    """The part that is written at present, as far as the import says that it is valid."""

    def __init__(self, row: ImportFile) -> None:
        self._row = row
        self._held = _open_part(row)

    def add(self, lines: bytes) -> tuple[int, int]:
        """Keep what a batch refused; how many parts are full now, and how long the open one is from then on.

        Until the import says so too, a worker who begins anew does not see it. Raises Retryable or Permanent.
        """
        self._held += lines
        files.put(reject_part_key(self._row.import_id, int(self._row.reject_parts)), self._held)
        if len(self._held) < _PART:
            return 0, len(self._held)
        self._held = b""
        return 1, 0


def join(row: ImportFile) -> str | None:
    """Make one file of all that was refused, where anything was; its name. Raises Retryable or Permanent."""
    if not row.reject_parts and not row.reject_bytes:
        return None
    key = rejects_key(row.import_id)
    files.write(_parts(row), key)
    return key


def _parts(row: ImportFile) -> Iterator[bytes]:
    for number in range(int(row.reject_parts)):
        yield files.get(reject_part_key(row.import_id, number))
    if last := _open_part(row):
        yield last


def _open_part(row: ImportFile) -> bytes:
    if not row.reject_bytes:
        return b""
    return files.get(reject_part_key(row.import_id, int(row.reject_parts)))[: int(row.reject_bytes)]

"""The Social Security numbers of a file's patients, known again when another part of the file repeats one (AC 7).

Patients are taken in first, and what is about them later, maybe by another worker. Only keyed hashes of the numbers are
kept, beside the file and no longer than it.
"""

from typing import Any

from chalicelib.auth import secrets
from chalicelib.clients import import_files as files
from chalicelib.domain.fhir import ssn
from chalicelib.models.import_files import ImportFile
from chalicelib.services.import_files.keys import numbers_key

_MOST = 100_000
"""Numbers that are held; of a file with more patients than that, the rest are known again in their own part alone."""

_LENGTH = 12


class Numbers:
    """Numbers that are known by their hashes."""

    def __init__(self, hashes: set[bytes]) -> None:
        self._hashes = hashes

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def note(self, patient: Any) -> None:
        """Know a Patient's numbers from now on."""
        for digits in ssn.numbers_of(patient):
            if len(self._hashes) < _MOST:
                self._hashes.add(_hash(digits))

    def is_known(self, digits: str) -> bool:
        """Whether nine digits are one of them."""
        return _hash(digits) in self._hashes

    def as_bytes(self) -> bytes:
        """All hashes, one behind the other."""
        return b"".join(sorted(self._hashes))


def load(row: ImportFile) -> Numbers:
    """The numbers that an import has found until now. Raises Retryable or Permanent."""
    kept = files.get(numbers_key(row.import_id)) if row.has_numbers else b""
    return Numbers({kept[at : at + _LENGTH] for at in range(0, len(kept), _LENGTH)})


def save(row: ImportFile, numbers: Numbers) -> bool:
    """Keep them for whoever goes on; whether there are any. Raises Retryable or Permanent."""
    if numbers:
        files.put(numbers_key(row.import_id), numbers.as_bytes())
    return bool(numbers)


def _hash(digits: str) -> bytes:
    return bytes.fromhex(secrets.keyed_hash("import-numbers", digits))[:_LENGTH]

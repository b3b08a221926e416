"""An uploaded file from a place on, however large it is: a chunk at a time, unpacked where it is packed."""

import json
import zlib
from collections.abc import Iterator

from chalicelib.clients import import_files as files
from chalicelib.clients.aws import Permanent
from chalicelib.clients.import_files import Uploaded
from chalicelib.domain.fhir.pieces import Broken, BundleFile, NdjsonFile
from chalicelib.domain.import_files import MAX_SIZE, MAX_UNPACKED, FileFormat
from chalicelib.models.import_files import ImportFile

_GZIP = b"\x1f\x8b"
_WITH_GZIP_HEADER = 31


class Source:
    """One uploaded file."""

    def __init__(self, key: str, uploaded: Uploaded) -> None:
        if uploaded.size > MAX_SIZE:
            raise Broken(f"the file has {uploaded.size} bytes; up to {MAX_SIZE} are taken")
        self._key, self._uploaded = key, uploaded
        self._is_packed = uploaded.size >= len(_GZIP) and self._read(0, len(_GZIP)) == _GZIP

    def chunks(self, offset: int) -> Iterator[bytes]:
        """What the file holds from a place on. Raises Broken, Retryable."""
        if self._is_packed:
            # What is packed can only be read from its beginning: passing over it costs no more than unpacking.
            return _behind(offset, _unpacked(self._raw(0)))
        return self._raw(offset)

    def _raw(self, offset: int) -> Iterator[bytes]:
        for begin in range(offset, self._uploaded.size, files.CHUNK):
            yield self._read(begin, min(begin + files.CHUNK, self._uploaded.size))

    def _read(self, begin: int, end: int) -> bytes:
        try:
            return files.read(self._key, self._uploaded.etag, begin, end)
        except Permanent as gone:
            raise Broken("the file was replaced or removed while it was read") from gone


def open_file(source: Source, row: ImportFile) -> NdjsonFile | BundleFile:
    """The lines or entries of a file from the import's place on; reading them raises Broken, Retryable."""
    chunks = source.chunks(row.place.offset)
    if row.format == FileFormat.BUNDLE:
        return BundleFile(chunks, row.place, json.loads(row.head))
    return NdjsonFile(chunks, row.place)


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The members of a gzip file, one after the other (RFC 1952, section 2.2)."""
    member, size = zlib.decompressobj(_WITH_GZIP_HEADER), 0
    for chunk in chunks:
        left, out = chunk, b""
        # A full chunk may have left some of it inside, with all that was packed taken.
        while left or len(out) == files.CHUNK:
            out, left, member = _unpack(member, left)
            size += len(out)
            if size > MAX_UNPACKED:
                raise Broken(f"the file has over {MAX_UNPACKED} bytes once it is unpacked")
            if out:
                yield out
    if not member.eof and size:
        raise Broken("the packed file ends in the middle")


def _unpack(member: "zlib._Decompress", packed: bytes) -> tuple[bytes, bytes, "zlib._Decompress"]:
    """Some of what is packed, what is left of it, and the member that goes on with it."""
    try:
        out = member.decompress(packed, files.CHUNK)
    except zlib.error as broken:
        raise Broken("the file cannot be unpacked as gzip") from broken
    if not member.eof:
        return out, member.unconsumed_tail, member
    rest = member.unused_data
    return out, rest, zlib.decompressobj(_WITH_GZIP_HEADER) if rest else member


def _behind(offset: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if offset < len(chunk):
            yield chunk[offset:]
        offset = max(0, offset - len(chunk))

"""A copy of a record from beginning to end: what its holder may see now is gathered, then written."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, BinaryIO, Final, TypeAlias, cast

from chalicelib import clock
from chalicelib.domain.access import Reach, ReachKind, patient
from chalicelib.domain.exports import Document, ExportFormat, Seen
from chalicelib.domain.records.sight import sight_of
from chalicelib.errors import NotFound
from chalicelib.models import patients
from chalicelib.models.accounts import Account
from chalicelib.models.exports import Export
from chalicelib.services import access
from chalicelib.services.holders import holder
from chalicelib.services.record_exports import bundle, ccda, plain_text
from chalicelib.services.record_exports.gathering import Source, Spool, Tell, as_sent, gather, views_with_texts
from chalicelib.services.record_exports.heading import Heading
from chalicelib.services.record_exports.lines import Speaker
from chalicelib.settings import settings

_POLICY: Final = patient(None)
"""The policy of the routes that ask for a copy: what was permitted there is looked at again."""

_GATHERED: Final = 60
"""How far the work is once all is read, in percent."""

_PAUSE_SECONDS: Final = 5
"""How often it is told how far the work is: a claim lasts several times as long."""

Write: TypeAlias = Callable[[IO[bytes], Heading, Tell], None]
"""Writes a copy into a file."""


def _write_pdf(out: IO[bytes], heading: Heading, tell: Tell) -> None:
    from chalicelib.services.record_exports import pdf  # noqa: PLC0415  What draws pages is of use to no other format.

    pdf.write(out, heading, tell)


_WRITERS: Final[Mapping[ExportFormat, tuple[Write, str, str]]] = {
    ExportFormat.PDF: (_write_pdf, "application/pdf", "pdf"),
    ExportFormat.FHIR: (bundle.write, "application/fhir+json", "json"),
    ExportFormat.CCDA: (ccda.write, "application/xml", "xml"),
    ExportFormat.TEXT: (plain_text.write, "text/plain; charset=utf-8", "txt"),
}
"""What writes a format, its media type and how the names of its files end."""


def build(export: Export, account: Account, progress: Tell) -> Document:
    """The file that an export asks for. Raises NotFound where its holder may not see what it asks for any more."""
    wanted, patient_id = export.wanted, export.patient_id
    if wanted is None or patient_id is None:
        raise AssertionError("a copy of a record is of somebody, and of something")
    reach = access.find_reach(holder(account), _POLICY, patient_id)
    sight = sight_of(reach) if reach is not None else None
    if reach is None or sight is None or not set(wanted.categories) <= sight.categories:
        raise NotFound
    source, tell = Source(reach.patient_ids, wanted, sight), _paced(progress)
    entries = as_sent if wanted.format is ExportFormat.FHIR else views_with_texts
    write, media_type, suffix = _WRITERS[wanted.format]
    with TemporaryFile() as scratch:
        spool = Spool(scratch)
        gather(source, spool, entries, lambda percent: tell(percent * _GATHERED // 100))
        heading = Heading(
            export_id=export.export_id,
            patients=tuple(patients.find_many(list(reach.patient_ids))),
            source=source,
            spool=spool,
            speaker=Speaker(wanted.language, settings().clinic_zone),
            made_at=clock.now(),
            shows_contacts=_shows_contacts(reach),
        )
        file = _written(write, heading, lambda percent: tell(_GATHERED + percent * (99 - _GATHERED) // 100))
    counts = {str(category): count for category, count in heading.sections}
    return Document(file, counts, media_type, suffix, Seen(frozenset(reach.patient_ids), sight))


def _written(write: Write, heading: Heading, tell: Tell) -> BinaryIO:
    """The file at its beginning. Whoever stores it closes it; where none comes to be, nothing is left of it."""
    with ExitStack() as files:
        file = files.enter_context(TemporaryFile())
        write(file, heading, tell)
        file.seek(0)
        files.pop_all()
    return cast("BinaryIO", file)


def _shows_contacts(reach: Reach) -> bool:
    return reach.by is not ReachKind.CAREGIVER


def _paced(progress: Tell) -> Callable[[int], None]:
    """Tells now and then, however often it is told."""
    last = time.monotonic()

    def tell(percent: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _PAUSE_SECONDS:
            last = time.monotonic()
            progress(percent)

    return tell

"""The page of a share: it asks the PIN, tells nothing before, and then what is in it, with files to download."""

from collections.abc import Mapping
from datetime import date, datetime

from chalicelib import errors, words
from chalicelib.domain.exports import ExportFormat, Wanted
from chalicelib.domain.shares import Contents
from chalicelib.errors import FieldError
from chalicelib.handlers.pages.page import Page, Step, Visit
from chalicelib.schemas import pages as shapes
from chalicelib.services import share_openings
from chalicelib.settings import settings
from chalicelib.words import times


def _open(visit: Visit, form: shapes.ShareForm) -> Step:
    try:
        found = share_openings.open_by_link(visit.token, form.pin.get_secret_value(), form.recipient)
    except errors.WrongPasscode as wrong:
        raise errors.Invalid([FieldError("/pin", "pin_wrong", {"remaining": wrong.remaining})]) from wrong
    if found.is_building:
        return Step("open_share/building")
    return Step("open_share/done", _contents(found, visit.language))


def _contents(found: Contents, language: str) -> Mapping[str, object]:
    counts = [f"{words.say(f'export.category.{one}', language)}: {count}" for one, count in found.counts.items()]
    return {
        "whose": found.patient_name,
        "dates": _dates(found.wanted, language),
        "made_at": _moment(found.made_at, language),
        "counts": counts,
        "pdf_url": found.urls[ExportFormat.PDF],
        "fhir_url": found.urls[ExportFormat.FHIR],
    }


def _dates(wanted: Wanted | None, language: str) -> str | None:
    """The period in words, where it is of one."""
    since, until = (_moment(one, language) for one in (wanted.since, wanted.until)) if wanted else (None, None)
    if since and until:
        return words.say("export.record.from_to", language, start=since, end=until)
    if since:
        return words.say("export.record.from", language, start=since)
    return words.say("export.record.until", language, end=until) if until else None


def _moment(at: date | datetime | None, language: str) -> str | None:
    if isinstance(at, datetime):
        return times.moment(at, settings().clinic_zone, language)
    return times.day(at, language) if at is not None else None


SHARE = Page(form=shapes.ShareForm, act=_open, asks_birth_date=False)

"""Whose record a copy is of, what is in it, and how that is said at its beginning."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.domain.exports import Wanted
from chalicelib.domain.records.categories import Category
from chalicelib.models.patients import Patient
from chalicelib.services.record_exports.gathering import Source, Spool
from chalicelib.services.record_exports.lines import Line, Speaker
from chalicelib.settings import settings
from chalicelib.words import times


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose record it is, and of what; `made_at` is aware, in UTC.

    `patients` are the patient and whoever is merged into them. `shows_contacts` is whether its holder may know where
    the patient lives and how they are reached: they themselves and staff.
    """

    export_id: str
    patients: tuple[Patient, ...]
    source: Source
    spool: Spool
    speaker: Speaker
    made_at: datetime
    shows_contacts: bool

    @property
    def patient(self) -> Patient:
        """Whose record it is."""
        return self.patients[0]

    @property
    def wanted(self) -> Wanted:
        """What was asked for."""
        return self.source.wanted

    @property
    def sections(self) -> list[tuple[Category, int]]:
        """The categories that have entries, in the order of the copy, and how many."""
        counts = self.spool.counts
        return [(category, counts[category]) for category in self.source.categories if counts[category]]

    @property
    def title(self) -> str:
        """What the copy is called."""
        return self.speaker.say("title", name=self.patient.display_name)

    @property
    def of_whom(self) -> str:
        """Whose it is in one line, for the head of every page."""
        born = self._born()
        about = [self.patient.display_name, *([born] if born else []), self.patient.clinic_number]
        # Neither a name nor a number is broken where a line has room for it.
        return " · ".join(one.replace(" ", "\u00a0") for one in about)

    def lines(self) -> Iterator[Line]:
        """What stands at the beginning of the copy."""
        say = self.speaker.say
        yield Line(say("clinic"), settings().clinic_name)
        yield Line(say("patient"), self.patient.display_name)
        if born := self._born():
            yield Line(say("born"), born)
        yield Line(say("clinic_number"), self.patient.clinic_number)
        yield Line(say("made_at"), times.moment(self.made_at, self.speaker.zone, self.speaker.language))
        yield Line(say("what"), self._what())
        if self.wanted.since or self.wanted.until:
            yield Line(say("dates"), self._dates())

    def contents(self) -> Iterator[Line]:
        """How many entries there are of each category, and in all."""
        for category, count in self.sections:
            yield Line(self.speaker.category(category), str(count))
        yield Line(self.speaker.say("total"), str(self.spool.counts.total()))

    def section(self, category: Category) -> str:
        """The title of a section."""
        return f"{self.speaker.category(category)} ({self.spool.counts[category]})"

    def _born(self) -> str | None:
        return self.speaker.when(self.patient.birth_date) if self.patient.birth_date else None

    def _what(self) -> str:
        if not self.wanted.categories:
            return self.speaker.say("what_you_see")
        return "; ".join(self.speaker.category(one) for one in self.source.categories)

    def _dates(self) -> str:
        since, until = (self._moment(one) for one in (self.wanted.since, self.wanted.until))
        say = self.speaker.say
        if since and until:
            shown = say("from_to", start=since, end=until)
        else:
            shown = say("from", start=since) if since else say("until", end=until)
        return f"{shown}. {say('no_undated')}"

    def _moment(self, at: date | datetime | None) -> str | None:
        if at is None:
            return None
        language = self.speaker.language
        return times.moment(at, self.speaker.zone, language) if isinstance(at, datetime) else times.day(at, language)

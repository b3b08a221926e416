"""Records that a question is about, as its asker sees them: read by code or by category, the newest first, bounded."""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final, TypeAlias

from chalicelib.domain.fhir import text
from chalicelib.domain.library import coded
from chalicelib.domain.questions.names import stem, words_of
from chalicelib.domain.questions.when import When
from chalicelib.domain.records.categories import Category
from chalicelib.domain.records.keys import code_part
from chalicelib.domain.records.sight import Sight
from chalicelib.domain.records.value_words import Reader
from chalicelib.domain.records.view import WITHDRAWN
from chalicelib.models import panels
from chalicelib.models.base import together
from chalicelib.services import records
from chalicelib.services.record_pages import Filter, Whose
from chalicelib.vocabulary import Kind, Term

View: TypeAlias = dict[str, Any]

MOST: Final = 100
"""Records of one category, or of one code, that are looked through for an answer."""

_MOST_CODES: Final = 16
_MOST_PANELS: Final = 8
_CATEGORIES: Final[dict[Kind, tuple[Category, ...]]] = {
    Kind.TEST: (Category.REPORT, Category.IMAGING, Category.PROCEDURE, Category.ORDER),
    Kind.CONDITION: (Category.CONDITION,),
    Kind.MEDICATION: (Category.MEDICATION,),
    Kind.PROCEDURE: (Category.PROCEDURE, Category.IMAGING, Category.REPORT, Category.ORDER),
    Kind.VACCINE: (Category.IMMUNIZATION,),
    Kind.ALLERGY: (Category.ALLERGY, Category.CONDITION),
    Kind.VISIT: (Category.ENCOUNTER,),
    Kind.PLAN: (Category.CARE_PLAN, Category.GOAL),
    Kind.DEVICE: (Category.DEVICE,),
    Kind.DOCUMENT: (Category.DOCUMENT, Category.REPORT),
}
"""Where records of a kind of term stand, beside those that are found by the term's codes."""

_BY_TITLE: Final = tuple(
    category
    for category in Category
    if category not in {Category.SOCIAL_HISTORY, Category.QUESTIONNAIRE_RESPONSE, Category.CARE_TEAM}
)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who reads whose record, and how it is told to them. `now` is a time as the API writes it."""

    whose: Whose
    sight: Sight
    reader: Reader
    phone: str
    now: str

    @property
    def language(self) -> str:
        """The language of the answer."""
        return self.reader.language

    @property
    def zone(self) -> tzinfo:
        """Where the clinic is."""
        return self.reader.zone


@dataclass(frozen=True, slots=True)
class Found:
    """Views, the newest first; `is_all` is False where older ones were not looked at."""

    views: list[View]
    is_all: bool = True


def of_categories(asking: Asking, categories: Sequence[Category], when: When) -> Found:
    """The newest records of some categories: one round trip."""
    wanted = [Filter(category=one, since=when.since, until=when.until) for one in categories]
    return _read(asking, [one for one in wanted if one.category in asking.sight.categories], when)


def of_term(asking: Asking, term: Term, words: Sequence[str], when: When) -> Found:
    """The newest records of a term: by its codes, and by what records of its kind are called."""
    codes = [f"{code.system}|{code.code}" for code in term.codes][:_MOST_CODES] if term.kind is Kind.TEST else []
    inside = _panels_of(asking, codes)
    categories = [one for one in _CATEGORIES[term.kind] if one in asking.sight.categories]
    filters = [Filter(code=code, since=when.since, until=when.until) for code in (*codes, *inside)]
    filters += [Filter(category=category, since=when.since, until=when.until) for category in categories]
    found = _read(asking, filters, when)
    known = set(codes)
    return Found([view for view in found.views if _is_of(view, term, words, known)], found.is_all)


def by_title(asking: Asking, words: Sequence[str], when: When) -> Found:
    """The newest records whose title has all of some words, of the newest of each category."""
    found = of_categories(asking, _BY_TITLE, when)
    views = [view for view in found.views if _has_words(view, words)]
    # Of "zebrafever found" one word may be the name: the longest is.
    views = views or [view for view in found.views if _has_words(view, sorted(words, key=len)[-1:])]
    return Found(views, found.is_all)


def by_ids(asking: Asking, record_ids: Iterable[str]) -> list[View]:
    """Those of some records that show, in their order: as they are now."""
    wanted = list(dict.fromkeys(record_ids))[:MOST]
    link = text.dump({"members": [{"record_id": one} for one in wanted]}).decode()
    return [_parsed(view) for view in records.find_linked(asking.whose, link, asking.sight)] if wanted else []


def results_of(asking: Asking, view: View) -> list[View]:
    """The results of a report, or the members of a result."""
    return [_parsed(one) for one in records.find_linked(asking.whose, text.dump(view).decode(), asking.sight)]


def _panels_of(asking: Asking, codes: Sequence[str]) -> list[str]:
    """Which kinds of results have values of some codes inside: one round trip."""
    reads: list[Callable[[], list[str]]] = [
        functools.partial(panels.find, patient_id, code_part(*code.rsplit("|", 1)))
        for code in codes
        for patient_id in asking.whose
    ]
    if not reads:
        return []
    return list(dict.fromkeys(part for found in together(*reads) for part in found))[:_MOST_PANELS]


def _read(asking: Asking, filters: Sequence[Filter], when: When) -> Found:
    if not filters or not asking.sight.categories:
        return Found([])
    pages: list[records.Page] = together(
        *(
            functools.partial(records.find_page, asking.whose, one, limit=MOST, after=None, sight=asking.sight)
            for one in filters
        )
    )
    views = {view["record_id"]: view for page in pages for view in map(_parsed, page.views) if _stands(view)}
    newest = sorted(views.values(), key=lambda view: view["occurred_at"] or "", reverse=not when.is_first)
    return Found(newest, is_all=all(page.after is None for page in pages))


def _parsed(view: str) -> View:
    parsed: View = text.parse(view)
    return parsed


def _stands(view: View) -> bool:
    return WITHDRAWN not in {view["status"], view.get("verification_status")}


def _is_of(view: View, term: Term, words: Sequence[str], codes: set[str]) -> bool:
    if codes and any(_is_coded(one, codes) for one in (view, *view.get("components", ()))):
        return True
    return any(one.slug == term.slug for one in coded.find_of(view).terms) or (bool(words) and _has_words(view, words))


def _is_coded(element: View, codes: set[str]) -> bool:
    code = element.get("code") or {}
    return f"{code.get('system')}|{code.get('code')}" in codes


def _has_words(view: View, words: Sequence[str]) -> bool:
    in_title = {stem(word) for word in words_of(str(view["title"]))}
    return bool(words) and all(stem(word) in in_title for word in words)

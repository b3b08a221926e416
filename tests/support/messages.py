"""Every message, page and sentence of the portal as people see it, with sample values, for the tests of its words."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from html.parser import HTMLParser
from itertools import groupby
from pathlib import PurePosixPath

from jinja2 import meta, nodes

from chalicelib import words
from chalicelib.services import rendering
from chalicelib.settings import settings
from chalicelib.words import times

_LINK = "https://portal.example/l/01ARZ3NDEKTSV4RRFFQ69G5FAVabcdefghijklmnopqrstuv"
SAMPLES: Mapping[str, object] = {
    "address": "anna@example.org",
    "clinic_phone": "(555) 010-0199",
    "code": "482915",
    "disown_link": _LINK,
    "expected": "JSON",
    "limit_kib": 512,
    "link": _LINK,
    "maximum": 256,
    "minimum": 12,
    "minimum_age": 18,
    "reason": "it is not a form",
    "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "retry_after": 60,
    "username": "anna",
}
"""What stands for the values of templates and words, by name. What the portal does not choose is short and plain."""
_FLAGS = ("asks_birth_date", "is_own", "is_well")
_PIECES = ("changes.field.", "changes.value.", "changes.category.")
_AROUND_PIECES = {"en": "We wrote down what it is now: {}.", "es": "Esto es lo que hay de nuevo: {}."}
_TIMES = ("changed_at", "expires_at", "until")
_PHRASE = "green tea"
_STAND_IN = "12"
_INLINE = {"a", "b", "em", "span", "strong"}
_PARTS = {"title", "detail", "cure", "text"}
_LABELS = tuple(f"export.{part}" for part in ("yes", "record.", "no", "field.", "code.", "category."))


class _Values(dict[str, object]):
    """Values for words, with a short one for whatever is not among the samples."""

    def __missing__(self, name: str) -> str:
        return _STAND_IN


class _Visible(HTMLParser):
    """What a page shows: a line for each of its blocks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = tag in {"style", "title"}
        self.text += "" if tag in _INLINE else "\n"

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        self.text += "" if tag in _INLINE else "\n"

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else data


def clinic() -> str:
    """The clinic's name, as it stands in the messages."""
    return settings().clinic_name


def templates() -> list[str]:
    """Every template that is shown by itself, and not as a part of another."""
    parts = {part for tree in _trees().values() for part in meta.find_referenced_templates(tree)}
    return [name for name in _trees() if name not in parts]


@lru_cache(maxsize=1)
def _sources() -> dict[str, str]:
    environment = rendering.templates()
    assert environment.loader is not None
    return {name: environment.loader.get_source(environment, name)[0] for name in environment.list_templates()}


@lru_cache(maxsize=1)
def _trees() -> dict[str, nodes.Template]:
    return {name: rendering.templates().parse(source) for name, source in _sources().items()}


@lru_cache(maxsize=1)
def _asked() -> frozenset[str]:
    return frozenset(name for tree in _trees().values() for name in meta.find_undeclared_variables(tree))


def _values(language: str, *, everything: bool) -> dict[str, object]:
    """Sample values, with all that a message may have or with none of it."""
    moment = times.moment(datetime(2027, 3, 3, 21, 5, tzinfo=UTC), settings().clinic_zone, language)
    return {
        **dict.fromkeys(_asked(), _STAND_IN),
        **SAMPLES,
        **dict.fromkeys(_TIMES, moment),
        **dict.fromkeys(_FLAGS, everything),
        **{part: words.say(f"error.not_found.{part}", language) for part in ("title", "detail", "cure")},
        "change": words.say("page.undo_change.of.email", language),
        "messages": words.say("page.stop_messages.of.results", language),
        "phrase": _PHRASE if everything else None,
        "problems": {"date_of_birth": words.say("field.missing", language)} if everything else {},
        "question": "first_boss",
        "stop_link": _LINK if everything else None,
        "typed": {},
        **rendering.page_context(language),
    }


def shown(name: str, language: str, *, everything: bool) -> str:
    """The text of a template, with all that it may hold or with the least. Raises UndefinedError for a new value."""
    text = rendering.templates().get_template(name).render(_values(language, everything=everything))
    return _Visible(text).text if name.endswith(".html") else text


def _message(name: str) -> str:
    """The message that a template belongs to: an email's subject is read with its text."""
    path = PurePosixPath(name)
    return str(path.with_name("body.txt")) if path.name == "subject.txt" else name


def rendered(language: str) -> Iterator[tuple[str, str]]:
    """Every message and page by name, each with all that it may hold and with the least."""
    for message, parts in groupby(sorted(templates(), key=_message), key=_message):
        names = sorted(parts, reverse=True)
        for everything in (True, False):
            text = "\n".join(shown(name, language, everything=everything) for name in names)
            yield f"{message} {'all' if everything else 'least'}", text


def said_in_templates() -> set[str]:
    """The keys of the catalogue that a template names; where it only names their beginning, that with its dot."""
    calls = [call for tree in _trees().values() for call in tree.find_all(nodes.Call) if _is_say(call)]
    said = [constant.value for call in calls for constant in call.find_all(nodes.Const)]
    return {value for value in said if isinstance(value, str) and "." in value}


def _is_say(call: nodes.Call) -> bool:
    return isinstance(call.node, nodes.Name) and call.node.name == "say"


def alone(language: str) -> Iterator[tuple[str, str]]:
    """The words that no template names, by key; the title, detail, cure and text of one thing are one message."""
    values, catalogue = _Values(_values(language, everything=True)), words.catalogue(language)
    keys = sorted(catalogue.keys() - said_in_templates(), reverse=True)
    for message, parts in groupby(keys, key=_whole):
        if message.startswith(_PIECES):
            # A word or two, that is never read alone.
            yield message, _AROUND_PIECES[language].format(catalogue[message])
        elif not message.startswith(("time.", "number.")):
            # Their order, the falling one, is that of reading: title, detail, cure; title, text.
            yield message, "\n".join(catalogue[key].format_map(values) for key in parts)


def _whole(key: str) -> str:
    if key.startswith(_LABELS):
        # A single word is no text: what a copy of a record calls things is read together.
        return "export"
    thing, _, part = key.rpartition(".")
    return thing if part in _PARTS else key

"""What a page is: for one purpose, the form that it shows, what posting it does, and what comes after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from chalicelib import words
from chalicelib.errors import FieldError
from chalicelib.schemas.pages import LinkForm
from chalicelib.services.links import Opened

_Form = TypeVar("_Form", bound=LinkForm)


@dataclass(frozen=True, slots=True)
class Visit:
    """One opening of a link, or one posting of its form, and the birth date that was typed (ISO 8601)."""

    token: str
    link: Opened
    language: str
    birth_date: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A page to show: the name of its template and its values; `problems` are what to mend before posting it again."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[FieldError, ...] = ()


def _no_values(_visit: Visit) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True)
class Page(Generic[_Form]):
    """The page of one purpose.

    Its templates are pages/<purpose>/form.html and, once all is done, pages/<purpose>/done.html; `values` are both's.
    The form asks for the birth date where `asks_birth_date` and the account is a patient's. `act` answers None when all
    is done, or what to show in between; a refusal of a field is shown beside it.
    """

    form: type[_Form]
    act: Callable[[Visit, _Form], Step | None]
    asks_birth_date: bool = True
    values: Callable[[Visit], Mapping[str, object]] = _no_values

    def form_step(
        self, visit: Visit, problems: tuple[FieldError, ...] = (), typed: Mapping[str, str] | None = None
    ) -> Step:
        """The first form, at the second time with what was typed and what is to be mended."""
        values = {**self.values(visit), "asks_birth_date": self.asks(visit), "typed": typed or {}}
        return Step(f"{visit.link.purpose}/form", values, problems)

    def done_step(self, visit: Visit) -> Step:
        """What is said when all is done."""
        return Step(f"{visit.link.purpose}/done", self.values(visit))

    def asks(self, visit: Visit) -> bool:
        """Whether this link's form asks for the birth date."""
        return self.asks_birth_date and visit.link.asks_birth_date


def text_of(problem: FieldError, language: str) -> str:
    """What is wrong with a field, in words."""
    return words.say(f"field.{problem.code}", language, **problem.values)

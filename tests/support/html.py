"""Reading a page as a browser without script does: its elements, the words of some, and its form."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"input", "meta", "br", "link", "img", "hr"})


@dataclass
class Element:
    """One element with its attributes and all the words in it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""

    def __getitem__(self, name: str) -> str | None:
        return self.attributes[name]

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)


@dataclass
class Page(HTMLParser):
    """The elements of a page, in their order."""

    source: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def one(self, tag: str) -> Element:
        (element,) = self.all(tag)
        return element

    def by_id(self, name: str) -> Element:
        (element,) = [element for element in self.elements if element.get("id") == name]
        return element

    @property
    def fields(self) -> dict[str, Element]:
        """The fields of the page's form by name."""
        return {element["name"] or "": element for element in self.all("input")}

    @property
    def heading(self) -> str:
        return self.one("h1").text.strip()

    def described(self, name: str) -> str:
        """What a screen reader says of a field besides its label."""
        ids = (self.fields[name].get("aria-describedby") or "").split()
        return " ".join(" ".join(self.by_id(one).text.split()) for one in ids)

"""Screenshots of everything that people see, side by side."""

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Every page and email</title>
<style>
  body { margin: 2rem; font: 1rem/1.5 system-ui, sans-serif; }
  figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; }
  img { border: 1px solid #99a; max-width: 100%; }
</style>
<h1>Every page and email</h1>
"""


@dataclass
class Gallery:
    """Pictures by the name of what they show."""

    folder: Path
    _pictures: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("*.png"):
            old.unlink()

    def take(self, page: "Page", name: str, width: int) -> None:
        """A picture of the whole page as it is now."""
        file = f"{name}-{width}.png"
        page.screenshot(path=self.folder / file, full_page=True)
        self._pictures.setdefault(name, []).append(file)

    def write_index(self) -> None:
        """The page that shows all pictures."""
        shown = [
            f"<h2>{escape(name)}</h2>\n" + "\n".join(_figure(file) for file in files)
            for name, files in sorted(self._pictures.items())
        ]
        (self.folder / "index.html").write_text(_HEAD + "\n".join(shown) + "\n", encoding="utf-8")


def _figure(file: str) -> str:
    return f'<figure><img src="{escape(file)}" alt=""><figcaption>{escape(file)}</figcaption></figure>'

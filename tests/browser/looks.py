"""What is measured of a page in a browser; each measure answers with what is wrong."""

from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (320, 1280)
HEIGHT = 800
SMALLEST_TARGET = 44
"""CSS pixels; WCAG 2.2 AA asks for 24."""
LEAST_CONTRAST = 3.0
"""Of what is not text: the borders of fields and the ring around what has the focus (WCAG 1.4.11)."""

_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
_MOST_STOPS = 30

_TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body, body *')]
    .filter(element => element.getBoundingClientRect().right > width + 0.5
      || (element.tagName !== 'INPUT' && element.scrollWidth > element.clientWidth + 1
        && getComputedStyle(element).overflowX !== 'visible'))
    .map(element => `${element.tagName} ${Math.round(element.getBoundingClientRect().right)} of ${width}`);
}"""
_SMALL_TARGETS = """least => [...document.querySelectorAll('a, button, input:not([type=hidden])')]
  .map(element => [element, element.getBoundingClientRect()])
  .filter(([, box]) => box.width < least || box.height < least)
  .map(([element, box]) => `${element.outerHTML.slice(0, 80)} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
_FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const rgb = color => color.match(/[\\d.]+/g).map(Number);
  const behind = from => {
    for (let one = from; one; one = one.parentElement) {
      const color = rgb(getComputedStyle(one).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const style = getComputedStyle(element), box = element.getBoundingClientRect();
  return {
    name: element.name || element.id || element.tagName.toLowerCase() + ' ' + (element.getAttribute('href') || ''),
    ring: [style.outlineStyle, parseFloat(style.outlineWidth)],
    colors: [rgb(style.outlineColor), behind(element.parentElement)],
    border: element.tagName === 'INPUT' ? [rgb(style.borderTopColor), behind(element.parentElement)] : null,
    inView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


def too_wide(page: "Page") -> list[str]:
    """What makes the page scroll sideways."""
    scrolls = page.evaluate("document.scrollingElement.scrollWidth > document.documentElement.clientWidth")
    found: list[str] = page.evaluate(_TOO_WIDE)
    return found or (["the page"] if scrolls else [])


def small_targets(page: "Page") -> list[str]:
    """What is hard to hit with a finger."""
    found: list[str] = page.evaluate(_SMALL_TARGETS, SMALLEST_TARGET)
    return found


def set_width(page: "Page", width: int) -> None:
    """A window of so many CSS pixels."""
    page.set_viewport_size({"width": width, "height": HEIGHT})


def zoom(page: "Page", width: int, factor: int) -> None:
    """The browser's own zoom: as many times fewer and larger CSS pixels."""
    page.context.new_cdp_session(page).send(
        "Emulation.setDeviceMetricsOverride",
        {"width": width // factor, "height": HEIGHT // factor, "deviceScaleFactor": factor, "mobile": False},
    )


def enlarge_text(page: "Page", factor: int) -> None:
    """A reader's own larger type."""
    page.evaluate(
        "factor => { const root = document.documentElement;"
        " root.style.fontSize = parseFloat(getComputedStyle(root).fontSize) * factor + 'px'; }",
        factor,
    )


def violations(page: "Page") -> list[str]:
    """What axe-core finds against WCAG 2.2 AA."""
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", _WCAG
    )
    assert found["passes"], "axe-core checked nothing"
    return [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def tab_stops(page: "Page") -> list[dict[str, Any]]:
    """Everything that the Tab key reaches, from the top, in its order."""
    page.evaluate("document.activeElement && document.activeElement.blur(); window.scrollTo(0, 0)")
    stops: list[dict[str, Any]] = []
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUS)
        if stop is None or (stops and stop["name"] == stops[0]["name"]):
            return stops
        stops.append(stop)
    raise AssertionError("the Tab key never comes back to the first stop")


def weak_focus(stop: dict[str, Any]) -> list[str]:
    """What is wrong with how the focus shows on a stop."""
    style, width = stop["ring"]
    wrong = [] if style == "solid" and width >= 2 else [f"{stop['name']}: ring {style} {width}"]
    wrong += [] if stop["inView"] else [f"{stop['name']}: out of view"]
    pairs = [stop["colors"], *([stop["border"]] if stop["border"] else [])]
    return wrong + [
        f"{stop['name']}: contrast {c:.1f}" for c in (_contrast(*pair) for pair in pairs) if c < LEAST_CONTRAST
    ]


def _contrast(one: list[float], other: list[float]) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: list[float]) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [part / 255 for part in color[:3]]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

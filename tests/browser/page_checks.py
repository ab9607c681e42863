"""Checks that every page and report must pass in a browser."""

from typing import Any

_CHARTS = """[...document.querySelectorAll('svg, img')].filter(each => each.checkVisibility()).map(each => {
  const box = each.getBoundingClientRect();
  return [each.tagName, box.width, box.height, each.tagName == 'IMG' ? each.naturalWidth : 1,
          each.getAttribute('aria-label') || each.alt || ''];
})"""
_FOCUSABLE = "a[href], summary, input, select, button, [tabindex='0']"
_COUNT = f"""(() => {{
  const all = [...document.querySelectorAll("{_FOCUSABLE}")];
  all.forEach((each, place) => each.dataset.place = place);
  return all.filter(each => each.checkVisibility()).map(each => each.dataset.place);
}})()"""


def quiet(tab: Any, origin: str) -> None:
    """Check that there are no console messages, dialogs, scripts or requests to other hosts."""
    assert tab.problems == []
    assert tab.dialogs == []
    assert tab.requests
    elsewhere = [request for request in tab.requests if not request.startswith((origin, "data:"))]
    assert elsewhere == []
    assert tab.value("document.scripts.length") == 0


def charts(tab: Any, least: int) -> None:
    """Check the number of charts and images, their sizes and names."""
    pictures = tab.value(_CHARTS)
    assert len(pictures) >= least, pictures
    for kind, width, height, natural, name in pictures:
        assert width > 5, (kind, name)
        assert height > 5, (kind, name)
        assert natural > 0, (kind, name)
        assert name, kind


def reachable(tab: Any, most: int = 400) -> int:
    """Check that Tab reaches every link, field and collapsed table; return their number."""
    expected = set(tab.value(_COUNT))
    assert expected
    assert len(expected) <= most
    tab.value("document.activeElement && document.activeElement.blur()")
    reached: set[str] = set()
    for _ in range(len(expected) + 5):
        tab.press("Tab")
        place = tab.value("document.activeElement.dataset.place")
        if place is not None:
            reached.add(place)
    assert expected <= reached, expected - reached
    return len(expected)


def fits(tab: Any) -> None:
    """Check that on a phone only scrollable elements are wider than the screen."""
    tab.size(375, 800)
    try:
        assert tab.value("document.documentElement.scrollWidth") <= 375
    finally:
        tab.size(1250, 900)

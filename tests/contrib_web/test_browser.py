"""The pages in a real browser: that they look right, work without a script, and refresh."""

from pathlib import Path

import pytest

from tests.contrib_django.browser import Browser, browser, program
from tests.contrib_web.conftest import Site

pytestmark = pytest.mark.skipif(program() is None, reason="no browser is installed")

WIDE = (
    "[...document.querySelectorAll('body *')].filter(each => !each.closest('.wide, .graphs, pre')"
    " && !each.closest('.unseen, .skip, thead')"
    " && each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML)"
)
"""What reaches over the right edge of the page."""
CONTRAST = """
(() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).map(Number);
    const [r, g, b] = parts.map(v => v / 255).map(
      v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return [0.2126 * r + 0.7152 * g + 0.0722 * b, parts.length > 3 ? parts[3] : 1];
  };
  const ground = each => {
    for (; each; each = each.parentElement) {
      const [value, alpha] = light(getComputedStyle(each).backgroundColor);
      if (alpha === 1) return value;
    }
    return light(getComputedStyle(document.body).backgroundColor)[0];
  };
  const poor = [];
  for (const each of document.querySelectorAll('body *')) {
    const says = [...each.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!says || each.closest('svg')) continue;
    const pair = [light(getComputedStyle(each).color)[0], ground(each)].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${each.outerHTML.slice(0, 80)}`);
  }
  return poor;
})()
"""
"""The texts whose contrast is less than WCAG AA asks for."""
UNNAMED = (
    "[...document.querySelectorAll('a, button, input:not([type=hidden]), svg[role=img]')]"
    ".filter(each => !(each.textContent.trim() || each.getAttribute('aria-label')"
    " || (each.id && document.querySelector(`label[for=${each.id}]`))))"
    ".map(each => each.outerHTML)"
)
"""What a screen reader could not name."""
PAGES = ["", "job?name=broken", "timeline", "graph", "backfills", "ghosts"]


@pytest.fixture(scope="module")
def page():
    with browser() as page:
        yield page


def emulate(page: Browser, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> None:
    page._call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=width < 600,
    )
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    page._call("Emulation.setEmulatedMedia", features=scheme)
    page._call("Emulation.setScriptExecutionDisabled", value=not scripts)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_readable_by_all_in_light_and_dark_and_on_a_phone(
    path: str, page: Browser, address: str
) -> None:
    emulate(page)
    page.open(address + path)
    assert page.console == []
    assert page.evaluate("document.title").endswith("crontabber")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(CONTRAST) == []
    emulate(page, dark=True, width=360)
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(WIDE) == []


def test_the_page_refreshes_itself_and_can_be_paused(page: Browser, address: str) -> None:
    emulate(page)
    page.open(address)
    button = "document.querySelector('#refresh button')"
    assert page.evaluate(f"{button}.textContent") == "Pause"
    page.evaluate(f"{button}.click()")
    assert page.evaluate(f"{button}.textContent") == "Go on"
    page.evaluate("document.querySelector('main h1').textContent = 'old'")
    page.evaluate(f"{button}.click()")  # which refreshes at once
    page._call(
        "Runtime.evaluate",
        expression="new Promise(done => { const look = () => document.querySelector('main h1')"
        ".textContent === 'Jobs' ? done() : setTimeout(look, 20); look(); })",
        awaitPromise=True,
    )


def test_everything_works_without_a_script(page: Browser, address: str) -> None:
    emulate(page, scripts=False)
    try:
        page.open(f"{address}?q=broken")
        assert "broken" in page.text
        assert "hello" not in page.text
        assert "Pause" not in page.text
    finally:
        emulate(page)


def test_every_link_can_be_reached_by_the_keyboard(page: Browser, address: str) -> None:
    emulate(page)
    page.open(address)
    seen = []
    for _ in range(6):
        page._call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab")
        page._call("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab")
        seen.append(page.evaluate("document.activeElement.textContent"))
    assert seen[:3] == ["Skip to the content", "crontabber", "Jobs"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_report_is_read_from_a_file_without_any_request(
    page: Browser, site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "jobs.html"
    site.command("--admin.conf=crontabber.ini", f"--report={file}")
    emulate(page)
    page.open(file.as_uri())
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(UNNAMED) == []
    assert "The jobs on" in page.text

"""The pages in a real browser: nothing on its console, every chart drawn, readable on a phone, light and dark."""

import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from local.base.system_packages import ensure
from report_page.page import render
from tests.unit.report_page.pages import pages

CHARTS = {"demo": 3, "bench": 4, "chaos": 4, "verify": 3}
PHONE, DESKTOP = 390, 1100

# What a person would notice: place and size of each chart, the size and colours of its words, the width of the page.
_DRAWN = """
const text = [...document.querySelectorAll('figure svg text')].filter(label => label.textContent);
return {
  charts: [...document.querySelectorAll('figure svg')].map(svg => {
    const box = svg.getBoundingClientRect();
    return [box.left, box.right, box.height, svg.querySelectorAll('path, rect, line').length];
  }),
  smallest: Math.min(...text.map(label => label.getBoundingClientRect().height)),
  colors: [...new Set(text.map(label => getComputedStyle(label).fill))],
  paper: getComputedStyle(document.body).backgroundColor,
  page: document.documentElement.scrollWidth,
  requests: performance.getEntriesByType('resource').map(entry => entry.name),
};
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The file of each page. Not made when tests are collected, which each process of a run does."""
    folder = tmp_path_factory.mktemp("pages")
    written = {command: folder / f"{command}.html" for command in CHARTS}
    for command, page in pages().items():
        written[command].write_text(render(page))
    return written


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Chromium without a window; a machine that has Chrome and its driver already uses these."""
    if shutil.which("chromedriver") is None:
        if platform.freedesktop_os_release()["ID"] == "ubuntu":
            pytest.skip("Ubuntu has Chromium as a snap alone: install Chrome and chromedriver")
        ensure(["chromium", "chromium-driver"])
    options = webdriver.ChromeOptions()
    profile = tmp_path_factory.mktemp("profile")
    # The tests run as root, which Chromium's own sandbox refuses.
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        yield chrome
    finally:
        chrome.quit()


def shown(browser: webdriver.Chrome, file: Path, width: int, scheme: str) -> dict[str, Any]:
    """What the browser made of a page at this width in pixels, with the colour scheme that a person prefers."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(file.as_uri())
    found: dict[str, Any] = browser.execute_script(_DRAWN)
    return found


def brightness(color: str) -> int:
    """Of `rgb(1, 2, 3)`: from 0 to 765."""
    return sum(int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(","))


@pytest.mark.parametrize("command", CHARTS)
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_whole_and_readable(
    browser: webdriver.Chrome, files: dict[str, Path], command: str, width: int, scheme: str
) -> None:
    found = shown(browser, files[command], width, scheme)

    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert found["requests"] == []
    assert len(found["charts"]) == CHARTS[command]
    for left, right, height, shapes in found["charts"]:
        assert 0 <= left < right <= width
        assert height > 50
        assert shapes > 5
    assert found["page"] <= width
    # Of 11 pixels, as high as the line that it is on.
    assert found["smallest"] >= 11
    contrasts = [brightness(color) - brightness(found["paper"]) for color in found["colors"]]
    assert all(contrast > 250 if scheme == "dark" else contrast < -250 for contrast in contrasts), contrasts


def test_a_broken_drawing_would_be_on_the_console(
    browser: webdriver.Chrome, files: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(files["demo"].read_text().replace('d="M', 'd="X', 1))

    shown(browser, file, PHONE, "light")

    (entry,) = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert "<path> attribute d" in entry["message"]


def test_a_request_of_a_page_would_be_refused_and_on_the_console(
    browser: webdriver.Chrome, files: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    picture = '<img src="http://127.0.0.1:9/x.png" alt="">'
    file.write_text(files["demo"].read_text().replace("</main>", f"{picture}</main>"))

    shown(browser, file, PHONE, "light")

    messages = [entry["message"] for entry in browser.get_log("browser")]  # type: ignore[no-untyped-call]
    assert any("Content Security Policy" in message for message in messages), messages

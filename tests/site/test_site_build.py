"""The site is built, strictly, with some schemes, figures and outputs, and opened in headless Chromium."""

import os
import shutil
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMES = "ssp3,ark,ssprk104,rk33_family,gill4,tsitouras98"
BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_A_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
KINDS = (
    "index.html",
    "start.html",
    "how-it-works.html",
    "studies.html",
    "codes.html",
    "changelog.html",
    "results/index.html",
    "results/table1.html",
    "gallery.html",
    "notebooks/index.html",
    "notebooks/2-block.html",
    "notebooks/4-design.html",
    "schemes/index.html",
    "schemes/ssp3.html",
    "schemes/rk33_family.html",
    "schemes/tsitouras98.html",
    "tableaus.html",
    "api/index.html",
    "api/rkblocks.html",
    "api/rkblocks.evaluation.html",
    "source/examples/index.html",
    "source/examples/masked.py.html",
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site, once for all workers."""
    from filelock import FileLock

    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, log = shared / "site", shared / "site.log"
    with FileLock(f"{folder}.lock"):
        if not log.exists():
            command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
            environment = {**os.environ, "RKBLOCKS_DOCS_SCHEMES": SCHEMES, "NO_MKDOCS_2_WARNING": "1"}
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200)
            log.write_text(f"{done.returncode}\n{done.stdout}{done.stderr}")
    status, _, said = log.read_text().partition("\n")
    assert status == "0", said
    return folder


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The site, served on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium of this machine: playwright drives it, and brings none."""
    api = pytest.importorskip("playwright.sync_api")
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    program = program or (str(ON_A_MAC) if ON_A_MAC.exists() else None)
    if program is None:
        pytest.skip(
            f"THE SITE WAS NOT LOOKED AT: none of {', '.join(BROWSERS)} is here (apt install chromium-headless-shell)"
        )
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


def test_every_public_name_has_a_page(site: Path) -> None:
    """The inventory that other projects link to has every name, and the page has its anchor."""
    sys.path.insert(0, str(ROOT / "docs" / "site"))
    import api

    head, _, body = (site / "objects.inv").read_bytes().partition(b"zlib.\n")
    assert head
    inventory = {line.split()[0] for line in zlib.decompress(body).decode().splitlines()}
    for package in api.packages():
        text = (site / "api" / f"{package}.html").read_text(encoding="utf-8")
        for name in api.names(package):
            assert name.path in inventory, name
            assert f'id="{name.public}"' in text, name


def test_each_entry_shows_types_errors_and_source(site: Path) -> None:
    text = (site / "api" / "rkblocks.html").read_text(encoding="utf-8")
    for word in ("Parameters", "Raises", "Source code in", "TableauError"):
        assert word in text, word
    assert ">&gt;&gt;&gt;" in text  # examples are sessions, not quotations
    assert "<blockquote>" not in text


def test_nothing_comes_from_another_host(site: Path) -> None:
    import re

    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe|source)[^>]* src="(https?:[^"]*)"', text)
        loaded += re.findall(r'<link[^>]* rel="(?:stylesheet|preconnect|icon)"[^>]* href="(https?:[^"]*)"', text)
        assert loaded == [], page


CUT_OFF = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (element) => {
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      if (["auto", "scroll"].includes(getComputedStyle(e).overflowX)) return true;
    }
    return false;
  };
  const seen = (element) => element.checkVisibility() && element.getBoundingClientRect().width > 0;
  const wide = [...document.querySelectorAll("main *")].filter(
    (element) => seen(element) && element.getBoundingClientRect().right > width + 1 && !scrolls(element));
  const broken = [...document.images].filter((image) => image.complete && image.naturalWidth === 0);
  return {
    page: document.documentElement.scrollWidth - width,
    wide: wide.slice(0, 5).map((element) => element.outerHTML.slice(0, 120)),
    broken: broken.map((image) => image.src),
  };
}"""


def opened(browser: Any, url: str, width: int, scheme: str = "light") -> tuple[Any, list[str]]:
    """Return a page and what it complains of: messages of the console, errors, requests to other hosts."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, complaints = context.new_page(), []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda r: None if r.url.startswith(("http://127.0.0.1", "blob:", "data:")) else complaints.append(r.url),
    )
    page.goto(url, wait_until="networkidle")
    return page, complaints


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("kind", KINDS)
def test_no_error_and_nothing_cut_off(browser: Any, address: str, kind: str, width: int) -> None:
    page, complaints = opened(browser, f"{address}/{kind}", width)
    found = page.evaluate(CUT_OFF)
    page.context.close()
    assert complaints == []
    assert found == {"page": 0, "wide": [], "broken": []}


def test_what_is_cut_off_is_found_out(browser: Any, address: str) -> None:
    page, complaints = opened(browser, f"{address}/index.html", 390)
    page.evaluate(
        """() => {
          const added = '<p style="width: 900px">wide</p><img src="gone.png">';
          document.querySelector("article").insertAdjacentHTML("beforeend", added);
          console.error("loud");
        }"""
    )
    page.wait_for_function("[...document.images].every((image) => image.complete)")  # gone.png: tried and failed
    found = page.evaluate(CUT_OFF)
    page.context.close()
    assert any("wide" in element for element in found["wide"])
    assert found["broken"]
    assert "loud" in complaints


def test_the_table_of_schemes_is_filtered_and_sorted(browser: Any, address: str) -> None:
    page, _ = opened(browser, f"{address}/schemes/index.html", 1440)
    names = "[...document.querySelectorAll('.rk-library tbody tr:not([hidden]) td:first-child a')].map((a) => a.text)"
    assert len(page.evaluate(names)) == len(SCHEMES.split(","))
    page.fill("[name=words]", "ssprk")
    assert sorted(page.evaluate(names)) == ["ssp3", "ssprk104"]
    page.fill("[name=ssp]", "2")
    assert page.evaluate(names) == ["ssprk104"]
    assert page.text_content("output[name=count]") == "1 of 6"
    page.fill("[name=words]", "")
    page.fill("[name=ssp]", "")
    page.check("[name=family]")
    assert sorted(page.evaluate(names)) == ["ark", "rk33_family"]
    page.uncheck("[name=family]")
    page.click("th:has-text('stages') button")
    assert page.evaluate(names)[-1] == "tsitouras98"
    page.click("th:has-text('stages') button")
    assert page.evaluate(names)[0] == "tsitouras98"
    page.context.close()


def test_search_finds_a_scheme_and_dark_mode_is_dark(browser: Any, address: str) -> None:
    page, complaints = opened(browser, f"{address}/index.html", 1440, scheme="dark")
    assert page.evaluate("document.body.getAttribute('data-md-color-scheme')") == "slate"
    page.click("[data-md-component=search-query]")
    page.type("[data-md-component=search-query]", "Tsitouras")
    page.wait_for_selector(".md-search-result__link[href*='schemes/tsitouras98']")
    page.context.close()
    assert complaints == []

"""The report in Chromium: it asks nothing of the network, draws every figure, and fits a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.register import Register
from isthmus.report.html import write_report
from isthmus.study import Study
from isthmus.study.plan import make_plan
from isthmus.study.results import Results
from isthmus.study.runner import start
from tests.validation_document import document

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("browser")
    start(make_plan(Study.load("exchange"), Register.reference(), futures=32), folder / "run")
    return write_report(Results.open(folder / "run"), folder / "out", validation=document())[0].as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(params=[(1200, "light"), (1200, "dark"), (400, "light")], ids=["light", "dark", "phone"])
def opened(browser: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    outside: list[str] = []
    said: list[str] = []

    def answer(route: Any) -> None:
        if route.request.url.startswith(("file://", "data:")):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    context.route("**/*", answer)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert outside == []
    assert said == []


def test_every_figure_is_drawn(opened: Any) -> None:
    shapes = opened.eval_on_selector_all("figure svg", "all => all.map(s => s.querySelectorAll('path, use, text').length)")
    sizes = opened.eval_on_selector_all(
        "figure svg", "all => all.map(s => s.getBoundingClientRect()).map(r => [r.width, r.height])"
    )
    assert len(shapes) == 13 + 5 + 5  # campaigns and reach, validation, the two systems with awareness, margins and regions
    assert min(shapes) > 25
    assert all(width > 300 and height > 90 for width, height in sizes)


def test_the_validation_says_at_a_glance_what_failed(opened: Any) -> None:
    assert opened.locator("#validation dl.score dd").all_inner_texts() == ["7", "4", "3", "1"]
    assert opened.locator("#t-failed tr.fail:visible").count() == 3
    assert opened.locator("#validation .verdicts tr.fail th:visible").all_inner_texts().count("FAIL") == 6
    heads = opened.eval_on_selector_all("#validation h3, #validation h4", "all => all.map(h => h.tagName)")
    assert heads[0] == "H3"
    assert set(heads) == {"H3", "H4"}


def test_a_failed_case_weighs_no_less_than_a_passed_one(opened: Any) -> None:
    size = "e => { const s = getComputedStyle(e); return [s.fontSize, s.fontWeight, s.visibility]; }"
    failed, passed = (opened.locator(f"#t-cases-hindcast tr.{v} th").first.evaluate(size) for v in ("fail", "pass"))
    assert failed == passed


def test_new_sections_hold_their_tables(opened: Any) -> None:
    for table in ("t-exchange", "t-deliveries", "t-costs", "t-layers-need-met", "t-parity"):
        assert opened.locator(f"#{table} tbody tr").count() > 2, table


def test_tables_are_reached_and_scrolled_by_keyboard(opened: Any) -> None:
    region = opened.locator("[aria-labelledby=t-failed-c]")
    region.focus()
    assert opened.evaluate("document.activeElement.getAttribute('aria-labelledby')") == "t-failed-c"
    details = opened.locator("#fig-artillery summary")
    details.focus()
    opened.keyboard.press("Enter")
    assert opened.locator("#t-artillery-months").is_visible()


def test_on_paper_nothing_is_cut_off(opened: Any) -> None:
    opened.emulate_media(media="print")
    assert opened.evaluate("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
    assert not opened.locator(".skip").is_visible()


def test_colours_of_figures_are_defined(opened: Any) -> None:
    missing = opened.evaluate(
        """() => { const s = getComputedStyle(document.documentElement);
        const used = new Set([...document.body.innerHTML.matchAll(/var\\((--[a-z0-9-]+)\\)/g)].map(m => m[1]));
        return [...used].filter(name => !s.getPropertyValue(name)); }"""
    )
    assert missing == []


def test_the_page_is_no_wider_than_the_window(opened: Any) -> None:
    assert opened.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_a_table_can_be_filtered_by_typing(opened: Any) -> None:
    rows = "#t-inputs tbody tr:not(.group):visible"
    before = opened.locator(rows).count()
    opened.get_by_label("Filter this table").last.fill("japan")
    after = opened.locator(rows).count()
    assert 0 < after < before
    assert opened.locator("#t-inputs tr.group:visible").all_inner_texts() == ["Japan"]

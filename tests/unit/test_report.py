"""The report of a small run: complete, self-contained, safe against what a register or study may hold, equal to Results."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from isthmus.register import Register
from isthmus.report import figures, wording
from isthmus.report.evidence import Evidence
from isthmus.report.html import write_report
from isthmus.report.wording import Names
from isthmus.study import Study
from isthmus.study.layers import LAYER_COLUMNS
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.runner import start

HOSTILE = '<script>alert("x")</script><img src=http://evil.example/x.png onerror=alert(1)>'
SECTIONS = (
    "brief",
    "question",
    "reach",
    "fans",
    "outcomes",
    "exchange",
    "weeks",
    "deliveries",
    "rebuild",
    "layers",
    "parity",
    "deterrence",
    "systems",
    "awareness",
    "excursions",
    "validation",
    "evidence",
    "limits",
    "sources",
    "run",
)
LOADING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href", "cite", "manifest"}


class Reader(HTMLParser):
    """Tags with their attributes, texts of table cells by table id, and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self._table = ""
        self._open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag == "table":
            self._table = dict(attrs)["id"] or ""
            self.tables[self._table] = []
        elif tag == "tr":
            self.tables[self._table].append([])
        elif tag in ("td", "th"):
            self.tables[self._table][-1].append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open:
            self.tables[self._table][-1][-1] += data


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(Study.load("reference"), Register.reference(), futures=128)


@pytest.fixture(scope="module")
def results(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Results:
    out = tmp_path_factory.mktemp("report") / "run"
    start(plan, out)
    return Results.open(out)


@pytest.fixture(scope="module")
def page(results: Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    [path] = write_report(results, tmp_path_factory.mktemp("out") / "new" / "folder")
    assert path.name == "report.html"
    assert path.stat().st_size < 6e6
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


def test_every_section_is_there_and_in_the_contents(read: Reader) -> None:
    ids = [a["id"] for t, a in read.tags if t == "section"]
    links = [a["href"].removeprefix("#") for t, a in read.tags if t == "a" and a["href"].startswith("#")]
    assert tuple(ids) == SECTIONS
    assert set(SECTIONS) <= set(links)
    assert "never a forecast" in read.text
    assert "probability of war" in read.text


def test_nothing_is_loaded_from_outside(page: str, read: Reader) -> None:
    for tag, attributes in read.tags:
        for name, value in attributes.items():
            if name in LOADING:
                pytest.fail(f"<{tag} {name}={value[:60]!r}> loads something")
            if name == "href" and tag != "a":
                assert value.startswith(("#", "data:")), (tag, value)
            if name == "href" and tag == "a":
                assert value.startswith(("#", "https://", "http://")), value
            if name == "style":
                assert "url(http" not in value
    assert not re.search(r"@import|@font-face|fetch\(|XMLHttpRequest", page)
    assert {"link", "script", "style"} >= {
        t for t, _ in read.tags if t in ("link", "script", "style", "iframe", "object", "embed", "img", "image")
    }


def test_ids_are_unique_and_references_resolve(page: str, read: Reader) -> None:
    ids = Counter(a["id"] for _, a in read.tags if "id" in a)
    assert [i for i, n in ids.items() if n > 1] == []
    used = set(re.findall(r"url\(#([^)]+)\)", page)) | {a["href"][1:] for _, a in read.tags if a.get("href", "").startswith("#")}
    used |= {a["aria-labelledby"] for _, a in read.tags if "aria-labelledby" in a}
    assert used <= set(ids)


def test_tables_and_figures_can_be_read_without_seeing_them(read: Reader) -> None:
    tags = Counter(t for t, _ in read.tags)
    assert tags["caption"] == tags["table"] > 10
    assert all("scope" in a for t, a in read.tags if t == "th")
    drawings = [a for t, a in read.tags if t == "svg"]
    assert len(drawings) == tags["figure"] == 4 + 6 + 3 + 6
    assert all(a["role"] == "img" and len(a["aria-label"]) > 60 for a in drawings)
    levels = [int(t[1]) for t, _ in read.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_assumption_of_the_run_is_listed_or_counted(plan: Plan, read: Reader) -> None:
    rows = [row for row in read.tables["t-assumptions"][1:] if len(row) > 1]
    names = [row[-4] for row in rows]
    copies = [n.rsplit(" × ", 1) for n in names if " × " in n]
    counted = {prefix.removesuffix(":…"): int(n) for prefix, n in copies}
    for u in plan.design.uncertainties:
        prefix = u.name.split(":", 1)[0]
        if u.kind == "assumption":
            assert u.name in names or prefix in counted, u.name
        else:
            assert u.name not in names
    listed = len(names) - len(copies) + sum(counted.values())
    assert listed == sum(u.kind == "assumption" for u in plan.design.uncertainties)
    assert all(len(row[-1]) > 5 for row in rows)


def test_reach_table_equals_results(results: Results, read: Reader) -> None:
    rows = {row[-6]: row for row in read.tables["t-reach-0"][1:5]}
    frame = results.reach
    here = frame[(frame["front"] == "euro_atlantic.allied") & (frame["mission"] == "air_missile_defence")]
    for eco in ("as_is", "full"):
        mine = here[here["ecosystem"] == eco].set_index("measure")
        reach = mine.loc["reach"]
        assert rows[eco.replace("_", " ")][-5] == f"{reach['median']:.0%} ({reach['low'] * 100:.0f}–{reach['high']:.0%})"
        assert rows[eco.replace("_", " ")][-2].startswith(f"{mine.loc['scale_ratio', 'median']:.2f} (")


def test_outcome_table_equals_results(results: Results, read: Reader) -> None:
    share = results.shares.set_index(["ecosystem", "war_case", "front", "mission"])
    row = next(r for r in read.tables["t-outcome-0"] if r[0] == "Europe alone")
    expected = share.loc[("as_is", "europe_alone", "euro_atlantic", "air_missile_defence")]
    assert row[2:5] == [wording.percent(expected[c]) for c in ("defence_unsustained", "undecided", "attack_unsustained")]


def test_weeks_table_equals_results(results: Results, read: Reader) -> None:
    q = results.quantiles
    here = q[
        (q["ecosystem"] == "as_is")
        & (q["war_case"] == "europe_alone")
        & (q["front"] == "euro_atlantic.allied")
        & (q["mission"] == "land_fires")
    ]
    starved = here[here["outcome"] == "weeks_starved"].iloc[0]
    row = next(r for r in read.tables["t-weeks-0"] if "Land fires" in r[0])
    assert row[-1] == f"{starved['median']:.0f} ({starved['low']:.0f}–{starved['high']:.0f})"


def test_layers_are_shapley_shares_with_each_layer_alone_beside(results: Results, read: Reader) -> None:
    frame = results.layers
    assert frame is not None
    key = ("euro_atlantic.allied", "land_fires", "need_met")
    mine = frame.set_index(["front", "mission", "outcome"]).loc[[key]]
    rows = read.tables["t-layers-need-met"]
    first = next(i for i, row in enumerate(rows) if "Land fires" in row[0] and "allied" in row[0])
    for row, what in ((rows[first][-8:], "shapley"), (rows[first + 1], "alone")):
        for cell, (_, expected) in zip(row[1:], mine.iterrows(), strict=False):
            assert cell == wording.points_error(expected[what], expected[f"{what}_se"])
    assert rows[first][-1] == wording.points(mine["total"].iloc[0])


def test_what_is_not_estimable_says_so_with_the_count(results: Results, tmp_path: Path) -> None:
    frame = results.layers
    assert frame is not None
    changed = replace(results)
    here = (frame["layer"] == "concept") & (frame["outcome"] == "need_met")
    changed.__dict__["layers"] = frame.assign(estimable=frame["estimable"] & ~here, actors=frame["actors"].where(~here, 3))[
        list(LAYER_COLUMNS)
    ]
    read = Reader(write_report(changed, tmp_path)[0].read_text(encoding="utf-8"))
    shares = [row for row in read.tables["t-layers-need-met"] if "Shapley share" in row]
    assert [row[row.index("Shapley share") + 1] for row in shares] == ["not estimable (3 actors)"] * len(shares)


def test_parity_table_equals_results(results: Results, read: Reader) -> None:
    frame = results.parity
    assert frame is not None
    value = frame.set_index(["check", "ecosystem", "front", "mission", "outcome"])["value"]
    rows = read.tables["t-parity"]
    start = next(i for i, row in enumerate(rows) if row[0].startswith("defence unsustained"))
    row = next(r for r in rows[start + 1 :] if r[0] == "Euro-Atlantic: Air and missile defence")
    for cell, check in zip(row[1:], dict.fromkeys(frame["check"]), strict=False):
        ends = [value[check, e, "euro_atlantic", "air_missile_defence", "defence_unsustained"] for e in ("as_is", "full")]
        assert cell == wording.change(*(wording.percent(v) for v in ends))


def test_costs_by_year_equal_results_and_are_called_lower_bounds(results: Results, read: Reader) -> None:
    q = results.quantiles
    here = q[(q["ecosystem"] == "as_is") & (q["war_case"] == "both_at_once") & (q["front"] == "allied")]
    row = next(r for r in read.tables["t-costs"] if r[-4] == "Use, as is")
    for year, cell in zip(("year1", "year2", "year3"), row[-3:], strict=True):
        one = here[(here["outcome"] == "cost_of_use") & (here["mission"] == year)].iloc[0]
        assert cell == wording.spread(*(one[k] / 1000 for k in ("low", "median", "high")))
    assert "Lower bounds." in read.text
    assert "have no known unit cost and count nothing" in read.text


def test_deliveries_equal_results(results: Results, read: Reader) -> None:
    q = results.quantiles
    here = q[
        (q["ecosystem"] == "as_is")
        & (q["war_case"] == "both_at_once")
        & (q["front"] == "euro_atlantic.allied")
        & (q["mission"] == "land_fires")
    ].set_index("outcome")
    row = next(r for r in read.tables["t-deliveries"] if "allied: Land fires" in r[0])
    for cell, outcome in zip(row[-3:], ("authorised", "shipped", "arrived"), strict=True):
        assert cell == wording.spread(*here.loc[outcome, ["low", "median", "high"]], wording.rounded)


def test_without_a_validation_the_page_says_that_nothing_was_compared(read: Reader) -> None:
    assert "nothing in this report has been compared with observations" in read.text


def test_sources_are_those_behind_the_run(plan: Plan, page: str) -> None:
    register = plan.register
    evidence = Evidence(plan, Names(register))
    stock = next(b for b in evidence.bindings if b.field == "stock" and b.kind == "fact")
    rows = register.table("stocks").set_index("fact_id").loc[list(stock.evidence)]
    urls = register.table("sources").set_index("source_id")["url"]
    for source in rows["source_id"]:
        assert f'<span class="address">{urls[source].replace("&", "&amp;")}</span>' in page
    assert len(evidence.sources) + len(evidence.layer_sources) < len(register.table("sources"))


def test_what_a_study_says_is_escaped(plan: Plan, tmp_path: Path) -> None:
    data = plan.study.model_dump(by_alias=True)
    name = "duel.ratio"
    data |= {"title": HOSTILE, "futures": 8, "uncertainties": {name: {"low": 3, "mode": 4, "high": 8, "reason": HOSTILE}}}
    hostile = make_plan(Study.model_validate(data), plan.register)
    start(hostile, tmp_path / "run")
    text = write_report(Results.open(tmp_path / "run"), tmp_path / "out")[0].read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<img" not in text
    assert text.count("&lt;script&gt;alert") >= 3


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "file:///etc/passwd", "", None])
def test_only_web_addresses_become_links(url: str | None) -> None:
    assert wording.web(url) is None


def test_web_addresses_become_links() -> None:
    assert wording.web("https://example.org/a?b=c") == "https://example.org/a?b=c"


def test_a_changed_register_leaves_out_what_needs_it_and_says_so(results: Results, tmp_path: Path) -> None:
    manifest = results.manifest | {"register": results.manifest["register"] | {"hash": "0" * 64}}
    changed = replace(results)
    changed.__dict__["manifest"] = manifest
    text = write_report(changed, tmp_path)[0].read_text(encoding="utf-8")
    read = Reader(text)
    assert tuple(a["id"] for t, a in read.tags if t == "section") == SECTIONS
    assert "t-assumptions" not in read.tables
    assert "t-layers-need-met" in read.tables  # kept in the run itself
    assert "t-reach-0" in read.tables
    assert read.text.count("the run was made with the register 0000000000000000") == 5


def test_a_text_cannot_break_out_of_a_figure() -> None:
    bar = figures.Bar(HOSTILE, (("$\\frac", 0.6), ("]]>-->", 0.4)), (figures.DONORS[0], figures.OTHERS))
    svg = figures.stacked_bars([figures.Group(HOSTILE, (bar,))], f'"{HOSTILE}', "x", xlabel="share")
    tags = {t for t, _ in Reader(svg).tags}
    assert "script" not in tags
    assert "img" not in tags
    assert "$\\frac" in svg


@pytest.mark.parametrize(
    ("say", "value", "expected"),
    [
        (wording.percent, 0.0, "0%"),
        (wording.percent, 0.0004, "<1%"),
        (wording.percent, 0.9999, ">99%"),
        (wording.percent, 1.0, "100%"),
        (wording.percent, float("nan"), "–"),
        (wording.number, 1234567.0, "1,234,567"),
        (wording.number, 0.01234, "0.0123"),
        (wording.number, 12.345, "12.3"),
        (wording.number, 60.0, "60"),
        (wording.years, 100.0, "not at this rate"),
        (wording.years, 3.04, "3.0"),
        (wording.points, -0.0123, "−1.2"),
        (wording.points, 0.0001, "0"),
    ],
)
def test_numbers_read_as_they_should(say: Callable[[float], str], value: float, expected: str) -> None:
    assert say(value) == expected


def test_line_styles_differ_without_colour() -> None:
    look = figures.styles(["as_is", "agreed", "declared", "full"])
    assert len({str(dash) for _, dash in look.values()}) == 4
    assert figures.styles(["only"]) == {"only": (figures.FIRST, "solid")}


def test_fan_figure_takes_a_single_ecosystem(results: Results) -> None:
    fan = results.fan("euro_atlantic.allied.land_fires", "europe_alone", "as_is", shares=figures.FAN_SHARES)
    panel = figures.FanPanel("one", {"as_is": fan}, {})
    svg = figures.fan_figure([panel], ["as_is"], {"as_is": "as is"}, "label", "one")
    assert np.isfinite(len(svg))
    assert 'id="one-' in svg

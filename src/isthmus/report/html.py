"""The report of a run: one HTML file that holds its figures, tables, assumptions and sources and asks the network for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.register import Register
from isthmus.report import figures
from isthmus.report.overlay import LEGEND, MARK
from isthmus.report.page import Page
from isthmus.report.wording import plain, web
from isthmus.study.results import Results

if TYPE_CHECKING:
    from markupsafe import Markup


def write_report(
    results: Results,
    out: Path,
    *,
    validation: Mapping[str, Any] | None = None,
    excursions: Mapping[str, Any] | None = None,
    register: Register | None = None,
) -> list[Path]:
    """Write `out/report.html` and return its path. Results that need the register are left out, with the reason, where it has changed.

    Args:
        validation: a document of `isthmus.validation.suite`, as `read_document` gives it; None leaves the section empty and says so.
        excursions: a scorecard, as `isthmus.study.excursions.read_scorecard` gives it.
        register: the register of the run where it is neither the shipped one nor in the folder that the run names, such as one
            with a private overlay on top.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("isthmus.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(web=web, plain=plain, code=_code)
    page = Page(results, validation=validation, excursions=excursions, register=register)
    text = environment.get_template("report.html.j2").render(
        page=page,
        light=Markup(figures.css_variables(dark=False)),  # noqa: S704 - constants of this package
        dark=Markup(figures.css_variables(dark=True)),  # noqa: S704
        svg=Markup,
        mark=MARK,
        legend=LEGEND,
    )
    out.mkdir(parents=True, exist_ok=True)
    path = out / "report.html"
    path.write_text(text, encoding="utf-8")
    return [path]


def _code(text: str) -> Markup:
    """Text with its `commands` set as code."""
    from markupsafe import Markup, escape

    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts))

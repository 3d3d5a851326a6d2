"""What a page is made of: tables and drawings, free of any markup."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """A line of a cell: text, its address where it has one, a note in small print."""

    text: str
    url: str | None = None
    note: str = ""


Cell = str | tuple[Link, ...]


@dataclass(frozen=True)
class Row:
    """`verdict`: "pass" or "fail" where the row is judged, so that both stand out alike."""

    label: str
    cells: tuple[Cell, ...]
    verdict: str = ""


@dataclass(frozen=True)
class Body:
    """Rows under one heading; without a title the table has one heading column only."""

    title: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """`kinds`: what its numbers are; `words`: columns of `cells` that hold text, not figures.

    With `filter` the reader may narrow it; with `filter` or `bands`, titles of bodies are rows of their own, not a column.
    `marked`: some of its numbers rest on rows of a private overlay.
    """

    id: str
    caption: str
    kinds: tuple[str, ...]
    head: tuple[str, ...]
    bodies: tuple[Body, ...]
    words: tuple[int, ...] = ()
    note: str = ""
    filter: bool = False
    bands: bool = False
    marked: bool = False

    @property
    def banded(self) -> bool:
        return self.filter or self.bands


@dataclass(frozen=True)
class Drawing:
    id: str
    title: str
    svg: str
    note: str
    kinds: tuple[str, ...] = ("model result",)
    key: tuple[tuple[str, str], ...] = ()
    """(CSS variable, meaning) of the colours that are not written in the figure."""
    table: Table | None = None
    marked: bool = False

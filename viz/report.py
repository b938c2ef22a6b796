"""Reports: one HTML page that prints well, drawn from plain data.

A :class:`Page` is a title and blocks one below the other. What is drawn needs no script, no network
and no other file; every text in it is escaped, pictures are shown as images, in which nothing runs.

::

    page = Page("Drift", "Week 14", [Paragraph("All is well.", lead=True), Note("Seed 1.")])
    Path("report.html").write_text(render(page), encoding="utf-8")
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from viz import look

CSS = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a browser may do for a report: use its own style, show its own pictures."""


@dataclass(frozen=True)
class Paragraph:
    """A text; ``lead`` writes it larger."""

    text: str
    lead: bool = False
    title: str = ""


@dataclass(frozen=True)
class Tile:
    """A number that counts.

    Attributes
    ----------
    name, value, unit
        What it is, the number as text, and its unit in a lighter tone.
    change
        What is to be said of it below.
    tone
        ``good``, ``bad`` or nothing: a quiet second to the words of ``change``.
    """

    name: str
    value: str
    unit: str = ""
    change: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Tiles:
    """Tiles side by side, four in a line."""

    tiles: Sequence[Tile]
    title: str = ""


@dataclass(frozen=True)
class Row:
    """Cells of a table as texts; a ``group`` heads the rows below it, a ``quiet`` row is grey."""

    cells: Sequence[str]
    group: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    columns
        Their names.
    rows
        One text per column; a :class:`Row` says more about itself.
    numbers
        Which columns hold numbers and stand to the right.
    caption
        What is to be said of it below.
    new_page
        Whether it begins a page when printed.
    """

    columns: Sequence[str]
    rows: Sequence[Row | Sequence[str]]
    numbers: frozenset[int] = frozenset()
    caption: str = ""
    title: str = ""
    new_page: bool = False


@dataclass(frozen=True)
class Figure:
    """An SVG picture, and what it shows in words; a ``tall`` one may fill a page when printed."""

    svg: str
    text: str
    caption: str = ""
    title: str = ""
    tall: bool = False


@dataclass(frozen=True)
class Note:
    """A text in small print."""

    text: str
    title: str = ""


Block = Paragraph | Tiles | Table | Figure | Note


@dataclass(frozen=True)
class Page:
    """A report: its title, a line below it, and its blocks."""

    title: str
    subtitle: str = ""
    sections: Sequence[Block] = field(default_factory=list)


def render(page: Page) -> str:
    """Return a report as HTML, the same text for the same page."""
    colours = "".join(f"--{role}:{colour};" for role, colour in look.LIGHT.items())
    style = f":root{{color-scheme:light;{colours}}}\n{CSS.read_text(encoding='utf-8')}"
    subtitle = f"<p>{escape(page.subtitle)}</p>" if page.subtitle else ""
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(page.title)}</title>\n<style>\n{style}</style>\n</head>\n"
    )
    blocks = "\n".join(_headed(block) for block in page.sections)
    return (
        f"{head}<body>\n<main>\n<header><h1>{escape(page.title)}</h1>{subtitle}</header>\n"
        f"{blocks}\n</main>\n</body>\n</html>\n"
    )


def _headed(block: Block) -> str:
    drawn = _drawn(block)
    start = " class=break" if isinstance(block, Table) and block.new_page else ""
    title = f"<h2>{escape(block.title)}</h2>\n" if block.title else ""
    return f"<section{start}>\n{title}{drawn}\n</section>"


@functools.singledispatch
def _drawn(block: Block) -> str:
    msg = f"{type(block).__name__} is no block of a report"
    raise TypeError(msg)


@_drawn.register
def _(block: Paragraph) -> str:
    return f"<p{' class=lead' if block.lead else ''}>{escape(block.text)}</p>"


@_drawn.register
def _(block: Note) -> str:
    return f"<p class=note>{escape(block.text)}</p>"


@_drawn.register
def _(block: Tiles) -> str:
    tiles = "\n".join(
        f'<li data-tone="{escape(t.tone)}"><span class=name>{escape(t.name)}</span> '
        f"<span class=value>{escape(t.value)}{_unit(t.unit)}</span> "
        f"<span class=change>{escape(t.change)}</span></li>"
        for t in block.tiles
    )
    return f"<ul class=tiles>\n{tiles}\n</ul>"


def _unit(unit: str) -> str:
    return f"<span class=unit>{escape(unit)}</span>" if unit else ""


@_drawn.register
def _(block: Figure) -> str:
    # as an image it can neither run anything nor clash with the names inside another picture
    data = base64.b64encode(block.svg.encode()).decode()
    caption = f"<figcaption>{escape(block.caption)}</figcaption>" if block.caption else ""
    picture = f'<img alt="{escape(block.text)}" src="data:image/svg+xml;base64,{data}">'
    return f"<figure{' class=tall' if block.tall else ''}>{picture}{caption}</figure>"


@_drawn.register
def _(block: Table) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        kinds = (" class=number" if i in block.numbers else "" for i in range(len(cells)))
        scope = " scope=col" if tag == "th" else ""
        return "".join(
            f"<{tag}{scope}{kind}>{escape(cell)}</{tag}>"
            for cell, kind in zip(cells, kinds, strict=True)
        )

    def row(given: Row | Sequence[str]) -> str:
        found = given if isinstance(given, Row) else Row(given)
        if found.group:
            text = escape(" ".join(found.cells))
            return f"<tr class=group><td colspan={len(block.columns)}>{text}</td></tr>"
        return f"<tr{' class=quiet' if found.quiet else ''}>{line(found.cells, 'td')}</tr>"

    caption = f"<caption>{escape(block.caption)}</caption>" if block.caption else ""
    rows = "\n".join(row(r) for r in block.rows)
    head = f"<thead><tr>{line(block.columns, 'th')}</tr></thead>"
    return f"<table>{caption}{head}\n<tbody>\n{rows}\n</tbody></table>"

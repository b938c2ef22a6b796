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
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from viz import look

CSS = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a browser may do for a report: use its own style, show its own pictures."""

PHONE = "screen and (max-width: 700px)"
"""Where pictures that are drawn for a phone are shown, as in the style."""

LENGTHS = {"short": 12, "some": 30}
"""Most letters of words in a table that are folded nowhere, and on phones alone."""

WIDE = 5.0
"""Inches from which on a picture has letters too small to read when a phone shows it whole."""


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
    """An SVG picture, and what it shows in words.

    Attributes
    ----------
    svg
        Drawn in colours of :data:`viz.look.LIGHT`; shown in the dark it takes those of the dark.
    text
        What it shows, for those who hear it.
    caption
        What is to be said of it below.
    tall
        Whether it may fill a page when printed.
    narrow
        The same, drawn for a phone; none: a wide picture is scrolled sideways there.
    """

    svg: str
    text: str
    caption: str = ""
    title: str = ""
    tall: bool = False
    narrow: str = ""


@dataclass(frozen=True)
class Panels:
    """Small pictures side by side, below each other on a narrow screen, and what is said of all."""

    figures: Sequence[Figure]
    caption: str = ""
    title: str = ""


@dataclass(frozen=True)
class Note:
    """A text in small print."""

    text: str
    title: str = ""


Block = Paragraph | Tiles | Table | Figure | Panels | Note


@dataclass(frozen=True)
class Page:
    """A report: its title, a line below it, and its blocks."""

    title: str
    subtitle: str = ""
    sections: Sequence[Block] = field(default_factory=list)


def render(page: Page) -> str:
    """Return a report as HTML, the same text for the same page."""
    style = look.css_as_preferred() + CSS.read_text(encoding="utf-8")
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
    caption = f"<figcaption>{escape(block.caption)}</figcaption>" if block.caption else ""
    picture = f'<img alt="{escape(block.text)}" src="{_image(block.svg)}">'
    if block.narrow:
        other = f'<source media="{PHONE}" srcset="{_image(block.narrow)}">'
        picture = f"<picture>{other}{picture}</picture>"
    elif _inches(block.svg) > WIDE:
        picture = _scrolled(picture, block.title or block.text)
    return f"<figure{' class=tall' if block.tall else ''}>{picture}{caption}</figure>"


def _image(svg: str) -> str:
    """Return a picture as an address, as which it runs nothing and clashes with no other's names."""
    data = base64.b64encode(look.svg_as_preferred(svg).encode()).decode()
    return f"data:image/svg+xml;base64,{data}"


def _inches(svg: str) -> float:
    """Return how wide a picture is, 0 where it does not say so."""
    found = re.search(r'<svg\b[^>]* width="([\d.]+)pt"', svg)
    return float(found[1]) / 72 if found else 0.0


def _scrolled(inner: str, words: str) -> str:
    """Return what may be wider than the screen in a frame of its own, reached by keys as well."""
    return f'<div class=scroll tabindex=0 role=region aria-label="{escape(words)}">{inner}</div>'


@_drawn.register
def _(block: Panels) -> str:
    parts = "\n".join(_drawn(figure) for figure in block.figures)
    told = f"<p class=note>{escape(block.caption)}</p>" if block.caption else ""
    return f"<div class=panels>\n{parts}\n</div>{told}"


@_drawn.register
def _(block: Table) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        kinds = ("number" if i in block.numbers else _length(c) for i, c in enumerate(cells))
        scope = " scope=col" if tag == "th" else ""
        return "".join(
            f"<{tag}{scope} class={kind}>{_unbroken(escape(cell))}</{tag}>"
            for cell, kind in zip(cells, kinds, strict=True)
        )

    def row(given: Row | Sequence[str]) -> str:
        found = given if isinstance(given, Row) else Row(given)
        if found.group:
            text = escape(" ".join(found.cells))
            return f"<tr class=group><td colspan={len(block.columns)}><span>{text}</span></td></tr>"
        return f"<tr{' class=quiet' if found.quiet else ''}>{line(found.cells, 'td')}</tr>"

    caption = f"<p class=caption>{escape(block.caption)}</p>" if block.caption else ""
    rows = "\n".join(row(r) for r in block.rows)
    head = f"<thead><tr>{line(block.columns, 'th')}</tr></thead>"
    table = f"<table>{head}\n<tbody>\n{rows}\n</tbody></table>"
    return _scrolled(table, block.title or ", ".join(block.columns)) + caption


def _length(cell: str) -> str:
    """Return how long words are: ``short`` ones stay in a line, ``some`` where there is room."""
    longest = max(map(len, cell.split("\n")))
    return next((kind for kind, most in LENGTHS.items() if longest <= most), "long")


def _unbroken(cell: str) -> str:
    """Return a text that is not broken in what stands in brackets, in ``1 to 2`` or before ``%``."""
    whole = r"\([^()]{,24}\)|^\S+ to \S+$| %"
    return re.sub(whole, lambda part: part[0].replace(" ", "\N{NO-BREAK SPACE}"), cell)

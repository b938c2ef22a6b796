"""The tiles on top of the page as a widget: numbers that count to their new value."""

from __future__ import annotations

import traitlets

from viz.widgets.esm import HERE, joined
from viz.widgets.part import Part, Payload


class TilesWidget(Part):
    """KPIs of a what-if with their difference to the baseline.

    Attributes
    ----------
    tiles
        ``{name, value, unit, change, tone}`` each, of :func:`viz.answer.tiles`; the first is the
        headline.
    runs
        ``16 of 64 runs`` while a fuller answer is under way, else empty.
    stale
        Dims the numbers: they belong to other changes.
    label
        What they are of, for those who hear it.

    Notes
    -----
    Hooks in the page: ``[data-tiles]`` with ``data-stale`` and ``data-runs``; ``[data-tile=NAME]``
    with ``[data-value]`` and ``[data-change]``, whose ``data-tone`` is good, bad or empty.
    """

    _esm = joined("tiles.js")
    _css = (HERE / "tiles.css").read_text(encoding="utf-8")

    tiles = Payload([])
    runs = traitlets.Unicode("").tag(sync=True)
    stale = traitlets.Bool(False).tag(sync=True)
    label = traitlets.Unicode("Key figures of the what-if").tag(sync=True)

"""The charts as a widget: service, stock, orders and cost side by side, drawn by ECharts."""

from __future__ import annotations

from typing import Any

import traitlets

from viz.widgets.esm import HERE, joined
from viz.widgets.part import Part, Payload, Told


class ChartsWidget(Part):
    """Charts that are read, hovered, zoomed and copied; positions that are picked.

    What comes in:

    Attributes
    ----------
    library
        Address of ECharts, :data:`viz.server.assets.ECHARTS_URL`.
    charts
        Payloads of :mod:`viz.chart_data` by name.
    shown
        Names of those that are shown, in order: up to three in a row from 1000 px, else stacked.
    height
        Of each plot in pixels; the width is the container's.
    stale
        Dims everything: another answer is under way.

    What goes both ways:

    cursor
        Period after the warm-up that a vertical line marks; -1 for none. A click on a plot and its
        keys move it; hovering leaves it alone.

    What goes out, with a count ``n`` that makes a repetition a change:

    picked
        ``{chart, index, n}``: a position was picked, by its place in ``points``.

    Notes
    -----
    Charts over time share their pointer and their zoom: drag to zoom (mouse), Ctrl and wheel, or
    with the keys on a plot: arrows move the cursor and read values (with Shift by ten), ``+`` and
    ``-`` zoom, ``0`` shows everything, Escape puts reading and cursor away.

    Hooks in the page: ``[data-charts]`` with ``data-stale`` and ``data-failed`` (the library did
    not load); ``[data-chart=NAME]``, whose ``__chart`` is the ECharts instance, with ``data-kind``,
    ``data-points`` (values of a line, bars or positions; 0 where empty), ``data-ready``,
    ``data-zoomed``; in it ``[data-cursor]``, ``[data-empty]``, ``[data-tool]`` (image, table, all)
    and ``[data-point=INDEX]``.

    The event ``twin-theme`` of the window makes it read its colours anew.
    """

    _esm = joined(
        "tell.js",
        "network_dom.js",
        "timeline_dates.js",
        "charts_words.js",
        "charts_tips.js",
        "charts_time.js",
        "charts_other.js",
        "charts_copy.js",
        "charts_panel.js",
        "charts.js",
    )
    _css = (HERE / "charts.css").read_text(encoding="utf-8")

    library = traitlets.Unicode("").tag(sync=True)
    charts = Payload({})
    shown: Any = traitlets.List(["service", "stock", "orders"]).tag(sync=True)
    height = traitlets.Int(220).tag(sync=True)
    stale = traitlets.Bool(False).tag(sync=True)
    cursor = traitlets.Int(-1).tag(sync=True)
    picked = Told()

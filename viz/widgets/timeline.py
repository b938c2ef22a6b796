"""The timeline of disruptions as a widget: bars that are dragged, resized, chosen and removed."""

from __future__ import annotations

from typing import Any

import traitlets

from twin.disruptions import DISRUPTIONS
from viz.break_kinds import field_of
from viz.widgets.esm import HERE, joined
from viz.widgets.part import Part, Payload, Told

LONGEST = {name: field_of(DISRUPTIONS["outage"], name)["high"] for name in ("duration", "ramp")}
"""Largest duration and recovery that the schema allows."""


class TimelineWidget(Part):
    """Disruptions as bars over the dates of a run.

    What comes in:

    Attributes
    ----------
    bars
        Of :func:`viz.breaks.bars`. A bar stays where it was dropped until they say the same, or
        for 1.5 s if they never do.
    horizon, warmup
        Of the scenario, in periods; the warm-up is shaded.
    dates
        ``{start, period}``: date of period 0 (``2026-01-31``) and ``day`` or ``week``.
    limits
        Largest ``duration`` and ``ramp``, of the schema.
    stale
        Another answer is under way: the cursor, which belongs to the last one, dims.

    What goes both ways:

    selected
        Index of the bar that is open in an editor, -1 for none.
    cursor
        Period after the warm-up that is shown; -1 shows none. As in the network widget.

    What goes out, each with a count ``n`` that makes a repetition a change:

    edit
        ``{index, start, duration, ramp, n}``, for :func:`viz.breaks.edited`; ``start`` counts, as
        in the scenario file, from the end of ``after`` where there is one.
    remove
        ``{index, n}``, for :func:`viz.breaks.without`.

    Notes
    -----
    Mouse, pen and finger: drag a bar to move it, its ends to resize it, the knob behind it to give
    it a recovery; drag along the dates to move the cursor. Keys on a bar: arrows left and right
    move it (with Shift by 7 days or 4 weeks), with Alt or by ``+`` and ``-`` they resize it, ``[``
    and ``]`` change the recovery, arrows up and down go to the next bar, Enter opens it, Delete
    removes it, Escape closes it and takes a drag back. Keys follow one another as one edit.

    Hooks in the page: ``[data-timeline]`` with ``data-rows`` and ``data-stale``;
    ``[data-bar=INDEX]`` with ``data-kind``, ``data-start`` and ``data-duration`` and ``data-ramp``
    (as drawn, start after the chain), ``data-row``, ``data-look`` (sure, chance, off, wrong),
    ``data-selected``, ``data-dragging``; in it ``[data-grip]`` (start, end, ramp);
    ``[data-cursor]``, a slider, with the period; ``[data-axis]`` is dragged to move it;
    ``[data-tip]``; ``[data-empty]``.
    """

    _esm = joined(
        "tell.js",
        "network_dom.js",
        "timeline_dates.js",
        "timeline_icons.js",
        "timeline_bars.js",
        "timeline_drag.js",
        "timeline.js",
    )
    _css = (HERE / "timeline.css").read_text(encoding="utf-8")

    bars = Payload([])
    horizon = traitlets.Int(365).tag(sync=True)
    warmup = traitlets.Int(0).tag(sync=True)
    dates: Any = traitlets.Dict({"start": "2026-01-01", "period": "day"}).tag(sync=True)
    stale = traitlets.Bool(False).tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    cursor = traitlets.Int(-1).tag(sync=True)
    limits: Any = traitlets.Dict(LONGEST).tag(sync=True)
    edit = Told()
    remove = Told()

"""The network as a widget: sites, flows and the decoupling handle, drawn and played in the browser."""

from __future__ import annotations

import traitlets

from viz.widgets.esm import HERE, joined
from viz.widgets.part import Part, Payload, Told


class NetworkWidget(Part):
    """A network that is looked at, clicked, dragged and played.

    What comes in, from :mod:`viz.network_data`:

    Attributes
    ----------
    drawing
        Of ``drawing(topology, expanded)``. Handles return to its decoupling points whenever it or
        the state changes.
    state
        Of ``state(result, drawing)``; drawn only if it belongs to the drawing.
    frames
        Of ``frames(result, drawing)``: stock per period and node, a byte each. Without them only
        the goods move while playing.
    search
        Sites whose name contains it are marked, all others fade.
    stale
        Dims everything but the handle: another answer is under way.
    height
        In pixels; the width is the container's.
    speed
        Periods a second while playing.

    What goes both ways:

    selected
        Name of a site, or ``""``.
    family
        Family whose handle is moved, or ``""`` for all; a click on another's handle sets it.
    playing
        Whether time runs; becomes false at the end.
    cursor
        Period after the warm-up that is shown; -1 shows the means over the whole run. Written
        back four times a second while playing and when it stops.

    What goes out, each with a count ``n`` that makes a repetition a change:

    move
        ``{family, stage, families, n}``: the handle was moved to a stage; ``family`` is ``""`` if
        all were meant, ``families`` are those of them that can stand there.
    expand
        ``{group, n}``: a group was opened or closed, for ``network_data.toggled``.
    menu
        ``{site, action, n}``: ``break``, ``backup`` or ``why`` was picked for a site.

    Notes
    -----
    Hooks in the page: ``[data-network]`` with ``data-cursor`` (period shown) and ``data-stale``;
    ``[data-node=NAME]`` with ``data-mode``, ``data-fill`` (share of a full node or ``none``),
    ``data-devices`` (all, some, none), ``data-disrupted``, ``data-selected``, ``data-match``;
    ``[data-edge="a→b"]`` with ``data-backup``; ``[data-handle="FAMILIES"]`` (a slider if it has
    ``data-main``) with ``data-stage`` and ``data-dragging``; ``[data-stage=NAME]`` in the heading;
    ``[data-close=GROUP]`` closes a group; ``[data-action]`` in the menu of a site.

    The event ``twin-theme`` of the window makes it read its colours anew.
    """

    _esm = joined(
        "tell.js",
        "network_dom.js",
        "network_geometry.js",
        "network_paint.js",
        "network_popups.js",
        "network_nodes.js",
        "network_handle.js",
        "network.js",
    )
    _css = (HERE / "network.css").read_text(encoding="utf-8")

    drawing = Payload({})
    state = Payload({})
    frames = traitlets.Bytes(b"").tag(sync=True)
    search = traitlets.Unicode("").tag(sync=True)
    stale = traitlets.Bool(False).tag(sync=True)
    height = traitlets.Int(400).tag(sync=True)
    speed = traitlets.Float(12.0).tag(sync=True)
    selected = traitlets.Unicode("").tag(sync=True)
    family = traitlets.Unicode("").tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    cursor = traitlets.Int(-1).tag(sync=True)
    move = Told()
    expand = Told()
    menu = Told()

"""Charts of a study as a widget: bars and points that lead back into a what-if."""

from __future__ import annotations

import traitlets

from viz.widgets.esm import HERE, joined
from viz.widgets.part import Part, Payload, Told


class MarksWidget(Part):
    """A chart whose bars or points are buttons.

    Attributes
    ----------
    chart
        Of :func:`viz.study_marks.marked`.
    name
        What it is called.
    picked
        Out, ``{index, n}``: a mark was pressed.

    Notes
    -----
    Bars are rows of text and fold on narrow screens; points are named where there is room, and all
    of them for those who hear them or rest the pointer on them. Tab goes from mark to mark.

    Hooks in the page: ``[data-marks=NAME]`` with ``data-kind``; ``[data-mark=INDEX]``.
    """

    _esm = joined("tell.js", "network_dom.js", "charts_words.js", "marks_plane.js", "marks.js")
    _css = (HERE / "marks.css").read_text(encoding="utf-8")

    chart = Payload({})
    name = traitlets.Unicode("").tag(sync=True)
    picked = Told()

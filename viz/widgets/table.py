"""A table as a widget: plain text cells, sorted by a click, copied as it stands."""

from __future__ import annotations

from typing import Any

import traitlets

from viz.widgets.esm import HERE, joined
from viz.widgets.part import Part, Payload, Told


class TableWidget(Part):
    """Rows of text under headings.

    Attributes
    ----------
    columns
        Headings; of numbers (right-aligned) those in ``numbers``, by position.
    rows
        Lists of text, one per row.
    caption
        What the table shows.
    buttons
        Words on a button at the end of each row, or a list of them; none: no buttons.
    picked
        Out, ``{row, button, n}``: a button of a row was pressed, and its words.

    Notes
    -----
    Hooks in the page: ``[data-table=CAPTION]``, ``[data-row]``. Selecting and copying gives cells
    with tabs between them, which a spreadsheet takes.
    """

    _esm = joined("tell.js", "table.js")
    _css = (HERE / "table.css").read_text(encoding="utf-8")

    columns: Any = traitlets.List().tag(sync=True)
    numbers: Any = traitlets.List().tag(sync=True)
    rows = Payload([])
    caption = traitlets.Unicode("").tag(sync=True)
    buttons: Any = traitlets.List().tag(sync=True)
    picked = Told()

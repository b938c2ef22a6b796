"""What only the browser can do for the page: keys, theme, address, clipboard."""

from __future__ import annotations

from typing import Any

import traitlets

from viz.widgets.esm import joined
from viz.widgets.part import Part, Told


class GlueWidget(Part):
    """An invisible widget between the page and its browser.

    Attributes
    ----------
    dark
        The theme; sets ``data-theme`` of the document and tells the window ``twin-theme``.
    query
        What stands behind the question mark of the address; the last step of the history is
        replaced, so that a copied address is a share link.
    copy
        ``{text, link, n}``: put into the clipboard; with ``link`` the address of the page.
    key
        Out, ``{name, n}``: undo, redo, play, search or help.
    prefers
        Out, ``{dark, n}``: what the browser's user prefers, told at the start; ``{dark,
        switched, n}`` whenever that is switched later.
    title
        Of the browser's tab.
    """

    _esm = joined("tell.js", "glue.js")

    dark = traitlets.Bool(False).tag(sync=True)
    query = traitlets.Unicode("").tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    copy: Any = traitlets.Dict().tag(sync=True)
    key = Told()
    prefers = Told()

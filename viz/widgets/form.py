"""Fields made of the browser's own controls: sliders, numbers, choices, switches, buttons."""

from __future__ import annotations

import traitlets

from viz.widgets.esm import HERE, joined
from viz.widgets.part import Part, Payload, Told


class FormWidget(Part):
    """Fields with a label, a unit and a meaning; one message out for each change.

    Attributes
    ----------
    fields
        ``{key, kind, label, hint, unit, value, low, high, slider, step, choices, group, place,
        disabled, hidden, action, below}`` each, as far as the kind needs it: a hidden label is only
        heard, a choice that is an action goes back to where it was, ``below`` is a line of text
        under the control. Kinds: slider, number, choice (``choices`` of ``[value, words]``), some
        (boxes for each of the ``choices``, the value lists those that are ticked), switch, text,
        button, tabs, note (a line of text), gone (a line with a button that takes it back).
    inline
        One beside the other instead of one below the other.
    label
        What the group is, for those who hear it.
    change
        Out, ``{key, value, n}``.

    Notes
    -----
    Hooks in the page: ``[data-form=LABEL]``, ``[data-field=KEY]`` around each control.
    """

    _esm = joined("tell.js", "form.js")
    _css = (HERE / "form.css").read_text(encoding="utf-8")

    fields = Payload([])
    inline = traitlets.Bool(False).tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    change = Told()

"""A bar that shows how far something is."""

from __future__ import annotations

import solara


@solara.component
def Progress(share: float) -> None:
    """Show how far something is."""
    with solara.Div(classes=["twin-progress"], attributes={
        "role": "progressbar", "aria-label": "Progress", "aria-valuenow": str(round(100 * share)),
        "aria-valuemin": "0", "aria-valuemax": "100"}):  # fmt: skip
        solara.Div(style={"width": f"{100 * share:.0f}%"})

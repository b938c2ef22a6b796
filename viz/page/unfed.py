"""What the live tab shows while there is nothing to show: why, and how telemetry comes in."""

from __future__ import annotations

import shlex
from pathlib import Path

import reacton.ipyvuetify as v
import solara

NO_STORE = "No store is connected"
EMPTY = "Nothing has come in yet"

Step = tuple[str, tuple[str, ...]]
"""What to do, and the commands that do it."""


@solara.component
def Unfed(title: str, text: str, steps: list[Step]) -> None:
    """Show a card: what is missing, and ways to mend it with their commands."""
    children = [
        v.Html(tag="h2", children=[title]),
        v.Html(tag="p", children=[text]),
        *[
            v.Html(tag="section", children=[
                v.Html(tag="h3", children=[what]),
                v.Html(tag="pre", attributes={"tabindex": "0"}, children=["\n".join(commands)]),
            ])
            for what, commands in steps
        ],
    ]  # fmt: skip
    v.Html(tag="div", class_="twin-card twin-unfed", children=children)


def no_store() -> None:
    """Show how to start the app with a store."""
    listen = "twin listen --broker mqtt://localhost --store plant.db --scenario my.yaml"
    own, tried = (
        f"twin app {scenario} --store plant.db" for scenario in ("my.yaml", "electronics")
    )
    Unfed(
        NO_STORE,
        "This tab shows what devices and systems report, live or replayed, beside what the twin "
        "believes: stock with its band, lanes, alarms. It reads an event store, one file.",
        [
            ("From a file of your system",
             ("twin ingest movements.csv --map map.yaml --store plant.db", own)),
            ("From a broker, as it happens", (listen, own)),
            ("To try it, with an emulated chain",
             ("twin emulate electronics -o events.csv",
              "twin ingest events.csv --store plant.db", tried)),
        ],
    )  # fmt: skip


def empty(path: Path) -> None:
    """Show how a store that holds nothing is filled; what comes in appears by itself."""
    store = shlex.quote(path.name)
    Unfed(
        EMPTY,
        f"{path.name} holds no events. What comes in is shown here by itself, from the first period "
        "that is over.",
        [
            ("From a broker, as it happens",
             (f"twin listen --broker mqtt://localhost --store {store}",)),
            ("From a file of your system", (f"twin ingest movements.csv --map map.yaml --store {store}",)),
        ],
    )  # fmt: skip


__all__ = ["EMPTY", "NO_STORE", "Unfed", "empty", "no_store"]

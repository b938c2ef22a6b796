"""The what-if app: drag the decoupling point, break things, see the difference at once."""

from __future__ import annotations

import contextlib
import weakref
from pathlib import Path

import reacton.core
import solara

from twin.errors import TwinError
from twin.load import load, shipped
from twin.schema import Scenario
from viz import look, share
from viz.page import below, head, middle, own
from viz.page.past import Opened
from viz.page.session import Session
from viz.server import opening

CSS = (Path(__file__).parent / "page" / "page.css").read_text(encoding="utf-8")


@solara.component
def Page() -> None:
    """Show the page of one user."""
    router = solara.use_router()
    session = solara.use_memo(lambda: _session(router.search or ""), [])
    rendering = weakref.ref(reacton.core.get_render_context())
    session.together = lambda: rendering() or contextlib.nullcontext()
    solara.use_effect(lambda: session.cancel, [])
    solara.Style(look.css() + CSS)
    with solara.Div(classes=["twin-page"]):
        head.Glue(session)
        head.Head(session)
        head.Message(session)
        head.Sentence(session)
        head.Tiles(session)
        middle.Middle(session)
        middle.Timeline(session)
        below.Below(session)
        Mark(session)


@solara.component
def Mark(session: Session) -> None:
    """Say, after all else is drawn, how many answers were asked for: tests and timing wait for it."""
    solara.Div(attributes={"data-asked": str(session.asked.value)})


def _session(query: str) -> Session:
    """Return a new user's session: what the link says, else what the server opens first."""
    first = opened(*opening.chosen())
    if "scenario=" not in query:
        return Session(first)
    try:
        named, changes = share.read(query)
        known = first if named == first.address else _named(named)
        return Session(known, changes)
    except TwinError as error:
        session = Session(first)
        session.message.value = f"The link could not be opened: {error}"
        return session


def _named(name: str) -> Opened:
    """Return what an address names: a shipped scenario, or a file that a user opened here."""
    if own.is_own(name):
        scenario = own.find(name)
        return Opened(scenario.name, scenario, shipped=False)
    return Opened(name, load(name))


def opened(name: str, scenario: Scenario) -> Opened:
    """Return the scenario that the server opens first: a shipped one, or a file of the user's."""
    if name in {shipped_name for shipped_name, _, _ in shipped()}:
        return Opened(name, scenario)
    return Opened(scenario.name, scenario, shipped=False)

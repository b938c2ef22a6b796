"""The what-if app: drag the decoupling point, break things, see the difference at once."""

from __future__ import annotations

from pathlib import Path

import solara

from twin.errors import TwinError
from twin.load import load
from viz import look, share
from viz.page import below, head, middle
from viz.page.session import Opened, Session
from viz.server import opening

CSS = (Path(__file__).parent / "page" / "page.css").read_text(encoding="utf-8")


@solara.component
def Page() -> None:
    """Show the page of one user."""
    router = solara.use_router()
    session = solara.use_memo(lambda: _session(router.search or ""), [])
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


def _session(query: str) -> Session:
    """Return a new user's session: what the link says, else what the server opens first."""
    name, scenario = opening.chosen()
    try:
        if "scenario=" in query:
            named, changes = share.read(query)
            known = Opened(named, scenario if named == name else load(named))
            return Session(known, changes)
    except TwinError as error:
        session = Session(Opened(name, scenario))
        session.message.value = f"The link could not be opened: {error}"
        return session
    return Session(Opened(name, scenario))

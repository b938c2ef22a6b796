"""The live tab: what devices and systems report, live or replayed, beside what the twin believes.

It has a network of its own that nobody can move anything in; the only way from here to a what-if
is a button that starts one from now. While it is shown it stands in the place of the what-if, whose
parts its style sheet hides: what is simulated and what is reported are never seen together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import reacton.ipyvuetify as v
import solara

import twin
from calibration.live.follow import Follower, Seen
from calibration.times import period_length
from twin.errors import TwinError
from viz import live_data, look, telemetry
from viz.live_feed import Feed
from viz.page import unfed
from viz.page.past import Opened
from viz.page.session import Session
from viz.server import opening
from viz.server.assets import ECHARTS_URL
from viz.telemetry import Source, View
from viz.widgets.charts import ChartsWidget
from viz.widgets.form import FormWidget
from viz.widgets.network import NetworkWidget
from viz.widgets.table import TableWidget
from viz.widgets.tiles import TilesWidget

CSS = (Path(__file__).parent / "live.css").read_text(encoding="utf-8")
SPEEDS = (1.0, 4.0, 12.0, 30.0)
"""Periods a second of a replay."""

HEIGHT, CHART = 272, 164
"""Pixels of network and chart: with badge, figures and alarms they fill the first screen."""

_USUAL = 4.0
_LIVE_SPEED = 12.0
_KINDS: tuple[tuple[View, str], ...] = (("live", "Latest"), ("replay", "Replay"))


@solara.component
def Telemetry(session: Session, leave: Callable[[], None]) -> None:
    """Show the store that the server was started with; leave when a what-if starts from it."""
    path = opening.store()
    solara.Style(CSS)
    if path is None:
        unfed.no_store()
    else:
        Watched(session, path, leave)


@solara.component
def Watched(session: Session, path: Path, leave: Callable[[], None]) -> None:
    """Show a store, live or as a replay."""
    kind, set_kind = solara.use_state("live")
    news, set_news = solara.use_state(0)
    opened = session.opened.value

    def begun() -> Feed:
        count = iter(range(1, 10**9))
        return Feed(path, opened.scenario, kind, lambda: set_news(next(count)))

    feed = solara.use_memo(begun, [kind, opened])
    solara.use_effect(lambda: _run(feed), [feed])
    source = feed.source()
    with solara.Div(
        classes=["twin-live"],
        attributes={"data-live": kind, "data-badge": source.badge(kind),
                    "data-fed": str(source.fed).lower()},
    ):  # fmt: skip
        Followed(session, feed, source, set_kind, news, leave)


def _run(feed: Feed) -> Any:
    feed.start()
    return feed.stop


@solara.component
def Followed(
    session: Session,
    feed: Feed,
    source: Source,
    set_kind: Any,
    news: int,
    leave: Callable[[], None],
) -> None:
    """Show what a feed has followed so far: of a replay, up to the period that it has come to."""
    cursor, set_cursor = solara.use_state(-1)
    playing, set_playing = solara.use_state(True)
    speed, set_speed = solara.use_state(_USUAL)
    seen, follower = list(feed.seen), feed.follower
    if seen and source.badge(feed.kind) == "quiet":
        seen = live_data.unfed(seen, source.age / period_length(feed.scenario.calendar))
    live, last = feed.kind == "live", len(seen) - 1
    at = last if live else max(0, min(cursor, last))

    def changed(change: dict[str, Any]) -> None:
        key, value = change["key"], change["value"]
        if key == "kind":
            set_cursor(-1)
            set_playing(True)
            set_kind(value)
        elif key == "speed":
            set_speed(float(value))
        elif key == "play":
            set_playing(not playing)
        elif key == "first":
            set_cursor(0)
            set_playing(True)
        elif key == "fork" and fork(session, feed):
            leave()

    Banner(feed, source, seen[at] if seen else None)
    fields = _fields(source.badge(feed.kind), feed.kind, playing, speed, bool(seen))
    FormWidget.element(label="Live", inline=True, on_change=changed, fields=fields)
    if feed.problem:
        _grey(feed.problem)
    if source.mode == "empty" and not feed.problem:
        unfed.empty(feed.path)
        return
    if not seen or follower is None:
        _grey("" if feed.problem else "Working through what the store holds …" if feed.busy else
              "Nothing to show yet: the first period is not over.")  # fmt: skip
        return
    shown = seen[: at + 1]
    TilesWidget.element(
        tiles=live_data.tiles(follower, shown), stale=False, runs="", label="Key figures reported"
    )
    with solara.Div(classes=["twin-live-stage"]):
        if live:
            Network(
                session, follower, seen, at, max(0, last - 1), _LIVE_SPEED, True, lambda x: None
            )
        else:
            Network(session, follower, seen, at, max(0, cursor), speed, playing, set_cursor)
        with solara.Div(classes=["twin-card", "twin-panel", "twin-live-beside"]):
            Beside(feed, shown)
    Below(session, follower, shown)


@solara.component
def Beside(feed: Feed, shown: list[Seen]) -> None:
    """Show what has moved and how the devices are."""
    period = feed.scenario.calendar.period
    Table("Alarms: what has moved, calibrated → seen (90 % band); estimate it anew",
          ["what", "it means", "calibrated → seen (90 %)", "since", "found"], (),
          live_data.alarms(feed.follower, shown[-1]),
          "No alarm: nothing has moved away from the calibrated scenario.")  # fmt: skip
    Table("Devices by site, those not well first: age of the oldest news, messages missing",
          ["site", "alive", f"age ({period}s)", "missing", "not well"],
          (2, 3), live_data.devices(shown[-1]),
          "No device was heard, and none is declared.")  # fmt: skip


@solara.component
def Banner(feed: Feed, source: Source, seen: Seen | None) -> None:
    """Say at a glance that this is no simulation, and which kind of events it rests on."""
    badge, length = source.badge(feed.kind), period_length(feed.scenario.calendar)
    made = badge == "replay" and source.mode == "emulated"
    when = "" if seen is None else f" to {live_data.moment(seen)} UTC"
    late = f", {seen.late:,} events late" if seen is not None and seen.late else ""
    with solara.Div(
        classes=["twin-live-banner"], attributes={"data-banner": feed.kind, "data-badge": badge}
    ):
        v.Html(tag="strong", attributes={"role": "status"}, children=[telemetry.BADGES[badge]])
        if made:  # its own key: a span that stood in its place would stay a span
            v.Html(tag="strong", class_="twin-live-made",
                   children=[telemetry.BADGES["emulated"]]).key("made")  # fmt: skip
        if source.mode not in ("unread", "empty"):
            news = f"last event {telemetry.ago(source.age, length)}"
            v.Html(tag="span", class_="twin-live-news", children=[news])
        v.Html(tag="span", children=[
            f"{feed.path.name}{when}{late}: {telemetry.told(source, feed.kind)}. "
            "Reported and believed, not a what-if."])  # fmt: skip


def _fields(
    badge: str, kind: View, playing: bool, speed: float, any_: bool
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"key": "kind", "kind": "tabs", "label": "Source", "value": kind,
         "choices": [list(k) for k in _KINDS]},
    ]  # fmt: skip
    if kind == "replay":
        found += [
            {"key": "play", "kind": "button", "label": "Pause" if playing else "Play"},
            {"key": "first", "kind": "button", "label": "From the start"},
            {"key": "speed", "kind": "choice", "label": "Speed", "value": speed,
             "choices": [[s, f"{s:g} a second"] for s in SPEEDS]},
        ]  # fmt: skip
    where = "now" if badge == "live" else "its end"
    return [*found, {"key": "fork", "kind": "button", "label": f"Start a what-if from {where}",
                     "disabled": not any_,
                     "hint": "Stock, goods on their way and open orders of the latest period"}]  # fmt: skip


def fork(session: Session, feed: Feed) -> bool:
    """Open what is believed now as a scenario of its own in the what-if page, if it can be."""
    try:
        scenario = twin.apply(feed.scenario, feed.changes())
        name = f"{feed.scenario.name} from {scenario.calendar.start}"
        return session.open(Opened(name, twin.apply(scenario, {"title": name}), shipped=False))
    except TwinError as error:
        session.message.value = f"No what-if can start from here: {error}"
        return False


@solara.component
def Network(
    session: Session, follower: Follower, seen: Sequence[Seen], at: int, place: int, speed: float,
    playing: bool, set_cursor: Any,
) -> None:  # fmt: skip
    """Show the network; the browser plays it from a place on, up to the last period there is."""
    drawn = solara.use_memo(lambda: live_data.drawing(follower), [follower])
    key = (id(follower), seen[0].t, seen[-1].t)
    frames = solara.use_memo(lambda: live_data.frames(follower, seen, drawn), [key])
    lives = [d.life for d in seen[at].devices]  # they age where nothing comes in
    state = solara.use_memo(
        lambda: live_data.state(follower, seen[: at + 1], drawn), [key, at, lives]
    )
    moving, set_moving = solara.use_state(False)  # the browser stops at the last period
    more = playing and len(seen) > 1 and place < len(seen) - 1
    solara.use_effect(lambda: set_moving(more), [key, playing])
    payloads = {"drawing": drawn, "state": state, "frames": frames}
    NetworkWidget.element(
        **payloads, height=HEIGHT, speed=speed, cursor=place, on_cursor=set_cursor, playing=moving,
        on_playing=set_moving, selected=session.selected.value, on_selected=session.select,
    )  # fmt: skip


@solara.component
def Below(session: Session, follower: Follower, shown: Sequence[Seen]) -> None:
    """Show what was expected and what was observed, and stock against books."""
    last, site = shown[-1], session.selected.value
    period = follower.scenario.calendar.period
    row = live_data.worst(follower, last, site)
    with solara.Div(classes=["twin-live-pair"]):
        ChartsWidget.element(
            library=ECHARTS_URL, charts={"live": live_data.chart(follower, shown, row)},
            shown=["live"], height=CHART,
        )  # fmt: skip
        Table(f"Arrivals of the last {live_data.FLOW} {period}s: expected and observed",
              ["lane", "expected", "arrived", "on the way", "regime"], (1, 2, 3),
              live_data.lanes(follower, shown, site), "Nothing was sent yet.")  # fmt: skip
    where = f" at {look.said(site)}" if site else "; books farthest off first"
    Table(f"Stock believed, by the books, and expected by the calibrated scenario{where}",
          ["stock point", "believed", "90 % band", "books", "counted", "expected",
           f"last look ({period}s)"], (1, 2, 3, 4, 5, 6),
          live_data.stock(follower, last, site), "No stock points.")  # fmt: skip
    if follower.assumed:
        _grey(live_data.unseen(follower))


@solara.component
def Table(
    caption: str, columns: list[str], numbers: Sequence[int], rows: list[list[str]], empty: str
) -> None:
    """Show a table, or why there is nothing in it."""
    if rows:
        TableWidget.element(caption=caption, columns=columns, numbers=list(numbers), rows=rows)
    else:
        _grey(empty)


def _grey(text: str) -> None:
    v.Html(tag="p", class_="twin-grey", children=[text])

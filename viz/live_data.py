"""What the live tab shows, as plain data: network, tiles, tables and a chart of what is believed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.live.alarms import words_of
from calibration.live.follow import Follower, Seen
from calibration.live.lanes import SLOW
from calibration.live.liveness import Liveness
from calibration.times import to_iso
from viz import look, network_data, series
from viz.chart_parts import decimals, line_of, listed

FLOW = 7
"""Periods over which what arrived and what was ordered is added up."""
ROWS = 12
"""Most rows of a table; the worst come first."""


# ---------------------------------------------------------------------------------------- network
def drawing(follower: Follower) -> dict[str, Any]:
    """Return the network as :func:`viz.network_data.drawing` does, without handles to drag."""
    return {**network_data.drawing(follower.topology), "families": []}


def state(follower: Follower, seen: Sequence[Seen], drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Return how nodes and lanes are at the end of some periods, for the network widget."""
    top, last = follower.topology, seen[-1]
    rows = network_data._rows(top, drawn)
    levels = _levels(follower, last.stock[[1]], rows)[0]
    modes = series.modes(top)
    flows = np.mean([s.links.received for s in seen[-FLOW:]], axis=0)
    nodes, hit = [], _hit(follower, last)
    for n, (node, mine) in enumerate(zip(drawn["nodes"], rows, strict=True)):
        alive = [d.life == "alive" for d in last.devices if d.site in node["sites"]]
        own = [i for i in mine if top.points[i].role == "output"] or mine
        held = float(last.stock[1][mine].sum())
        tip = [f"Believed on hand: {look.number(held)}",
               f"By the books: {look.number(float(last.books[mine].sum()))}"]  # fmt: skip
        tip += [f"{sum(alive)} of {len(alive)} devices alive"] if alive else []
        nodes.append({"mode": series.mode_of([modes[i] for i in own]) if own else "own",
                      "fill": None if np.isnan(levels[n]) else float(levels[n]), "tip": tip,
                      "dot": round(sum(alive) / len(alive), 4) if alive else None})  # fmt: skip
    period = top.scenario.calendar.period
    edges = [
        {"flow": round(float(flows[e["links"]].sum()), 6),
         "tip": [f"{e['source']} → {e['to']}".replace("_", " "),
                 f"{look.number(float(flows[e['links']].sum()))} a {period} arrived of late"]}
        for e in drawn["edges"]
    ]  # fmt: skip
    events = [
        {"name": name, "start": 0, "end": 10**9, "stops": [], "dots": [],
         "nodes": [i for i, mine in enumerate(rows) if set(mine) & points],
         "edges": [i for i, e in enumerate(drawn["edges"]) if set(e["links"]) & links]}
        for name, points, links in hit
    ]  # fmt: skip
    return {"shape": drawn["shape"], "nodes": nodes, "edges": edges, "events": events, "first": 0,
            "periods": len(seen)}  # fmt: skip


def _hit(follower: Follower, last: Seen) -> list[tuple[str, set[int], set[int]]]:
    """Return alarms and slow lanes: in words, and the stock points and links they are of."""
    found = []
    for moved in follower.moved:
        if moved.found > last.t:
            continue
        if moved.what == "lead time":
            found.append((f"alarm: {moved.words}", set(), {follower.links.index(moved.where)}))
        else:
            found.append((f"alarm: {moved.words}", {follower.points.index(moved.where)}, set()))
    slow = {int(i) for i in np.flatnonzero(last.links.slow >= SLOW)}
    return [*found, *([("a slow lane", set(), slow)] if slow else [])]


def frames(follower: Follower, seen: Sequence[Seen], drawn: Mapping[str, Any]) -> bytes:
    """Return the believed stock of every node in every period, one byte each (255: full)."""
    rows = network_data._rows(follower.topology, drawn)
    found = _levels(follower, np.array([s.stock[1] for s in seen]), rows)
    return np.rint(255 * np.nan_to_num(found)).astype(np.uint8).tobytes()


def _levels(
    follower: Follower, stock: npt.NDArray[np.float64], rows: Sequence[list[int]]
) -> npt.NDArray[np.float64]:
    """Return the share of a full node that is believed to be there; NaN without a target.

    Parameters
    ----------
    follower
        Whose network it is.
    stock
        ``(periods, points)``, units.
    rows
        The stock points of each node.
    """
    top = follower.topology
    weight = series.measure(top).weight
    part = np.zeros((len(top.points), len(rows)))
    for n, mine in enumerate(rows):
        part[mine, n] = 1.0
    full = network_data.FULL * ((np.nan_to_num(series.planned_stock(top)) * weight) @ part)
    share = ((stock * weight) @ part) / np.where(full > 0, full, np.nan)
    return np.round(np.clip(share, 0.0, 1.0), 4)


def unfed(seen: Sequence[Seen], periods: float) -> list[Seen]:
    """Return periods, the last with its devices as they are now: nothing came in since.

    ``periods``: how long ago the last news was.
    """
    *before, last = seen
    return [*before, replace(last, devices=[d.later(periods) for d in last.devices])]


# ------------------------------------------------------------------------------------------ tiles
def tiles(follower: Follower, seen: Sequence[Seen]) -> list[dict[str, Any]]:
    """Return the figures of the last of some periods, for the tiles."""
    last, period = seen[-1], follower.scenario.calendar.period
    alive = sum(d.life == "alive" for d in last.devices)
    looked = np.isfinite(last.looked)
    known = last.looked[looked]
    age = f"{look.number(float(np.median(known)))}" if known.size else "–"
    total = float(last.stock[1].sum())
    raised = [m for m in follower.moved if m.found <= last.t]
    ordered, expected = _orders(seen[-FLOW:])
    share = ordered / expected - 1 if expected > 0 else 0.0
    sign = "+" if share > 0 else "\N{MINUS SIGN}"
    return [
        _tile("Stock believed", look.number(total), "units",
              f"{len(follower.assumed)} of {look.plural(len(follower.points), 'point')} assumed"
              if follower.assumed else "opened by first looks"),
        _books(last, looked),
        _tile(f"Ordered, {look.plural(len(seen[-FLOW:]), period)}", look.number(ordered), "units",
              f"expected {look.number(expected)} ({sign}{look.share(abs(share))})"
              if expected else ""),
        _tile("Devices alive", f"{alive}", f"of {len(last.devices)}"),
        _tile("Age of information", age, f"{period}s (median)"),
        _tile("Alarms", f"{len(raised)}", "",
              ", ".join(sorted({m.what for m in raised})) or "nothing has moved"),
    ]  # fmt: skip


def _books(last: Seen, looked: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return how far the books are off where somebody looked: elsewhere only the prior says so."""
    if not looked.any():
        return _tile("Books are off by", "–", "", "nobody looked")
    believed = last.stock[1][looked]
    total, off = float(believed.sum()), float(np.abs(last.books[looked] - believed).sum())
    value = look.share(off / total) if total > 0 else "–"
    some = (
        ""
        if looked.all()
        else f"at {looked.sum()} of {look.plural(looked.size, 'point')} looked at"
    )
    return _tile("Books are off by", value, "", some)


def _tile(name: str, value: str, unit: str, change: str = "") -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "change": change, "tone": "none"}


def _orders(seen: Sequence[Seen]) -> tuple[float, float]:
    """Return customers' orders observed and expected, where both are known."""
    observed = expected = 0.0
    for s in seen:
        both = np.isfinite(s.demand[1]) & np.isfinite(s.demand[3])
        observed += float(s.demand[3][both].sum())
        expected += float(s.demand[1][both].sum())
    return observed, expected


# ----------------------------------------------------------------------------------------- tables
def alarms(follower: Follower, last: Seen) -> list[list[str]]:
    """Return alarms up to a period: what and where, what it means, what to estimate anew, when."""
    advised = {(a.where, a.what): a for a in follower.recommendations()}
    found = []
    for m in follower.moved:
        if m.found > last.t:
            continue
        one = advised[m.where, m.what]
        seen = "" if one.advised is None else f"{_n(one.now)} → {_n(one.advised)} {one.unit}"
        band = "" if one.low is None else f" ({_n(one.low)} to {_n(one.high)})"
        found.append([f"{m.what}, {look.said(m.where)}", words_of(m, one.now, one.advised),
                      f"{seen}{band}",
                      date(follower, m.began), date(follower, m.found)])  # fmt: skip
    return found


def _n(x: Any) -> str:
    return look.number(float(x))


def stock(follower: Follower, last: Seen, site: str = "") -> list[list[str]]:
    """Return stock points: believed with its band, books, last look, expected, age.

    Those whose books lie farthest outside come first; with a site only its own.
    """
    low, middle, high = last.stock
    far = np.abs(last.books - middle) / np.maximum(high - low, 1.0)
    chosen = [i for i, p in enumerate(follower.topology.points) if not site or p.site.name == site]
    found = []
    for i in sorted(chosen, key=lambda i: -far[i])[:ROWS]:
        outside = last.books[i] < low[i] - 0.5 or last.books[i] > high[i] + 0.5
        age = "never" if np.isinf(last.looked[i]) else look.number(float(last.looked[i]))
        found.append([
            look.said(follower.points[i]), look.number(float(middle[i])),
            f"{look.number(float(low[i]))} to {look.number(float(high[i]))}",
            look.number(float(last.books[i])) + (" ⚠ outside" if outside else ""),
            _n(last.counted[i]), _n(last.expected[i]), age,
        ])  # fmt: skip
    return found


def unseen(follower: Follower) -> str:
    """Return which stock points nobody has counted, so that the scenario alone says their stock."""
    names, n = look.listed(list(follower.assumed), 6), len(follower.points)
    return (f"Nobody has counted {names} yet: {len(follower.assumed)} of {look.plural(n, 'stock point')} "
            "open with the scenario's stock, and with a wide band until somebody counts.")  # fmt: skip


def lanes(follower: Follower, seen: Sequence[Seen], site: str = "") -> list[list[str]]:
    """Return links: what should have arrived of late, what did, what is on the way, the regime."""
    last, recent = seen[-1], seen[-FLOW:]
    came = np.sum([s.links.received for s in recent], axis=0)
    due = np.sum([s.links.expected for s in recent], axis=0)
    top = follower.topology
    chosen = [
        e.index for e in top.links
        if (due[e.index] > 0 or came[e.index] > 0 or last.links.waiting[e.index] > 0)
        and (not site or site in (e.source, top.points[e.to].site.name))
    ]  # fmt: skip
    chosen.sort(key=lambda i: (-round(last.links.slow[i], 2), -abs(came[i] - due[i])))
    return [
        [look.said(follower.links[i]), look.number(float(due[i])), look.number(float(came[i])),
         look.number(float(last.links.waiting[i])), _regime(last, i)]
        for i in chosen[:ROWS]
    ]  # fmt: skip


def _regime(last: Seen, i: int) -> str:
    slow = float(last.links.slow[i])
    if slow < SLOW:
        return "normal" if slow < 0.5 else "perhaps slow"
    return f"slow, {look.times(float(last.links.factor[i]))} as long"


def devices(last: Seen) -> list[list[str]]:
    """Return sites with devices, those first where one is not alive: how many are, age, gaps."""
    of: dict[str, list[Liveness]] = {}
    for device in last.devices:
        of.setdefault(device.site, []).append(device)
    ill = {site: [d for d in mine if d.life != "alive"] for site, mine in of.items()}
    found = []
    for site in sorted(of, key=lambda s: (-len(ill[s]), s)):
        oldest = max(d.age for d in of[site])
        names = [f"{look.said(d.device.partition('@')[2] or d.device)} {d.life}" for d in ill[site]]
        mark = "●" if not names else "◐" if len(names) < len(of[site]) else "○"
        found.append([
            look.said(site), f"{mark} {len(of[site]) - len(names)} of {len(of[site])}",
            "never" if np.isinf(oldest) else look.number(oldest),
            str(sum(d.missing for d in of[site])), look.listed(names) if names else "–",
        ])  # fmt: skip
    return found


def date(follower: Follower, t: int) -> str:
    """Return the date on which a period begins."""
    days = 7 if follower.scenario.calendar.period == "week" else 1
    return (follower.scenario.calendar.start + dt.timedelta(days=days * t)).isoformat()


def moment(seen: Seen) -> str:
    """Return the end of a period as date and time."""
    return to_iso(seen.time)[:16].replace("T", " ")


# ------------------------------------------------------------------------------------------ chart
def chart(follower: Follower, seen: Sequence[Seen], row: int) -> dict[str, Any]:
    """Return the chart of a stock point: what is believed with its band, books and counts."""
    low, middle, high = (np.array([s.stock[k][row] for s in seen]) for k in range(3))
    books = np.array([s.books[row] for s in seen])
    counted = np.array([s.counted[row] for s in seen])
    places = decimals(np.concatenate((high, books)))
    name = look.said(follower.points[row])
    lines = [
        line_of("books", "base", books, places),
        line_of("counted", "other", counted, places),
        line_of("believed", "now", middle, places)
        | {"low": listed(low, places), "high": listed(high, places)},
    ]
    calendar = follower.scenario.calendar
    dates = {"start": calendar.start.isoformat(), "period": calendar.period,
             "horizon": seen[-1].t + 1}  # fmt: skip
    return {
        "kind": "time", "title": f"Stock of {name}", "unit": "units", "top": None, "lines": lines,
        "n": len(seen), "difference": None, "dates": dates, "first": seen[0].t, "events": [],
        "format": "amount", "note": "Believed, with its 90 % band; grey: the books",
        "said": f"Stock of {name}: believed {look.number(float(middle[-1]))}, "
                f"{look.number(float(low[-1]))} to {look.number(float(high[-1]))}; "
                f"books {look.number(float(books[-1]))}.",
    }  # fmt: skip


def worst(follower: Follower, last: Seen, site: str = "") -> int:
    """Return the stock point of a site (of all) that an alarm names, else whose books are worst."""
    top = follower.topology
    rows = [p.index for p in top.points if not site or p.site.name == site]
    rows = rows or [p.index for p in top.points]
    named = [follower.points.index(m.where) for m in follower.moved
             if m.what == "shrink" and m.found <= last.t]  # fmt: skip
    for row in named:
        if row in rows:
            return row
    far = np.abs(last.books - last.stock[1]) / np.maximum(last.stock[2] - last.stock[0], 1.0)
    return max(rows, key=lambda i: float(far[i]))

"""The live twin's figures as Prometheus reads them."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from calibration.live.alarms import What
from calibration.live.follow import Follower, Seen
from calibration.live.health import family
from calibration.live.liveness import Life

BAND = ("0.05", "0.5", "0.95")


def metrics(follower: Follower, seen: Seen) -> str:
    """Return what is believed after a period: stock, books, shrink, lanes, devices, alarms."""
    points, gauge, count = follower.points, "gauge", "counter"
    banded = {
        name: {
            (("point", p), ("quantile", q)): float(values[n, i])
            for i, p in enumerate(points) for n, q in enumerate(BAND)
        }
        for name, values in (("stock_units", seen.stock), ("shrink_units", seen.shrink))
    }  # fmt: skip
    alarms = Counter(m.what for m in follower.moved)
    lives = Counter(d.life for d in seen.devices)
    slow = {(("link", name),): float(seen.links.slow[i]) for i, name in enumerate(follower.links)}
    books = {(("point", p),): float(seen.books[i]) for i, p in enumerate(points)}
    lines = [
        *family("period", gauge, {(): seen.t}),
        *(line for name, values in banded.items() for line in family(name, gauge, values)),
        *family("books_units", gauge, books),
        *family("lane_slow_probability", gauge, slow),
        *family("alarms_total", count, {(("what", w),): alarms[w] for w in get_args(What)}),
        *family("devices", gauge, {(("life", x),): lives[x] for x in get_args(Life)}),
        *family("late_events_total", count, {(): seen.late}),
    ]
    return "\n".join(lines) + "\n"

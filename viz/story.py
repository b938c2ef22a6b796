"""The story of one site: what stands there, how it went, and why stock is low or orders wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twin.compare import Comparison
from twin.errors import ScenarioError
from twin.names import nearest
from twin.policies import needs_forecast
from twin.result import Result, words
from twin.schema import Scenario
from twin.sums import Floats
from twin.topology import Link, Topology, build
from viz import look, series
from viz.closely import Closer, look_closely
from viz.device_table import devices
from viz.network_data import MODE
from viz.reasons import downstream, why
from viz.told import said

Measured = tuple[str, Floats]
"""How stock is counted at a site: a unit, and the worth of one unit of each stock point."""


def story(
    comparison: Comparison, site: str, item: str | None = None, closer: Closer | None = None
) -> dict[str, Any]:
    """Return what the side panel shows of a site.

    Parameters
    ----------
    comparison
        Baseline and what-if.
    site, item
        The site, or one of its stock points.
    closer
        Replications of the what-if at hand, see :func:`viz.closely.look_closely`; else a few
        are run.

    Returns
    -------
    dict
        Plain data, undefined numbers as ``None``:

        - ``site``, ``label``, ``kind``, ``stage``, ``owner``, ``mode`` with ``mode_words``,
          ``role`` (a sentence), ``period``;
        - ``items``: name, label, mode, stock, target (units) of each stock point;
        - ``stock``: before, after, target (means at period end), ``unit``;
        - ``on_time``: before, after (shares), of whose customers (``words``);
        - ``lanes_in``, ``lanes_out``: lane (key of its thing, or None), from, to, lead, items, flow;
        - ``devices``: rows of :func:`viz.device_table.devices`;
        - ``charts``: ``t`` (periods), ``unit``, ``stock`` (before, after: low, middle, high),
          ``books`` and ``forecast`` of :func:`site_series`; what has no data is None;
        - ``why``: one or two sentences.

    Raises
    ------
    ScenarioError
        If there is no such site or stock point.
    """
    a, b = comparison.a, comparison.b
    top = b.topology
    rows = _rows(top, site, item)
    told = _who(top, site, rows)
    if not rows:
        return told | {"items": [], "why": ["No stock point here serves a customer."]}
    unit, weight = _measured(top, rows)
    old = [a.topology.row_of.get(top.points[i].name) for i in rows]
    before = [i for i in old if i is not None]
    seen = closer or look_closely(top)
    stock = _stock_chart(a, b, before, rows, weight, seen)
    t = list(range(top.scenario.warmup, top.scenario.horizon))
    return told | {
        "items": _items(b, rows),
        "stock": _stock(a, b, before, rows, weight) | {"unit": unit},
        "on_time": _on_time(a, b, rows),
        "lanes_in": _lanes(b, [e for i in rows for e in top.in_links[i]]),
        "lanes_out": _lanes(b, [e for i in rows for e, _ in top.out_links[i]]),
        "devices": [d for d in devices(top, site, closer=seen) if item in (None, d["item"])],
        "charts": {"t": t, "unit": unit, "stock": stock, **_closer_charts(seen, rows, weight)},
        "why": why(comparison, rows, before, weight, unit, seen),
    }


def _rows(top: Topology, site: str, item: str | None) -> list[int]:
    """Return the stock points of a site, or the one of an item."""
    if item is not None:
        return [top.row(site, item)]
    known = [s.name for s in top.scenario.sites]
    if site not in known:
        msg = f"no site '{site}' in scenario '{top.scenario.name}'; {nearest(site, known)}"
        raise ScenarioError(msg)
    return [p.index for p in top.points if p.site.name == site]


def _measured(top: Topology, rows: Sequence[int]) -> Measured:
    """Return units where the items of some stock points are alike, else money."""
    items = [top.points[i].item for i in rows]
    if len({(x.unit, x.value) for x in items}) == 1 or not any(x.value for x in items):
        return items[0].unit, np.ones(len(rows))
    return top.scenario.calendar.currency, np.array([x.value for x in items])


# ------------------------------------------------------------------------------------------- words
def _who(top: Topology, site: str, rows: Sequence[int]) -> dict[str, Any]:
    """Return what a site is and does."""
    found = next(s for s in top.scenario.sites if s.name == site)
    modes = series.modes(top)
    own = [i for i in rows if top.points[i].role == "output"] or list(rows)
    mode = series.mode_of([modes[i] for i in own]) if own else "own"
    return {
        "site": site,
        "label": look.said(site),
        "kind": found.kind,
        "stage": look.said(found.stage or found.kind),
        "owner": look.said(found.who),
        "mode": mode,
        "mode_words": MODE[mode],
        "role": _role(top, found.kind, rows),
        "period": top.scenario.calendar.period,
    }


def _role(top: Topology, kind: str, rows: Sequence[int]) -> str:
    """Return in a sentence where goods come from and go to."""
    inward = [top.links[e] for i in rows for e in top.in_links[i]]
    made = sorted({top.points[e.to].item.name for e in inward if e.kind == "make"})
    got = sorted({e.source for e in inward if e.kind != "make"})
    sent = sorted(
        {top.points[top.links[e].to].site.name for i in rows for e, _ in top.out_links[i]}
        - {top.points[i].site.name for i in rows}
    )
    sold = any(top.sinks_of[i] for i in rows)
    parts = [f"makes {look.listed(made)}"] if made else []
    parts += [f"gets goods from {look.listed(got)}"] if got else []
    parts += [f"supplies {look.listed(sent)}"] if sent else []
    parts += ["serves customers"] if sold else []
    return f"{kind[0].upper()}{kind[1:]}: {', '.join(parts) or 'nothing passes here'}."


def _items(result: Result, rows: Sequence[int]) -> list[dict[str, Any]]:
    top, modes = result.topology, series.modes(result.topology)
    have, want = series.mean_stock(result), series.planned_stock(top)
    return [
        {
            "name": top.points[i].item.name,
            "label": look.said(top.points[i].item.name),
            "mode": modes[i],
            "role": top.points[i].role,
            "stock": _number(have[i]),
            "target": _number(want[i]),
        }
        for i in rows
    ]


def _stock(
    a: Result, b: Result, before: Sequence[int], rows: Sequence[int], weight: Floats
) -> dict[str, Any]:
    """Return mean stock before and after, and what the policies aim at."""
    want = np.nan_to_num(series.planned_stock(b.topology)[list(rows)]) @ weight
    known = len(before) == len(rows)
    return {
        "before": _number(series.mean_stock(a)[before] @ weight) if known else None,
        "after": _number(series.mean_stock(b)[list(rows)] @ weight),
        "target": _number(want) if want > 0 else None,
    }


def _on_time(a: Result, b: Result, rows: Sequence[int]) -> dict[str, Any]:
    """Return the on-time share of the customers that a site serves, itself or through others."""
    top = b.topology
    own = any(top.sinks_of[i] for i in rows)
    reached = list(rows) if own else downstream(top, rows)
    names = {top.points[i].name for i in reached}
    old = [p.index for p in a.topology.points if p.name in names]
    return {
        "before": _number(series.on_time(a, old)),
        "after": _number(series.on_time(b, reached)),
        "words": "its own customers" if own else "the customers that it serves through others",
    }


def _lanes(result: Result, links: Sequence[int]) -> list[dict[str, Any]]:
    """Return lanes and outside suppliers with what flows on them, one row each."""
    top, flows = result.topology, series.link_flows(result)
    own = {lane.name for lane in top.scenario.lanes}
    groups: dict[str, list[Link]] = {}
    for e in sorted(set(links)):
        if top.links[e].lane is not None:
            groups.setdefault(str(top.links[e].lane), []).append(top.links[e])
    unit = words("periods", top.scenario)
    return [
        {
            "lane": f"lane:{name}" if name in own else None,
            "from": look.said(found[0].source),
            "to": look.said(top.points[found[0].to].site.name),
            "lead": _leads(found, unit),
            "items": sorted({top.points[e.to].item.name for e in found}),
            "flow": _number(sum(flows[e.index] for e in found)),
        }
        for name, found in groups.items()
    ]


def _leads(links: Sequence[Link], unit: str) -> str:
    return look.listed(sorted({said(e.lead_time, unit) for e in links}))


# ------------------------------------------------------------------------------------------ charts
def site_series(scenario: Scenario, site: str, item: str | None = None) -> dict[str, Any]:
    """Return truth against record and forecast against demand at a site, from a few replications.

    Parameters
    ----------
    scenario
        What to run.
    site, item
        The site, or one of its stock points.

    Returns
    -------
    dict
        - ``t``: measured periods, ``unit``;
        - ``books``: ``truth`` and ``record`` of the first replication, ``error`` (record minus
          truth: low, middle, high over the replications); None where the books are right;
        - ``forecast``: ``forecast`` (made the period before) and ``demand`` (what the forecaster
          saw: low, middle, high); None where nothing is forecast.

    Raises
    ------
    ScenarioError
        If there is no such site or stock point.
    """
    top = build(scenario)
    rows = _rows(top, site, item)
    t = list(range(scenario.warmup, scenario.horizon))
    if not rows:
        return {"t": t, "unit": "", "books": None, "forecast": None}
    unit, weight = _measured(top, rows)
    return {"t": t, "unit": unit} | _closer_charts(look_closely(top), rows, weight)


def _closer_charts(seen: Closer, rows: Sequence[int], weight: Floats) -> dict[str, Any]:
    top, first = seen.topology, seen.topology.scenario.warmup

    def total(name: str, chosen: Sequence[int]) -> Floats:
        mine = weight[[list(rows).index(i) for i in chosen]]
        found: Floats = np.tensordot(seen.series[name][:, list(chosen)], mine, axes=(1, 0))
        return found

    truth, record = total("rows.on_hand", rows), total("rows.record", rows)
    books = None
    if not np.array_equal(truth[first:], record[first:]):
        error = (record - truth)[first:]
        books = {"truth": _list(truth[first:, 0]), "record": _list(record[first:, 0]),
                 "error": _band(error)}  # fmt: skip
    modes = series.modes(top)
    plans = [
        i for i in rows if modes[i] != "pull" and needs_forecast(top.points[i].settings.policy)
    ]
    forecast = None
    if plans and "rows.forecast" in seen.series:
        made = total("rows.forecast", plans)
        made = np.concatenate([made[:1], made[:-1]])[first:]  # a forecast is of the next period
        forecast = {"forecast": _list(np.median(made, axis=1)),
                    "demand": _band(total("rows.signal", plans)[first:])}  # fmt: skip
    return {"books": books, "forecast": forecast}


def _stock_chart(
    a: Result, b: Result, before: Sequence[int], rows: Sequence[int], weight: Floats, seen: Closer
) -> dict[str, Any]:
    """Return stock over time before and after, of a few replications if more was not recorded."""
    if "rows.on_hand" not in b.series:
        few = seen.series["rows.on_hand"][b.scenario.warmup :, list(rows)]
        return {"before": None, "after": _band(np.tensordot(few, weight, axes=(1, 0)))}
    known = len(before) == len(rows) and "rows.on_hand" in a.series
    return {
        "before": _band(_over_time(a, before, weight)) if known else None,
        "after": _band(_over_time(b, rows, weight)),
    }


def _over_time(result: Result, rows: Sequence[int], weight: Floats) -> Floats:
    stock = result.series["rows.on_hand"][result.scenario.warmup :, list(rows)]
    found: Floats = np.tensordot(stock, weight, axes=(1, 0))
    return found


def _band(values: Floats) -> dict[str, list[float]]:
    """Return p10, median and p90 over the replications, ``(T, K)`` -> three lists."""
    found = np.quantile(values, series.BAND, axis=1)
    return dict(zip(("low", "middle", "high"), map(_list, found), strict=True))


def _list(values: Floats) -> list[float]:
    found: list[float] = np.round(values, 3).tolist()
    return found


def _number(x: Any) -> float | None:
    return None if np.isnan(x) else round(float(x), 6)

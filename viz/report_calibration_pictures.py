"""The pictures of a calibration's report as blocks, each with what it says in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from calibration.backtest import Histogram, histogram
from calibration.check import Checked
from calibration.evidence import Curve, Evidence
from calibration.posterior import KPIS
from twin.schema import Scenario
from viz import look
from viz import report_calibration_charts as charts
from viz.report import Block, Panels
from viz.report_calibration_changes import thing_of
from viz.study_charts_parts import name as called

CURVES, FANS, KNOWN, CAUSES = 6, 4, 12, 8
"""Most demands and lead times, fans, hidden values of a picture, and causes of variance, that are
drawn; the files have all."""

TOLD = 0.01
"""Share of variance below which a cause is put together with others."""

Found = Mapping[str, Any]


def evidence(evidence: Evidence | None, period: str) -> Iterator[Block]:
    """Yield curves of demands and of lead times that vary; the others in words."""
    if evidence is None:
        return
    demands = [c for c in evidence.curves if c.kind == "demand"]
    times = [c for c in evidence.curves if c.kind == "lead time"]
    vary = sorted((c for c in times if c.law != "constant"), key=lambda c: -c.gap / c.limit)
    demands.sort(key=lambda c: -c.gap / c.limit)
    shown = [*demands[:CURVES], *vary[:CURVES]]
    figures = [
        charts.curve(c, f"units a {period}" if c.kind == "demand" else f"{period}s") for c in shown
    ]
    if not figures and not times:
        return
    out = [c.name for c in evidence.curves if c.gap > c.limit]
    told = (
        "Share of at most so much: dark, what was seen (Kaplan-Meier: what is only known to be at "
        "least, or at most, so large counts as that); blue, the calibrated law; dashed, the start; "
        "grey, where data of the calibrated law stay in 95 of 100 cases. "
    )
    told += f"Outside it: {look.listed(out)}. " if out else "All data stay inside it. "
    told += _others(len(demands) + len(vary) - len(shown)) + _constant(times) + "Data: curves.csv."
    yield Panels(figures, told, "Estimates against data")


def _others(n: int) -> str:
    return f"{n} more, which fit better, are in the file. " if n else ""


def _constant(times: Sequence[Curve]) -> str:
    """Return in words the lead times that never varied."""
    same = [c for c in times if c.law == "constant"]
    if not same:
        return ""
    waiting = sum(c.more for c in same)
    told = ", ".join(
        f"{look.said(c.name.replace('->', ' → '))} {look.number(float(c.x[np.argmax(c.fitted > 0)]))}"
        for c in same[:8]
    )
    rest = f" and {len(same) - 8} more" if len(same) > 8 else ""
    return f"Always the same: {told}{rest} ({waiting} of these trips still on the way). "


def known(rows: pd.DataFrame) -> Iterator[Block]:
    """Yield what is known of each hidden quantity, as a part of where it was looked for."""
    table = rows[rows["least"].notna()].sort_values("width").to_dict("records")
    if not table:
        return
    shown = table if len(table) <= 2 * KNOWN else [*table[:KNOWN], *table[-KNOWN:]]
    half = (len(shown) + 1) // 2
    parts = [shown] if len(shown) <= 4 else [shown[:half], shown[half:]]
    titles = ["What is known best", "and least"] if len(parts) > 1 else ["What is known"]
    figures = [charts.known(part, title) for part, title in zip(parts, titles, strict=True)]
    told = (
        "Bars: central 90 % intervals, a line at the median; the narrower the bar, the more the data "
        f"say; grey bars are not identified. {len(shown)} of {len(table)}. Data: inferred.csv."
    )
    yield Panels(figures, told, "What the data say of what is hidden")


def shares(rows: pd.DataFrame | None, found: Found, scenario: Scenario) -> Iterator[Block]:
    """Yield where the variance of KPIs comes from."""
    if rows is None or rows.empty:
        return
    figures = []
    for kpi, part in rows.groupby("kpi", sort=False):
        table = part.assign(key=part["what"], name=[_thing(w, i, found, scenario) for w, i in
                                                    zip(part["what"], part["inputs"], strict=True)])  # fmt: skip
        last = table["key"].isin(["together", "luck"])
        own = table[~last].sort_values("share", ascending=False)
        big = own[own["share"] >= TOLD].head(CAUSES)
        small = own.drop(big.index)
        rest = pd.DataFrame([{"key": "rest", "name": f"{len(small)} others", "share": small["share"].sum(),
                              "low": np.nan, "high": np.nan}])  # fmt: skip
        rest[["low", "high"]] = rest["share"].iloc[0]
        shown = pd.concat([big, rest] if len(small) else [big], ignore_index=True)
        shown = pd.concat([shown, table[last]], ignore_index=True)
        figures.append(charts.shares(shown, f"{called(str(kpi))}: variance from run to run"))
    told = (
        "How much less a KPI would vary if a thing were known for sure (first-order share), with 90 % "
        "intervals; what is inferred of one stock point, or estimated of one law, counts as one, for "
        "its values mirror each other. Luck: what differs between runs of one draw; no data take it "
        "away. Together: what inputs do only jointly. Each share is an estimate, at least 0: they may "
        "sum to a little more than 100 %. "
    )
    still = [called(kpi) for kpi in KPIS if kpi not in set(rows["kpi"])]
    told += (
        f"Not drawn, for they do not vary or are undefined: {look.listed(still)}. " if still else ""
    )
    yield Panels(figures, f"{told}Data: shares.csv.", "What the bands come from")


def _thing(key: str, inputs: str, found: Found, scenario: Scenario) -> str:
    """Return the name of what a dotted key of a posterior sample belongs to."""
    if key in ("luck", "together"):
        return {"luck": "luck", "together": "inputs together"}[key]
    if key.startswith("stock["):
        where = scenario.stock[int(key[len("stock[") : key.index("]")])].where
        point = f"{where.site}/{where.item}"
        places = {k.removeprefix(f"{key}.") for k in inputs.split()}
        doubt = any(f"{point} {place}" in found["not_identified"] for place in places)
        return f"rule of {look.said(point)}" + (" (not identified)" if doubt else "")
    section = key.partition(".")[0].partition("[")[0]
    names = [thing_of(e["name"]) for e in found["estimates"] if e["key"].startswith(f"{key}.")]
    what = "lead time" if key.endswith(".lead_time") else section
    return f"{what} of {names[0]}" if names and names[0] != key else look.said(key)


class Places(NamedTuple):
    """A histogram of places, and what they are of; ``counted`` is None where there are too few."""

    title: str
    axis: str
    counted: Histogram | None


def places(found: Found, fit: pd.DataFrame, checked: Checked | None, period: str) -> list[Places]:
    """Count where what happened fell among what was expected.

    Parameters
    ----------
    found
        Of a calibration.
    fit
        Of :func:`viz.report_calibration_tables.points`.
    checked
        The back-test of demand.
    period
        What a period is called.
    """
    points = [p for p in found["points"] if not p["reason"]]
    tenths = [np.array(p["tenths"], float) for p in points if len(p.get("tenths", ()))]
    summaries = np.array([x for p in points for x in p["pit"].values()], float)
    drawn = fit[fit["drawn"] & fit["orders_place"].notna()]["orders_place"].to_numpy(float)
    asked = []
    if checked is not None:
        ahead = histogram(checked.places["place"].to_numpy(float))
        asked.append(Places(f"Demand, one {period} ahead (PIT)", "place in the forecast", ahead))
    if points and len(tenths) == len(points):
        counted = histogram(summaries, np.sum(tenths, axis=0))
        asked.append(
            Places("Orders and stock: ranks of summaries", "rank among replicates", counted)
        )
    asked.append(
        Places("Units ordered, held out: ranks", "rank among predictions", histogram(drawn))
    )
    p_values = fit["p_value"].dropna().to_numpy(float)
    return [*asked, Places("Misfit p-values of stock points", "p", histogram(p_values))]


def outside(asked: Sequence[Places], laid: Evidence | None) -> Iterator[str]:
    """Yield in sentences which histograms and curves leave the band of a right model, if any do."""
    left = [p.title for p in asked if p.counted is not None and not p.counted.inside]
    n = sum(p.counted is not None for p in asked)
    if left:
        leave = "leave" if len(left) > 1 else "leaves"
        told = "; ".join(left)
        yield f"{len(left)} of {n} histograms {leave} the band of a right model ({told})."
    off = [] if laid is None else [c.name for c in laid.curves if c.gap > c.limit]
    if off:
        yield f"Data leave the band of their calibrated law at {look.listed(off)}."


def histograms(asked: Sequence[Places]) -> Iterator[Block]:
    """Yield the histograms of places with the bands of a right model."""
    shown = [p for p in asked if p.counted is not None]
    if not shown:
        return
    figures = [charts.histogram(p.counted, p.title, p.axis) for p in shown if p.counted]
    told = (
        "A right model is level: in 95 of 100 histograms all its bars stay in the grey band. A hump: "
        "too wide; a bowl: too narrow; a slope: off. Summaries were fitted to, so that a hump there "
        "is no fault; the others were not. "
    )
    few = [p.title for p in asked if p.counted is None]
    told += f"Too few for a histogram: {look.listed(few)}. " if few else ""
    title = "Where what happened fell among what was expected"
    yield Panels(figures, told + "Data: histograms.csv.", title)


def fans(checked: Checked, period: str) -> Iterator[Block]:
    """Yield what was forecast from each origin, of the largest series."""
    rows = checked.backtest.table
    rows = rows[rows["model"] == "chosen"]
    shown = rows["series"].unique()[:FANS]
    figures = [
        charts.fan(checked.names[i], checked.series[i], rows[rows["series"] == i], period)
        for i in shown
    ]
    told = (
        "Dark: what happened; blue: median and 90 % band, forecast then; "
        f"the {len(shown)} largest of {len(checked.names)} series. Data: forecasts.csv."
    )
    yield Panels(figures, told)

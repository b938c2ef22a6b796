"""Why stock is low or orders wait at a site: computed from the runs, in one or two sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.compare import Comparison
from twin.compile.rules import first_forecasts
from twin.decoupling import nominal_lead
from twin.result import Result
from twin.sums import Floats
from twin.topology import Topology
from viz import look, series
from viz.closely import Closer

SPAN = 7
"""Periods over which stock and backlog are averaged before the worst moment is looked for."""

LITTLE = 0.1
"""A difference of less than this share is nothing to explain."""


@dataclass(frozen=True)
class _Case:
    """What there is to explain at a site, and what to look at."""

    comparison: Comparison
    rows: list[int]
    before: list[int]
    weight: Floats
    unit: str
    seen: Closer

    @property
    def top(self) -> Topology:
        return self.comparison.b.topology

    @property
    def first(self) -> int:
        return self.comparison.b.scenario.warmup

    @property
    def period(self) -> str:
        return self.top.scenario.calendar.period

    @property
    def paired(self) -> bool:
        """Whether there is a baseline to compare with."""
        same = self.comparison.a is self.comparison.b
        return not same and len(self.before) == len(self.rows)

    def when(self, t: int) -> str:
        """Return a period in words: ``day 178``."""
        return f"{self.period} {t}"


def why(
    comparison: Comparison,
    rows: Sequence[int],
    before: Sequence[int],
    weight: Floats,
    unit: str,
    seen: Closer,
) -> list[str]:
    """Return why stock is low, or orders wait, at some stock points of one site.

    Parameters
    ----------
    comparison
        Baseline and what-if; stock and backlog are recorded.
    rows, before
        The stock points, in the network of the what-if and of the baseline.
    weight, unit
        How their stock is added up.
    seen
        A few replications of the what-if.

    Returns
    -------
    list
        One sentence on how it is, and where something is wrong one on what is behind it.
    """
    if not {"rows.on_hand", "rows.backlog"} <= set(comparison.b.series):
        return ["Stock over time was not recorded; run fewer replications to see why."]
    case = _Case(comparison, list(rows), list(before), weight, unit, seen)
    modes = series.modes(case.top)
    want = float(np.nan_to_num(series.planned_stock(case.top)[case.rows]) @ case.weight)
    mean = _raw(comparison.b, "rows.on_hand", case.rows, case.weight)
    pull = all(modes[i] == "pull" for i in rows)
    if pull or (want <= 0 and not _counts(mean)):
        return _no_stock(case, pull)
    return _low(case, want, mean)


# ------------------------------------------------------------------------------------- how it is
def _waiting(case: _Case) -> list[str]:
    """Tell how many orders wait, against the baseline; nothing if no more than usual."""
    waits, usual = _courses(case, "rows.backlog")
    t = int(np.argmax(waits - usual))
    more = waits[t] - usual[t]
    if more <= LITTLE * max(usual[t], _needed(case)) or not _counts(more):
        return []
    than = _amount(case, usual[t]) if _counts(usual[t]) else "none"
    when, now = case.when(case.first + t), _amount(case, waits[t])
    head = f"On {when} orders for {now} wait here ({than} in the baseline)."
    return [head, *_causes(case, case.first + t)]


def _no_stock(case: _Case, pull: bool) -> list[str]:
    """Tell of a site that keeps no stock by design."""
    head = "It keeps no stock: it makes or orders only what customers have ordered."
    if not pull:
        head = "It keeps no stock: it passes on what is ordered."
    found = _waiting(case)
    if found:
        return [f"{head} {found[0]}", *found[1:]]
    waits = _raw(case.comparison.b, "rows.backlog", case.rows, case.weight)
    more = f" Orders for {_amount(case, waits)} wait on average." if _counts(waits) else ""
    return [head + more]


def _low(case: _Case, want: float, mean: float) -> list[str]:
    """Tell of a site that keeps stock: against the baseline, and against its target."""
    have, usual = _courses(case, "rows.on_hand")
    t = int(np.argmin(have - usual)) if case.paired else int(np.argmin(have))
    lost = usual[t] - have[t]
    when = case.when(case.first + t)
    if lost > LITTLE * max(usual[t], 1e-9) and _counts(lost):
        share = look.share(round(lost / usual[t], 2))
        left = _amount(case, have[t]) if _counts(have[t]) else "nothing"
        head = f"On {when} it holds {left}, {share} less than in the baseline."
        return [head, *_causes(case, case.first + t)]
    against = f", against a target of {_amount(case, want)}" if want > 0 else ""
    told = f"it holds {_amount(case, mean)} on average{against}."
    if want > 0 and mean < (1 - 2 * LITTLE) * want:
        causes = _causes(case, case.first + t) if not case.paired else _of_itself(case)
        return [_upper(told), *causes]
    return _waiting(case) or [f"Nothing is wrong here: {told}"]


def _of_itself(case: _Case) -> list[str]:
    """Return why stock is below its target in the baseline, too."""
    cause = _wrong_books(case, case.seen.periods - 1)
    if cause:
        return [cause]
    demand = _needed(case)
    planned = float(first_forecasts(case.top).mean[case.rows] @ case.weight)
    if demand < (1 + LITTLE) * planned:
        return []
    now, before = _amount(case, demand), _amount(case, planned)
    return [f"It needs {now} a {case.period}, its target was set for {before}."]


def _needed(case: _Case) -> float:
    """Return what the stock points order a period, on average."""
    b = case.comparison.b
    return float(b.row_means["rows.order"][case.rows] @ case.weight) / series.window(b)


def _counts(x: float) -> bool:
    """Return whether a number does not read as 0."""
    return look.number(float(x)) != "0"


def _courses(case: _Case, name: str) -> tuple[Floats, Floats]:
    """Return stock or backlog over time with and without the changes, ``(T,)`` smoothed means."""
    a, b = case.comparison.a, case.comparison.b
    now = _mean(b, name, case.rows, case.weight)
    if not case.paired or name not in a.series:
        return now, now
    return now, _mean(a, name, case.before, case.weight)


def _mean(result: Result, name: str, rows: list[int], weight: Floats) -> Floats:
    data = result.series[name][:, rows].mean(axis=2) @ weight
    box = np.ones(SPAN) / SPAN
    smooth = np.convolve(np.pad(data, (SPAN - 1, 0), mode="edge"), box, mode="valid")
    found: Floats = smooth[result.scenario.warmup :]
    return found


def _raw(result: Result, name: str, rows: list[int], weight: Floats) -> float:
    """Return the mean over all measured periods and replications."""
    return float(result.series[name][result.scenario.warmup :, rows].mean(axis=(0, 2)) @ weight)


def _amount(case: _Case, x: float) -> str:
    return look.plural(float(x), case.unit)


# ---------------------------------------------------------------------------------------- causes
def _causes(case: _Case, t: int) -> list[str]:
    """Return the sentence on the first cause that the runs show, nothing if none does."""
    for cause in (_shortage, _event, _surge, _wrong_books, _lower_target, _longer_way):
        found = cause(case, t)
        if found:
            return [found]
    return []


def _shortage(case: _Case, t: int) -> str:
    """Follow the orders that wait upstream to where they begin."""
    row = None
    here = {case.top.points[i].site.name for i in case.rows}
    todo, seen = list(case.rows), set(case.rows)
    while todo:
        worst = _most_owed(case, todo, t)
        if worst is None or worst in seen:
            break
        seen.add(worst)
        row, todo = worst, [worst]
    if row is None or case.top.points[row].site.name in here:
        return _event(case, t, row)
    point = case.top.points[row]
    owed = look.plural(float(_owed(case.comparison.b, row, t)), point.item.unit)
    said = f"{look.said(point.site.name)} owes {owed} of {look.said(point.item.name)}"
    behind = _event(case, t, row)
    return f"{_upper(said)}" + (f": {_lower(behind)}" if behind else ".")


def _most_owed(case: _Case, rows: Sequence[int], t: int) -> int | None:
    """Return the stock point that owes most to some others, of those that owe more than usual."""
    top = case.top
    sources = {i for r in rows for e in top.in_links[r] for i, _ in top.links[e].inputs}
    more = {}
    for i in sources:
        j = case.comparison.a.topology.row_of.get(top.points[i].name)
        now = _owed(case.comparison.b, i, t)
        usual = _owed(case.comparison.a, j, t) if j is not None else 0.0
        if now > (1 + LITTLE) * usual + 0.5:
            more[i] = (now - usual) * max(top.points[i].item.value, 1e-9)
    return max(more, key=lambda i: (more[i], -i)) if more else None


def _owed(result: Result, row: int, t: int) -> float:
    return float(result.series["rows.backlog"][t, row].mean())


def _event(case: _Case, t: int, row: int | None = None) -> str:
    """Name the last disruption that struck a stock point, or what is upstream, before a period."""
    top = case.top
    targets = [row] if row is not None else case.rows
    up = upstream(top, targets)
    lanes = {top.links[e].lane for i in up for e in top.in_links[i]}
    sites = {top.points[i].site.name for i in up}
    known = case.comparison.a.scenario.disruptions if case.paired else []  # no difference
    struck = [
        e
        for e in series.events(top)
        if e.cause is not None
        and e.start <= t
        and e.cause not in known
        and (
            e.lanes & lanes
            or (
                {top.points[i].site.name for i in e.rows} & sites
                and e.cause.kind != "demand_change"
            )
        )
    ]
    if not struck:
        return ""
    last = max(struck, key=lambda e: (e.start, e.name))
    where = sorted({top.points[i].site.name for i in last.rows} & sites) or sorted(
        str(lane).replace("->", " to ") for lane in last.lanes & lanes
    )
    span = f"from {case.period} {last.start} to {last.end}"
    return f"{_upper(last.name)} at {look.listed(where)} {span}."


def _surge(case: _Case, t: int) -> str:
    """Compare what customers ordered in the two weeks before with the baseline."""
    a, b = case.comparison.a, case.comparison.b
    name = "sinks.demand"
    if name not in a.series or name not in b.series:
        return ""
    reached = set(downstream(case.top, case.rows))
    sinks = [s for s in case.top.sinks if s.row in reached]
    old = {s.name: s.index for s in a.topology.sinks}
    pairs = [(s.index, old[s.name]) for s in sinks if s.name in old]
    if not pairs:
        return ""
    span = slice(max(0, t - 2 * SPAN), t + 1)
    now = b.series[name][span][:, [i for i, _ in pairs]].sum()
    usual = a.series[name][span][:, [j for _, j in pairs]].sum()
    if now < (1 + LITTLE) * usual:
        return ""
    more = look.share(round(now / max(usual, 1e-9) - 1, 2))
    return f"Its customers ordered {more} more than in the baseline in the two weeks before."


def _wrong_books(case: _Case, t: int) -> str:
    """Compare the record with the truth around a period."""
    data = case.seen.series
    span = slice(max(0, t - SPAN), t + 1)
    truth = float(data["rows.on_hand"][span][:, case.rows].mean(axis=(0, 2)) @ case.weight)
    books = float(data["rows.record"][span][:, case.rows].mean(axis=(0, 2)) @ case.weight)
    more = books - truth
    if more <= LITTLE * max(truth, _needed(case)) or not _counts(more):
        return ""
    return f"The books show {_amount(case, more)} more than there is, so too little is ordered."


def _lower_target(case: _Case, t: int) -> str:
    """Compare what the policies aim at with the baseline."""
    if not case.paired:
        return ""
    now, usual = (
        float(np.nan_to_num(series.planned_stock(top)[rows]) @ case.weight)
        for top, rows in ((case.top, case.rows), (case.comparison.a.topology, case.before))
    )
    if now >= (1 - LITTLE) * usual:
        return ""
    return f"Its target is {_amount(case, now)}, {_amount(case, usual)} in the baseline."


def _longer_way(case: _Case, t: int) -> str:
    """Compare the lead times of what comes in, here and upstream, with the baseline."""
    a = {e.name: nominal_lead(e) for e in case.comparison.a.topology.links}
    up = upstream(case.top, case.rows)
    more = [
        (nominal_lead(e) - a[e.name], e)
        for i in sorted(up)
        for e in (case.top.links[n] for n in case.top.in_links[i])
        if e.name in a
    ]
    longer, link = max(more, key=lambda found: found[0], default=(0, None))
    if link is None or longer <= 0:
        return ""
    to = look.said(case.top.points[link.to].site.name)
    way = (
        f"making at {to}"
        if link.kind == "make"
        else f"the way from {look.said(link.source)} to {to}"
    )
    now, usual = (look.plural(n, case.period) for n in (nominal_lead(link), a[link.name]))
    return f"{_upper(way)} takes {now}, {usual} in the baseline."


# --------------------------------------------------------------------------------------- network
def upstream(top: Topology, rows: Sequence[int]) -> set[int]:
    """Return some stock points and all that goods come to them from."""
    seen, todo = set(rows), list(rows)
    while todo:
        for e in top.in_links[todo.pop()]:
            more = [i for i, _ in top.links[e].inputs if i not in seen]
            seen.update(more)
            todo += more
    return seen


def downstream(top: Topology, rows: Sequence[int]) -> list[int]:
    """Return some stock points and all that goods from them go on to."""
    seen, todo = set(rows), list(rows)
    while todo:
        for e, _ in top.out_links[todo.pop()]:
            if (to := top.links[e].to) not in seen:
                seen.add(to)
                todo.append(to)
    return sorted(seen)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]

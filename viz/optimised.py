"""The optimisation in the app: running it, and what it found as answers, tables and a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twin.kpis import KPIS
from twin.optimise import Optimised, optimise
from twin.optimise.asked import Asked, arguments
from twin.optimise.goal import usable
from twin.optimise.options import CHOICES
from twin.optimise.result import Finalist
from twin.result import words
from twin.schema import Scenario
from twin.statistics import interval
from twin.study.findings import Chart, Findings, Sheet
from twin.sums import Floats
from viz import look
from viz.study_charts_parts import name, said

NAME = "optimise"
TITLE = (Asked.__doc__ or "").split("\n")[0]

FINALISTS, DRAWN, CANDIDATES = "finalists", "drawn", "candidates"
"""Sheets: those that fresh replications decided about, what is drawn, and all that were tried."""

MOST = 150
"""Most candidates that are drawn besides the finalists."""

PLAIN = ("finalist", "scenario", "choice", "low", "high", "behind", "behind_low", "behind_high", "beside_low",
         "beside_high", "replications")  # fmt: skip
"""Columns of finalists that are neither KPIs nor levers."""

_KINDS = {"cuts": "decoupling points", "kanban": "cards and caps", "backup": "sources"}


def choices() -> dict[str, list[tuple[Any, str]]]:
    """Return (value, words) of the options that are chosen from a list."""
    aims = sorted((name(kpi), kpi) for kpi in usable())
    return {
        "levers": [(kind, _KINDS.get(kind, look.said(kind))) for kind in CHOICES],
        "aim": [(kpi, told) for told, kpi in aims],
    }


def run(
    scenario: Scenario, options: Mapping[str, Any], *, out: Path | None, **work: Any
) -> Findings:
    """Optimise a what-if and return what was found; kept in a folder if there is one.

    Parameters
    ----------
    scenario, out
        As of :func:`twin.optimise.optimise`.
    options
        Of :class:`twin.optimise.asked.Asked`.
    **work
        ``threads``, ``progress``, ``cancelled``, ``told`` and ``force``, as there.

    Raises
    ------
    TwinError
        As there.
    """
    found = findings_of(optimise(scenario, out=out, **arguments(options), **work))
    if out is not None:
        found.save(out)
    return found


def findings_of(found: Optimised) -> Findings:
    """Return what an optimisation came to as answers, tables and a picture."""
    aim, beside = found.goal.measured[:2]
    finalists, candidates = _finalists(found), _candidates(found)
    drawn = _drawn(found, candidates)
    few = f"the {MOST} of {found.tried:,} candidates that the fewest others beat"
    chart = Chart(
        "points", DRAWN, drawn.title, DRAWN, aim, beside, "low", "high", "group", "finalist",
        "Finalists by their number and the scenario as it is: under fresh luck, with 95 % intervals. "
        f"The others are {few if found.tried > MOST else 'all candidates'}, under the luck of the "
        "search.",
    )  # fmt: skip
    return Findings(
        NAME, f"Optimised: {found.given.title or look.said(found.given.name)}", _question(found),
        tuple(_answers(found)), (finalists, drawn, candidates), (chart,), tuple(_limits(found)),
        (*(f"{note[:1].upper()}{note[1:]}." for note in found.notes),
         f"{found.tried:,} candidates tried, {found.runs:,} replications in all; "
         f"scenario {found.given.name} ({found.given.hash()}), seed {found.given.seed}."),
        {str(n): f.changes for n, f in enumerate(found.finalists, start=1)},
    )  # fmt: skip


def _limits(found: Optimised) -> Iterator[str]:
    """Yield what an optimisation cannot tell."""
    if not found.goal.require and not found.goal.penalty:
        yield (
            "Nothing was required and lateness has no price of its own: where backlog and lost sales "
            "cost little, holding next to nothing is cheapest. Require a service to prevent that."
        )
    yield from _LIMITS


_LIMITS = (
    "The confidence is about the finalists, not about all that could be tried: a search can miss a "
    "better region; a larger budget makes that less likely.",
    "Opening stock follows the levels and is free of charge: with a warm-up that is shorter than "
    "the lead times, high levels look too good.",
    "Intervals of finalists hold each for itself, at 95 %; the one that was chosen was chosen by "
    "these numbers, so its gain is quoted from further replications.",
)


# ----------------------------------------------------------------------------------------- tables
def _units(found: Optimised) -> dict[str, str]:
    """Return the unit of the KPIs that are shown, in the words of the scenario."""
    plain = {kpi: str(KPIS[kpi].extra["unit"]) for kpi in found.goal.measured}
    return {k: u if u in ("share", "ratio") else words(u, found.given) for k, u in plain.items()}


def _finalists(found: Optimised) -> Sheet:
    """Return the finalists, the chosen one first, with intervals, differences and levers."""
    aim, beside = found.goal.measured[:2]
    rows = [_finalist(str(n), f, found) for n, f in enumerate(found.finalists, start=1)]
    units = _units(found)
    units |= dict.fromkeys(("low", "high", "behind", "behind_low", "behind_high"), units[aim])
    units |= dict.fromkeys(("beside_low", "beside_high"), units[beside])
    return Sheet(
        FINALISTS, "The best candidates under fresh luck", pd.DataFrame(rows), units,
        "Behind: the difference to the chosen one, paired.",
    )  # fmt: skip


def _finalist(number: str, finalist: Finalist, found: Optimised) -> dict[str, Any]:
    aim, beside = found.goal.measured[:2]
    values: dict[str, Any] = {"finalist": number, "choice": finalist.choice}
    values |= _interval(finalist.values[0], aim, "")
    values |= _interval(finalist.values[1], beside, "beside_")
    behind = finalist.behind(found.best) if finalist is not found.best else (np.nan,) * 3
    values |= dict(zip(("behind", "behind_low", "behind_high"), behind, strict=True))
    return (
        values
        | finalist.levers
        | {"replications": finalist.values.shape[1], "scenario": found.given.name}
    )


def _interval(values: Floats, kpi: str, start: str) -> dict[str, float]:
    mean, low, high, _ = interval(values)
    return {kpi: mean, f"{start}low": low, f"{start}high": high}


def _candidates(found: Optimised) -> Sheet:
    """Return all that was tried, those that the fewest others beat first."""
    aim, beside = found.goal.measured[:2]
    costs, services = (
        np.array([getattr(c, kpi) for c in found.candidates]) for kpi in ("aim", "beside")
    )
    signs = [-1.0 if KPIS[kpi].extra["better"] == "higher" else 1.0 for kpi in (aim, beside)]
    beaten = _beaten(signs[0] * costs, signs[1] * services)
    frame = pd.DataFrame({
        "choice": [c.choice for c in found.candidates], aim: costs, beside: services,
        "lack": [c.lack for c in found.candidates], "beaten": beaten,
    })  # fmt: skip
    frame = frame.sort_values("beaten", kind="stable").reset_index(drop=True)
    return Sheet(CANDIDATES, "All that was tried", frame, _units(found),
                 "Under the luck of the search. Beaten: how many others are better in one and no "
                 "worse in the other.")  # fmt: skip


def _beaten(costs: Floats, losses: Floats) -> Floats:
    """Return how many others have less of one and no more of the other, ``(n,)``.

    Fonseca & Fleming 1993, Proc. 5th Int. Conf. Genetic Algorithms: 416-423.
    """
    more, worse = costs[:, None] - costs, losses[:, None] - losses
    found: Floats = ((more >= 0) & (worse >= 0) & ((more > 0) | (worse > 0))).sum(axis=1)
    return found


def _drawn(found: Optimised, candidates: Sheet) -> Sheet:
    """Return the finalists and the scenario as it is, then the best of all that was tried."""
    aim, beside = found.goal.measured[:2]
    rows: list[dict[str, Any]] = []
    fresh = [(str(n), f.choice, f.values) for n, f in enumerate(found.finalists, start=1)]
    for number, choice, values in [*fresh, ("as it is", "", found.before)]:
        group = {"1": "chosen", "as it is": number}.get(number, "other finalists")
        rows.append({"finalist": number, "group": group, "choice": choice,
                     aim: float(values[0].mean()), **_interval(values[1], beside, "")})  # fmt: skip
    others = candidates.frame[["choice", aim, beside]].head(MOST)
    frame = pd.concat([pd.DataFrame(rows), others.assign(finalist="", group="others")])
    frame["scenario"] = found.given.name
    units = _units(found)
    units |= dict.fromkeys(("low", "high"), units[beside])
    return Sheet(DRAWN, f"{name(aim)} against {name(beside).lower()}",
                 frame.reset_index(drop=True), units)  # fmt: skip


def table(found: Findings) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows of text of the finalists of an optimisation, as the page shows them."""
    sheet, chart = found.sheet(FINALISTS), found.charts[0]
    kpis = (chart.x, chart.y)
    levers = [c for c in sheet.frame.columns if c not in (*PLAIN, *kpis)]
    units = [sheet.units.get(kpi, "") for kpi in kpis]
    heads = ["", "choice", *(_head(k, u) for k, u in zip(kpis, units, strict=True)),
             "behind the chosen", "buffers"]  # fmt: skip
    rows = []
    for row in sheet.frame.to_dict("records"):
        rows.append([
            str(row["finalist"]), str(row["choice"]),
            _spread(row, (kpis[0], "low", "high"), units[0]),
            _spread(row, (kpis[1], "beside_low", "beside_high"), units[1]),
            "chosen" if row["finalist"] == "1" else
            _spread(row, ("behind", "behind_low", "behind_high"), units[0]),
            ", ".join(f"{look.said(c)} {look.number(row[c])}" for c in levers if row[c] == row[c])
            or "as they are",
        ])  # fmt: skip
    return heads, rows


def _head(kpi: str, unit: str) -> str:
    return name(kpi) + (f", {unit}" if unit not in ("", "share", "ratio") else "")


def _spread(row: Mapping[Any, Any], columns: Sequence[str], unit: str) -> str:
    """Return a mean with its interval: ``349,592 (348,000 to 351,000)``."""
    mean, low, high = (float("nan") if row[c] is None else float(row[c]) for c in columns)
    ends = "" if np.isnan(low) else f" ({said(low, unit)} to {said(high, unit)})"
    return f"{said(mean, unit)}{ends}"


# ------------------------------------------------------------------------------------------ words
def _question(found: Optimised) -> str:
    """Return what was wanted."""
    goal = found.goal
    least = "low" if goal.signs()[0] > 0 else "high"
    kept = ", ".join(f"{name(x['kpi']).lower()} {_bound(x)}" for x in found.requirements())
    return f"How is {name(goal.aim).lower()} as {least} as can be" + (
        f", with {kept}?" if kept else ", with nothing required?"
    )


def _bound(told: Mapping[str, Any]) -> str:
    """Return ``at least 95 %`` of a requirement."""
    extra = KPIS[told["kpi"]].extra
    least = "at least" if extra["better"] == "higher" else "at most"
    return f"{least} {said(told['bound'], str(extra['unit']))}"


def _answers(found: Optimised) -> Iterator[str]:
    """Yield what was found, what is missed first."""
    units = _units(found)
    told = found.requirements()
    for x in told:
        if not x["met"]:
            yield (
                f"Not met: {name(x['kpi']).lower()} {_bound(x)} is not reached with 95 % confidence; "
                f"here it is {said(x['after'], units[x['kpi']])}. Lower the bound, let more change, "
                "or try more candidates."
            )
    yield _gain(found, units[found.goal.aim])
    for x in told:
        was, now = (said(x[k], units[x["kpi"]]) for k in ("before", "after"))
        if x["met"]:
            yield f"{name(x['kpi'])}: {now} instead of {was}; {_bound(x)} is met."
    yield _confidence(found, units[found.goal.aim])


def _gain(found: Optimised, unit: str) -> str:
    """Return by how much the chosen candidate is better than the scenario as it is."""
    best = f"The best of {found.tried:,} candidates ({found.best.choice})"
    if np.array_equal(found.before, found.after):
        return f"{best} does the same as the scenario as it is: nothing is to be changed."
    before, after = (said(float(x[0].mean()), unit) for x in (found.before, found.after))
    better, low, high = found.improvement()
    ends = (low, high) if better >= 0 else (-high, -low)
    gain, least, most = (said(x, unit) for x in (abs(better), *ends))
    word, shown = "better" if better >= 0 else "worse", _shown(unit)
    return (
        f"{best} has a {name(found.goal.aim).lower()} of {after}{shown} instead of {before}{shown}: "
        f"{word} by {gain} ({least} to {most}), on {found.after.shape[1]} fresh replications."
    )


def _shown(unit: str) -> str:
    """Return a unit as it stands behind a number that does not say it itself."""
    return "" if unit in ("", "share", "ratio") else f" {unit}"


def _confidence(found: Optimised, unit: str) -> str:
    n, ranking = len(found.finalists), found.ranking
    if ranking.confidence is None:
        return "Only one finalist is left: nothing to compare it with, so no confidence is given."
    return (
        f"With {look.share(ranking.confidence)} confidence none of the {n} finalists is better than "
        f"the chosen one by {said(ranking.delta, unit)}{_shown(unit)} or more."
    )

"""What a study of one's own found: answers, tables and charts out of its runs alone.

Ready-made studies tell their findings themselves; this is for all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin.kpis import KPIS
from twin.load import load
from twin.result import words
from twin.study.findings import Chart, Findings, Sheet
from twin.study.result import Study
from viz import look
from viz.study_charts_parts import cell, name, text

DRAWN = ("latin_hypercube", "sobol")
FEW = 6
"""Most groups that stand side by side in bars or lines; more become a heat map."""
NAMED = 3
"""Most differences from the base that name a run; beyond them it has its number alone."""


@dataclass(frozen=True)
class _Told:
    """A study with what all its tables need."""

    study: Study
    units: Mapping[str, str]
    labels: Mapping[int, str]
    design: str

    @property
    def factors(self) -> tuple[str, ...]:
        return self.study.factors

    def moved(self, metric: str) -> str:
        """Return the unit of differences of a KPI: shares differ by percentage points."""
        return "points" if self.units[metric] == "share" else self.units[metric]


def findings_of(study: Study) -> Findings:
    """Return what the runs of a study say: per KPI the best and worst, and what they depend on."""
    manifest = study.manifest
    given = manifest["study"]
    told = _Told(study, _units(study), _labels(study), given.get("design", {}).get("kind", "grid"))
    answers, sheets, charts = [], [], []
    for metric in study.metrics:
        sheet = _sheet(told, metric)
        answers.append(_answer(told, metric, sheet.frame))
        sheets.append(sheet)
        for extra, chart in _charts(told, metric, sheet):
            sheets += [] if extra is sheet else [extra]
            charts.append(chart)
    return Findings(
        name=given["name"], title=given.get("title") or look.said(given["name"]),
        question=given.get("description", "").strip(), answers=tuple(answers),
        sheets=tuple(sheets), charts=tuple(charts), limits=tuple(_limits(told)),
        notes=(_rests_on(manifest),),
    )  # fmt: skip


def _units(study: Study) -> dict[str, str]:
    """Return the unit of each KPI, in the words of the scenario where it is at hand."""
    plain = dict(zip(*(study.table[c].to_pylist() for c in ("metric", "unit")), strict=True))
    if study.folder is None:
        return plain
    scenario = load(study.folder / "scenario.yaml")
    return {k: u if u in ("share", "ratio") else words(u, scenario) for k, u in plain.items()}


def _labels(study: Study) -> dict[int, str]:
    """Return what each run is called: what differs from the base."""
    runs = study.frame().drop_duplicates("point").set_index("point")
    base = runs[runs["base"]].iloc[0]
    found = {}
    for point, run in runs.iterrows():
        other = [f for f in study.factors if not _same(run[f], base[f])]
        told = ", ".join(f"{look.said(f)} {text(run[f])}" for f in other)
        number = int(str(point))
        found[number] = "base" if run["base"] else told
        if not run["base"] and (not other or len(other) > NAMED):
            found[number] = f"run {point}"
    return found


def _same(a: Any, b: Any) -> bool:
    return bool(a == b or (pd.isna(a) and pd.isna(b)))


# ----------------------------------------------------------------------------------------- tables
def _sheet(told: _Told, metric: str) -> Sheet:
    """Return the runs of a KPI with their paired differences from the base, largest first."""
    study = told.study
    runs = study.frame()
    runs = runs[runs["metric"] == metric].rename(columns={"mean": metric})
    differ = study.differences(metrics=[metric]).rename(
        columns={"low": "difference_low", "high": "difference_high"}
    )
    columns = ["point", "difference", "difference_low", "difference_high", "clear"]
    if told.units[metric] == "share":
        differ[columns[1:4]] *= 100
    table = runs.merge(differ[columns], on="point", how="left")
    table["run"] = table["point"].map(told.labels)
    size = table["difference"].abs().where(~table["base"], np.inf)
    table = table.loc[size.sort_values(ascending=False, kind="stable").index]
    table["clear"] = table["clear"].map({True: "yes", False: "no"}).fillna("")
    order = ["run", metric, "low", "high", *columns[1:], "n", *told.factors]
    units = dict.fromkeys((metric, "low", "high"), told.units[metric])
    units |= dict.fromkeys(columns[1:4], told.moved(metric))
    return Sheet(
        metric, f"{name(metric)} of every run", table[order].reset_index(drop=True), units,
        "Intervals 95 %; differences are paired with the base run, which had the same luck.",
    )  # fmt: skip


def _levers(told: _Told, metric: str, sheet: Sheet) -> Sheet:
    """Return how far each factor alone moves a KPI down and up from the base."""
    rows = []
    base = sheet.frame[sheet.frame["run"] == "base"].iloc[0]
    for factor in told.factors:
        moved = sheet.frame[[not _same(x, base[factor]) for x in sheet.frame[factor]]]
        if moved.empty:
            continue
        least = moved.loc[moved["difference"].idxmin()]
        most = moved.loc[moved["difference"].idxmax()]
        rows.append({
            "factor": look.said(factor), "lowest": min(0.0, least["difference"]),
            "highest": max(0.0, most["difference"]), "lowest_at": text(least[factor]),
            "highest_at": text(most[factor]), "base": text(base[factor]),
            "clear": "yes" if (moved["clear"] == "yes").any() else "no",
        })  # fmt: skip
    frame = pd.DataFrame(rows)
    frame["swing"] = frame["highest"] - frame["lowest"]
    frame = frame.sort_values("swing", ascending=False, kind="stable").reset_index(drop=True)
    unit = dict.fromkeys(("lowest", "highest", "swing"), told.moved(metric))
    return Sheet(f"levers_{metric}", f"Levers of {name(metric).lower()}", frame, unit,
                 "Lowest and highest difference from the base that a factor makes alone.")  # fmt: skip


def _correlations(told: _Told, metric: str, sheet: Sheet) -> Sheet:
    """Return Spearman's rank correlation of a KPI with each factor that is a number.

    Intervals by Fisher's z with the variance 1.06 / (n - 3) (Fieller, Hartley & Pearson 1957,
    Biometrika 44: 470-481).
    """
    drawn = sheet.frame[sheet.frame["run"] != "base"]
    rows = []
    for factor in told.factors:
        if not told.study.manifest["columns"][factor]:
            continue
        pair = drawn[[factor, metric]].dropna().rank()
        n, rho = len(pair), float(pair[factor].corr(pair[metric]))
        half = 1.96 * np.sqrt(1.06 / (n - 3)) if n > 3 else np.nan
        z = np.arctanh(np.clip(rho, -1 + 1e-15, 1 - 1e-15))
        rows.append({"factor": look.said(factor), "correlation": rho, "low": np.tanh(z - half),
                     "high": np.tanh(z + half), "n": n})  # fmt: skip
    frame = pd.DataFrame(rows, columns=["factor", "correlation", "low", "high", "n"])
    frame = frame.loc[frame["correlation"].abs().sort_values(ascending=False).index]
    return Sheet(f"levers_{metric}", f"Rank correlation with {name(metric).lower()}",
                 frame.reset_index(drop=True),
                 caption="Rank correlation over the drawn runs, with 95 % intervals.")  # fmt: skip


# ----------------------------------------------------------------------------------------- charts
def _charts(told: _Told, metric: str, sheet: Sheet) -> Iterator[tuple[Sheet, Chart]]:
    """Yield the picture of a KPI that suits the design, with the sheet it is drawn from."""
    title = name(metric)
    if told.study.manifest["points"] == 1:
        return
    if told.design in DRAWN:
        found = _correlations(told, metric, sheet)
        if len(found.frame):
            yield found, Chart("bars", f"{metric}_correlations", found.title, found.name, "factor",
                               "correlation", "low", "high")  # fmt: skip
    elif told.design == "one_at_a_time":
        found = _levers(told, metric, sheet)
        yield found, Chart("tornado", f"{metric}_levers", f"Which lever moves {title.lower()}",
                           found.name, "factor", "swing", "lowest", "highest",
                           caption="Each factor alone, against the base.", zero=True)  # fmt: skip
    elif len(told.factors) <= 2 and told.design == "grid":
        yield sheet, _of_grid(told, metric, title)
    else:
        yield sheet, Chart("bars", f"{metric}_differences", f"{title}: difference from the base",
                           sheet.name, "run", "difference", "difference_low", "difference_high")  # fmt: skip


def _of_grid(told: _Told, metric: str, title: str) -> Chart:
    """Return the picture of one or two factors varied over a grid."""
    numeric = told.study.manifest["columns"]
    first, *rest = sorted(told.factors, key=lambda f: not numeric[f])
    group = rest[0] if rest else None
    title += f" by {look.said(first)}" + (f" and {look.said(group)}" if group else "")
    levels = told.study.frame()[group].nunique() if group else 1
    kind = "lines" if numeric[first] else "bars"
    if levels > FEW:
        return Chart("grid", f"{metric}_map", title, metric, first, metric, group=group)
    return Chart(kind, f"{metric}_{kind}", title, metric, first, metric, "low", "high", group)


# ------------------------------------------------------------------------------------------ words
def _answer(told: _Told, metric: str, table: pd.DataFrame) -> str:
    """Return in a sentence where a KPI is best and worst, and how many runs differ clearly."""
    base = table[table["run"] == "base"].iloc[0]
    unit = told.units[metric]
    value = cell(float(base[metric]), unit)
    shown = "" if unit in ("share", "ratio") else f" {unit}"
    said = f"{name(metric)}: {value}{shown} in the base run"
    others = table[table["run"] != "base"]
    clear = others[others["clear"] == "yes"]
    if others.empty:
        return f"{said}, the only one."
    if others["n"].max() < 2:
        return f"{said}; one replication has no interval, so nothing is clear: run more of them."
    if clear.empty:
        return f"{said}; none of {len(others)} other runs differs clearly."
    up = KPIS[metric].extra["better"] == "higher"
    order = clear.sort_values("difference", ascending=not up)
    best, worst = order.iloc[0], order.iloc[-1]
    parts = [f"best with {_moved(told, metric, best)}"] if (best["difference"] > 0) == up else []
    parts += (
        [f"worst with {_moved(told, metric, worst)}"] if (worst["difference"] > 0) != up else []
    )
    return f"{said}; {', '.join(parts)}. {len(clear)} of {len(others)} runs differ clearly from it."


def _moved(told: _Told, metric: str, row: pd.Series) -> str:
    """Return a run with its difference from the base and the interval."""
    moved, low, high = (float(row[c]) for c in ("difference", "difference_low", "difference_high"))
    unit = told.moved(metric)
    ends = "" if np.isnan(low) else f" ({look.number(low)} to {look.number(high)})"
    sign = "+" if moved > 0 else ""
    shown = "" if unit == "ratio" else f" {unit}"
    return f"{row['run']}: {sign}{look.number(moved)}{shown}{ends}"


def _limits(told: _Told) -> Iterator[str]:
    """Yield what such a study cannot tell."""
    if told.design == "one_at_a_time":
        yield "One factor at a time: what factors do together is not seen."
    if told.design in DRAWN:
        yield "Rank correlations see trends that go one way; a factor that helps in the middle looks idle."
    if told.study.manifest["replications"] == 1:
        yield "One replication has no interval: differences may be luck."
    yield (
        "Each interval holds for itself at 95 %: among many comparisons about one in twenty seems "
        "clear by luck alone. All ranges are those of the study file."
    )


def _rests_on(manifest: Mapping[str, Any]) -> str:
    """Return what a study ran on and with."""
    scenario = manifest["scenario"]
    told = [
        f"scenario {scenario['title'] or scenario['name']} ({scenario['hash']})",
        f"seed {manifest['seed']}", f"{manifest['points']:,} runs",
        f"{manifest['replications']} replications at most",
        *(f"{package} {version}" for package, version in manifest["versions"].items()),
    ]  # fmt: skip
    return f"Simulated, not measured: {', '.join(told)}."

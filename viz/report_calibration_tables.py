"""The tables of a calibration's report, and the same as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from calibration.backtest import Histogram
from calibration.check import Checked
from calibration.evidence import Curve
from twin.schema import Scenario
from twin.topology import build
from viz import look
from viz.report import Block, Note, Row, Table
from viz.report_calibration_changes import keeps

ROWS = 30
"""Most rows of a table on the page; its file has all of them."""

UNCHANGED = 12
"""Most values on the page that did not change."""

STILL = 0.01
"""Units: stock that a guess predicts better than that does not vary, and there is nothing to predict."""

Found = Mapping[str, Any]


def more(shown: int, rows: int, file: str) -> str:
    """Return where all rows of a table are."""
    less = f"{shown} of {rows:,} rows; all are in" if shown < rows else "Data:"
    return f"{less} {file}.csv."


def points(found: Found, scenario: Scenario) -> pd.DataFrame:
    """Return how well the model fits each stock point, the worst first."""
    own = {p.name: p.settings.policy.kind for p in build(scenario).points}
    rows = []
    for p in found["points"]:
        held = p["held_out"] or {}
        kept = keeps(p, found["flagged"], own.get(p["name"], ""))
        worst = "; ".join(f"{name} ({gap:.1f} sd)" for name, gap in p["worst"])
        rows.append({
            "point": p["name"], "ordering": p["kind"], "p_value": p["p_value"],
            "flagged": p["name"] in found["flagged"], "worst": worst,
            "periods": held.get("periods", 0), "coverage": held.get("coverage"),
            "crps": held.get("crps"), "guess": held.get("baseline"),
            "orders_place": held.get("orders"), "kept": kept, "orders": p.get("orders", 0),
            "varies": bool(held) and max(held["crps"], held["baseline"]) > STILL,
            "drawn": bool(p["draws"]),
        })  # fmt: skip
    table = pd.DataFrame(rows)
    for column in ("p_value", "coverage", "crps", "guess", "orders_place"):
        table[column] = table[column].astype(float) if rows else []
    return table.sort_values("p_value", kind="stable").reset_index(drop=True) if rows else table


def fit(table: pd.DataFrame) -> Table:
    """Return the table of p-values and held-out checks."""
    tested = table[table["p_value"].notna()]
    rows = []
    for _, p in tested.head(ROWS).iterrows():
        held = "does not vary"
        if p["varies"]:
            better = "better" if p["crps"] < p["guess"] else "worse"
            held = f"{look.number(p['crps'])} against {look.number(p['guess'])}: {better}"
        reason = p["kept"].partition(":")[0]
        rule = f"kept: {reason}" if reason else "inferred"
        worst = p["worst"].partition(" (")[0]
        rows.append([look.said(p["point"]), f"{p['p_value']:.3f}", worst, held, rule])
    told = (
        "p: share of replicates of the calibrated model at least as far out as what was seen; at 0.01 "
        "or less it does not fit, as luck alone has it with one right model of 100 "
        f"({len(tested) / 100:.2g} of these {len(tested)}). Held out: error in the last part of the "
        "record (CRPS, units) against that of a guess from before. Kept: the start's rule. "
    )
    titles = ["stock point", "p", "fits worst", "stock, held out", "rule"]
    return Table(titles, rows, frozenset({1}), told + more(len(rows), len(tested), "points"),
                 "Does it fit, point by point")  # fmt: skip


def changed(table: pd.DataFrame) -> Iterator[Block]:
    """Yield what changed: first what did, then what did not, then what keeps the start's rule."""
    if table.empty:
        return
    kept = table["kept"] != ""
    files = {r.rpartition(":")[0] for r in table["rows"].str.partition(" ")[0] if r}
    one = f"{files.pop()}:" if len(files) == 1 else ""
    rows: list[Row] = []
    groups = (("Changed", table[~kept & (table["size"] > 0)], ROWS),
              ("Unchanged", table[~kept & (table["size"] == 0)], UNCHANGED))  # fmt: skip
    for name, part, most in groups:
        if len(part):
            shown = f": the first {most}" if len(part) > most else ""
            rows.append(Row([f"{name} ({len(part)}{shown})", *[""] * 4], group=True))
        rows += [_change(r, name == "Unchanged", one) for _, r in part.head(most).iterrows()]
    for reason, part in table[kept].groupby("kept", sort=False):
        names = [key.removeprefix("stock of ").partition(":")[0] for key in part["key"]]
        keep = "keep" if len(part) > 1 else "keeps"
        text = f"{look.plural(len(part), 'stock point')} {keep} the start's rule ({reason}): "
        rows.append(Row([text + look.listed(names, 6), *[""] * 4], group=True))
    told = "Largest changes first; what is not here stays as the start has it. "
    told += f"Rows are those of {one.removesuffix(':')}. " if one else ""
    yield Table(["what", "start", "calibrated", "90 %", "from"], rows, frozenset({1, 2, 3}),
                f"{told}All: changes.csv.", "What changed")  # fmt: skip


def _change(r: Any, quiet: bool, file: str) -> Row:
    ends = _ends(r["low"], r["high"])
    source = f"{r['n']:,} {r['of']}" if r["n"] else ""
    if r["rows"]:
        source += f", rows {r['rows'].removeprefix(file)}"
    told = "; ".join(filter(None, (source, r["kept"] or r["remark"])))
    return Row([r["what"], r["before"], r["after"], ends, told], quiet=quiet)


def estimates(found: Found) -> Iterator[Block]:
    """Yield the direct estimates."""
    rows = [
        [look.said(e["name"].replace("->", " → ")), "" if _at_least(e) else look.number(e["value"]),
         _ends(e["low"], e["high"]) if tells(e) else _at_least(e) or "not identified", f"{e['n']:,}",
         look.said("; ".join(filter(None, (e["method"], e["note"]))))]
        for e in found["estimates"]
    ]  # fmt: skip
    if rows:
        n = min(len(rows), 2 * ROWS)
        titles = ["what", "value", "90 %", "from", "how"]
        yield Table(titles, rows[:n], frozenset({1, 2, 3}), more(n, len(rows), "estimates"),
                    "Estimated directly", new_page=True)  # fmt: skip


def tells(estimate: Found) -> bool:
    """Return whether events tell an estimate; findings of an older version do not say."""
    return bool(estimate.get("known", True))


def _at_least(estimate: Found) -> str:
    """Return the bound of what the events do not tell, if they give one."""
    low = estimate["low"]
    bounded = not tells(estimate) and low is not None and not np.isnan(low)
    return f"at least {look.number(low)}" if bounded else ""


def _ends(low: float, high: float) -> str:
    """Return an interval as text, empty where there is none."""
    if np.isnan(low):
        return ""
    return "sure" if low == high else f"{look.number(low)} to {look.number(high)}"


def inferred(found: Found) -> Iterator[Block]:
    """Yield what was inferred, by stock point; then what is said of some, once for all of them."""
    rows: list[Row] = []
    said: dict[str, list[str]] = {}
    for p in found["points"]:
        for note in [p["reason"]] if p["reason"] else p["notes"]:
            said.setdefault(note, []).append(p["name"])
        if not p["reason"]:
            rows += _point(p)
    if rows:
        n = min(len(rows), 4 * ROWS)
        yield Table(["what", "median", "90 %", ""], rows[:n], frozenset({1, 2}),
                    more(n, len(rows), "inferred"), "Inferred by simulation")  # fmt: skip
    for i, (note, names) in enumerate(said.items()):
        yield Note(f"{look.listed(names, 6)}: {note}.", "" if i else "To be careful about")


def _point(p: Found) -> Iterator[Row]:
    likely = p["kinds"].get(p["kind"], 1.0)
    doubt = f", {look.share(round(likely, 2))} likely" if likely < 0.995 else ""
    yield Row([f"{look.said(p['name'])}: {look.said(p['kind'])}{doubt}", *[""] * 3], group=True)
    for r in p["identified"]:
        kept = "" if r["identified"] else "not identified: prior kept"
        cells = [look.said(r["name"]), look.number(r["middle"]), _ends(r["low"], r["high"]), kept]
        yield Row(cells, quiet=bool(kept))


def unidentified(found: Found) -> Iterator[Block]:
    """Yield what the data do not tell, and what stands in its place."""
    rows = [
        [look.said(thing), look.said(what), "not drawn", ""]
        for e in found["estimates"] if not tells(e) and not _at_least(e)
        for what, _, thing in [e["name"].replace("->", " → ").rpartition(" of ")]
    ]  # fmt: skip
    rows += [
        [look.said(p["name"]), look.said(r["name"]), f"{look.number(r['low'])} to {look.number(r['high'])}",
         look.share(min(1.0, r["width"]))]
        for p in found["points"] for r in p["identified"] if not r["identified"]
    ]  # fmt: skip
    if rows:
        yield Table(
            ["stock point", "what", "90 % drawn from", "width over the prior's"], rows[:ROWS],
            frozenset({2, 3}), "Runs draw it from the whole range in which it was looked for, so bands "
            "carry it; what is not drawn (estimates.csv) stays as the calibrated scenario has it. Events that "
            "would tell are named by `twin telemetry`. "
            + more(min(len(rows), ROWS), len(rows), "inferred"), "What is not identified",
        )  # fmt: skip


def decoupling(found: Found) -> Iterator[Block]:
    """Yield how likely each place of the decoupling point is."""
    rows = [
        [look.said(family), look.said(stage), look.share(round(p, 3))]
        for family, places in found["decoupling"].items()
        for stage, p in sorted(places.items(), key=lambda pair: -pair[1])
        if p >= 0.005
    ]
    if rows:
        yield Table(
            ["family", "stage", "probability"], rows, frozenset({2}),
            "By how the stock points order that the model fits; every place was equally likely before. "
            "Where none has more than one half, that of the scenario stays. Data: decoupling.csv.",
            "Where the decoupling point is",
        )  # fmt: skip


def scores(checked: Checked) -> Table:
    """Return the scores of the demand models in the back-test."""
    summary = checked.backtest.summary()
    return Table(
        ["demand model", "scaled CRPS", "coverage of 90 %", "interval score"],
        [[look.said(str(model)), look.number(row["scaled_crps"]), look.share(row["coverage"]),
          look.number(row["interval_score"])] for model, row in summary.iterrows()],
        numbers=frozenset({1, 2, 3}), title="Back-test of demand, rolling origin",
        caption="Chosen before the first origin; lower scores are better. Data: scores.csv.",
    )  # fmt: skip


# --------------------------------------------------------------------------------------- as data
def estimates_data(found: Found) -> pd.DataFrame:
    """Return the direct estimates without their draws."""
    columns = ["name", "key", "value", "low", "high", "n", "method", "note"]
    rows = [[e[c] for c in columns] + [tells(e), " ".join(e["refs"])] for e in found["estimates"]]
    return pd.DataFrame(rows, columns=[*columns, "known", "rows"])


def inferred_data(found: Found) -> pd.DataFrame:
    """Return what was inferred of each hidden quantity, with the range of its prior."""
    rows = [
        {"point": p["name"], "ordering": p["kind"], **r,
         "least": p["ranges"].get(r["name"], (np.nan,) * 2)[0],
         "most": p["ranges"].get(r["name"], (np.nan,) * 2)[1]}
        for p in found["points"] for r in p["identified"]
    ]  # fmt: skip
    columns = [
        "point",
        "ordering",
        "name",
        "low",
        "middle",
        "high",
        "width",
        "identified",
        "least",
        "most",
    ]
    return pd.DataFrame(rows, columns=columns)


def decoupling_data(found: Found) -> pd.DataFrame:
    """Return the probability of every place of the decoupling points."""
    rows = [(f, s, p) for f, places in found["decoupling"].items() for s, p in places.items()]
    return pd.DataFrame(rows, columns=["family", "stage", "probability"])


def curves_data(curves: Sequence[Curve]) -> pd.DataFrame:
    """Return the points of all curves."""
    parts = [
        pd.DataFrame({"kind": c.kind, "name": c.name, "law": c.law, "x": c.x, "seen": c.seen,
                      "fitted": c.fitted, "start": c.start, "n": c.n, "at_least": c.more,
                      "at_most": c.less, "gap": c.gap, "limit": c.limit})
        for c in curves
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def histograms_data(counted: Sequence[tuple[str, Histogram | None]]) -> pd.DataFrame:
    """Return the bars of histograms and the bands of a right model."""
    rows = [
        (title, i / len(h.counts), (i + 1) / len(h.counts), n, low, high)
        for title, h in counted
        if h is not None
        for i, (n, low, high) in enumerate(zip(*h, strict=True))
    ]
    columns = ["histogram", "from", "to", "count", "band_low", "band_high"]
    return pd.DataFrame(rows, columns=columns)

"""Run the page on calibration and make its figures: ``python docs/calibration_figures.py [FOLDER]``.

The blocks of the page run one after the other in a new folder (or the one given), as the tests run
them; ``calibration-estimates.svg`` and ``calibration-answer.svg`` show what came out.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from typer.testing import CliRunner

import twin
from twin.cli import app
from twin.schema import Scenario
from twin.study.findings import Chart, Sheet
from twin.topology import build
from viz import look
from viz.study_charts import svg
from viz.study_charts_parts import Data
from viz.study_charts_rows import bars

HERE = Path(__file__).resolve().parent
PAGE = HERE / "calibration.md"
CHAINS = {
    "true twin": "true.yaml",
    "calibrated": "calibrated.yaml",
    "wrong start": "wrong/scenario.yaml",
}
MADE_TO_ORDER = {"families.pumps.decoupling_point": "factory"}
DAYS = range(5, 16)
YEARS = 200


def blocks(page: str) -> list[tuple[str, str]]:
    """Return language and text of the blocks of a page, in their order."""
    return re.findall(r"^```(\w+)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def follow(more: Mapping[str, list[str]] | None = None) -> dict[str, str]:
    """Run the page here and now; return what each command, and its Python (``python``), said.

    Parameters
    ----------
    more
        Arguments to add, by command: the tests calibrate with fewer simulations.

    Raises
    ------
    RuntimeError
        If a command fails.
    """
    said: dict[str, str] = {}
    for language, text in blocks(PAGE.read_text(encoding="utf-8")):
        if language == "yaml":
            Path(text.split()[1]).write_text(text, encoding="utf-8")
        elif language == "python":
            told = io.StringIO()
            with contextlib.redirect_stdout(told):
                exec(compile(text, PAGE.name, "exec"), {})
            said["python"] = told.getvalue()
        elif language == "sh":
            for line in text.splitlines():
                _, command, *rest = shlex.split(line)
                done = CliRunner().invoke(app, [command, *rest, *(more or {}).get(command, [])])
                if done.exit_code:
                    msg = f"{line}: {done.output}"
                    raise RuntimeError(msg)
                said[command] = said.get(command, "") + done.output
    return said


# --------------------------------------------------------------------------------------- estimates
def values(chain: Scenario) -> dict[str, float]:
    """Return the numbers of a chain that calibration looks for, by the names it gives them."""
    found: dict[str, float | None] = {}
    for d in chain.demand:
        where = f"{d.site}/{d.item}"
        found[f"mean demand of {where}"] = d.mean
        found[f"variance over mean of demand of {where}"] = getattr(d, "variance_to_mean", 1.0)
    for lane in chain.lanes:
        time: Any = lane.lead_time
        if time.kind == "gamma":
            found[f"mean lead time of {lane.source}->{lane.to}"] = time.mean
            found[f"lead time cv of {lane.source}->{lane.to}"] = time.cv
    for made in chain.production:
        found[f"capacity of make to {made.site}/{made.item}"] = made.capacity
    for point in build(chain).points:
        policy = point.settings.policy
        for key in ("safety_factor", "lot"):
            found[f"{point.name} policy.{key}"] = getattr(policy, key)
    return {name: value for name, value in found.items() if value is not None}


def estimates() -> Sheet:
    """Return what was found, as parts of the truth, beside what the start said."""
    true, wrong = (values(twin.load(CHAINS[c])) for c in ("true twin", "wrong start"))
    found = json.loads(Path("calibrated.calibration.json").read_text(encoding="utf-8"))
    known = [(e["name"], e["low"], e["value"], e["high"]) for e in found["estimates"]]
    known += [
        (f"{p['name']} {row['name']}", row["low"], row["middle"], row["high"])
        for p in found["points"] for row in p["identified"]
    ]  # fmt: skip
    rows = []
    for name, low, middle, high in known:
        if (truth := true.get(name)) is None:
            continue
        words = name.replace("policy.", "").replace(
            "variance over mean of demand", "demand variance"
        )
        rows.append([words, "calibrated", *(x / truth for x in (low, middle, high))])
        rows.append([words, "wrong start", None, wrong[name] / truth, None])
    columns = ["what", "from", "low", "part of the truth", "high"]
    return Sheet(
        "estimates", "", pd.DataFrame(rows, columns=columns), dict.fromkeys(columns[2:], "ratio")
    )


def draw_estimates() -> str:
    """Return the picture of estimates against the truth as SVG."""
    chart = Chart(
        "bars", "estimates", "Estimates as parts of the truth, with 90 % intervals", "estimates",
        x="what", y="part of the truth", low="low", high="high", group="from",
    )  # fmt: skip
    out = io.StringIO()
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg"}):
        picture = bars(Data(chart, estimates()))
        picture.axes[-1].axvline(1, color=look.INK, lw=0.9, ls=(0, (3, 2)), zorder=2.5)
        picture.sentence = chart.title
        picture.savefig(out, format="svg")
    return out.getvalue()


# ------------------------------------------------------------------------------------------ answer
def draw_answer() -> str:
    """Return the picture of what customers' patience is worth, as SVG."""
    rows = []
    for name, chain in CHAINS.items():
        for days in DAYS:
            change = {**MADE_TO_ORDER, "families.pumps.tolerance": days}
            years = twin.run(chain, set=change, replications=YEARS).per_replication["on_time"]
            low, middle, high = years.quantile([0.05, 0.5, 0.95])
            band = (low, high) if name != "true twin" else (None, None)
            rows.append([name, days, band[0], middle, band[1]])
    columns = ["chain", "days customers wait", "low", "on time", "high"]
    units = dict.fromkeys(columns[2:], "share")
    chart = Chart(
        "lines", "answer", "On time by what customers are ready to wait, made to order", "answer",
        x=columns[1], y="on time", low="low", high="high", group="chain", zero=True,
    )  # fmt: skip
    return svg(chart, Sheet("answer", chart.title, pd.DataFrame(rows, columns=columns), units))


def main(folder: Path) -> None:
    """Run the page in a folder, say what its Python said, and write the figures."""
    os.chdir(folder)
    print(follow()["python"])
    for name, draw in (("estimates", draw_estimates), ("answer", draw_answer)):
        (HERE / f"calibration-{name}.svg").write_text(draw(), encoding="utf-8")
        print(f"wrote docs/calibration-{name}.svg")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))

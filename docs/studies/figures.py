"""Make the figures of the pages of studies: ``python docs/studies/figures.py [NAME ...]``.

Each is a chart of the first command on its page. Parts of the study that the chart does not show
are left out or made small, which changes nothing about it. The optimisation (``optimise``) takes a
few minutes, the others about one together.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from twin.load import load
from twin.study.ready import ready_made
from viz import optimised
from viz.exports import study_pictures

HERE = Path(__file__).resolve().parent

FIGURES: dict[str, tuple[str, dict[str, Any]]] = {
    "stress-test": ("exposure", {"worst": 1}),
    "decoupling-frontier": (
        "mirror", {"most": 2, "buffers": "given", "levers": [], "tail": 0.01, "set": {"horizon": 240}},
    ),
    "value-of-information": ("placement", {"noise": [], "delay": [], "loss": [], "uptime": []}),
    "covid-wave": ("ripple", {"lengths": [14], "paces": [1], "uptimes": [0.5, 1]}),
    "sensitivity": ("tornado_running_cost", {"method": "tornado"}),
}  # fmt: skip
"""Chart and options by study."""

OPTIMISED: dict[str, Any] = {"require": "on_time>=0.95"}
"""Options of the optimisation."""


def main(names: list[str]) -> None:
    """Write ``NAME.svg`` for some studies, or for all."""
    for name in names or [*FIGURES, optimised.NAME]:
        if name == optimised.NAME:
            found = optimised.run(load("electronics"), OPTIMISED, out=None)
            file, chart = HERE.parent / f"{name}.svg", optimised.DRAWN
        else:
            chart, options = FIGURES[name]
            found, file = ready_made(name, options), HERE / f"{name}.svg"
        file.write_text(study_pictures(found)[chart], encoding="utf-8")
        print(f"wrote {file.relative_to(HERE.parents[1])}")


if __name__ == "__main__":
    main(sys.argv[1:])

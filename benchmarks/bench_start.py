"""The first minute: how long a new process takes to its first answer, beside importing numba.

Run it with a core install's Python to measure what a user has: ``.venv`` with the test extra
starts 0.1 to 0.5 s later (packages of its own hook into the start of every process).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import harness
import numpy as np

CLONE = Path(__file__).parents[1]
FLAGSHIP = (sys.executable, "-m", "twin.cli", "run", "configs/electronics.yaml")
IMPORTS = (sys.executable, "-c", "import numba, networkx, pydantic")


def process(*words: str) -> Callable[[], float]:
    """Return a measured run of a new process."""
    return lambda: harness.wall(
        lambda: subprocess.run(words, cwd=CLONE, check=True, capture_output=True)
    )


def main() -> None:
    table = harness.Table("First minute")
    found = harness.take_turns({"run": process(*FLAGSHIP), "imports": process(*IMPORTS)}, 9)
    run, imports = (float(np.median(found[name])) for name in ("run", "imports"))
    table.add(
        "twin run configs/electronics.yaml, new process, warm", f"{run:.2f} s", "≤ 3 s",
        f"importing numba, networkx and pydantic: {imports:.2f} s ({run / imports:.1f} times it)",
        found["triad"], run <= 3,
    )  # fmt: skip
    table.write()


if __name__ == "__main__":
    main()

"""Telling how far a calibration is, and how long it will take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

Progress = Callable[[str, int, int, float], None]
"""Called with (what is going on, done, in all, seconds left; NaN while nobody can tell)."""


class Clock:
    """Counts finished stock points and guesses how long the others will take."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total = progress, total
        self.n, self.fresh, self.begun = 0, 0, time.perf_counter()
        self.lock = threading.Lock()
        progress("inferring stock points", 0, total, float("nan"))

    def done(self, points: int, *, kept: bool) -> None:
        """Count some stock points more, ``kept`` from another run or inferred now."""
        with self.lock:
            self.n += points
            self.fresh += 0 if kept else points
            each = (time.perf_counter() - self.begun) / self.fresh if self.fresh else float("nan")
            self.progress(
                "inferring stock points", self.n, self.total, each * (self.total - self.n)
            )

"""Talking to a terminal or a pipe, showing progress, and stopping when asked to."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

PATIENCE = 3.0
"""Seconds that an interrupted run has to stop by itself."""

INTERRUPTED = 130
"""Exit code of a command that was stopped with Ctrl-C (128 + SIGINT)."""


def forgive_encoding() -> None:
    """Let a terminal that cannot show a letter (LANG=C) show a replacement instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def say(text: str) -> None:
    """Print a text that the user asked for."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def note(text: str) -> None:
    """Print a remark beside the output, on stderr."""
    sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()


def heading(text: str) -> str:
    """Return a text in bold if stdout is a terminal that may be coloured."""
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[1m{text}\x1b[0m"


class Progress:
    """A bar with the time left on stderr; nothing where stderr is no terminal.

    Parameters
    ----------
    shown
        Whether a bar is wanted at all.
    """

    def __init__(self, shown: bool = True) -> None:
        self.cancelled = threading.Event()
        self._bar: Any = None
        self._task: Any = None
        self._shown = shown and sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Show how much is done of how much in all."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)

    def stage(self, what: str, done: int, total: int, left: float) -> None:
        """Show which stage of something longer is under way, and how much of it is done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, description=what)

    def remark(self, text: str) -> None:
        """Print a remark on stderr, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)
        else:
            note(text)

    def __enter__(self) -> Progress:
        """Show the bar; from here on Ctrl-C stops the run."""
        self._old = _interrupts(self.cancelled)
        if self._shown:
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task("running", total=None)
        return self

    def hide(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __exit__(self, *_: object) -> None:
        """Take the bar away, and let Ctrl-C do what it did before."""
        self.hide()
        if self._old is not None:
            signal.signal(signal.SIGINT, self._old)


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _interrupts(cancelled: threading.Event) -> Any:
    """Have Ctrl-C set an event as well; return the handler before, nothing outside a main thread.

    Work in other threads ends at its next look at the event. The compiler never looks: if the
    process still lives after :data:`PATIENCE`, it is ended; files are moved into place whole, so
    nothing half-written stays.
    """
    if threading.current_thread() is not threading.main_thread():
        return None

    def stop(signum: int, frame: FrameType | None) -> None:
        if not cancelled.is_set():
            cancelled.set()
            threading.Thread(target=_end_soon, daemon=True).start()
        raise KeyboardInterrupt

    return signal.signal(signal.SIGINT, stop)


def _end_soon() -> None:
    time.sleep(PATIENCE)
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(INTERRUPTED)


@contextlib.contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Yield a list that holds the seconds spent once the block is left."""
    spent: list[float] = []
    begun = time.perf_counter()
    yield spent
    spent.append(time.perf_counter() - begun)


@contextlib.contextmanager
def engine(quiet: bool) -> Iterator[Progress]:
    """Show the progress of a run; say so if the engine must be compiled first."""
    from twin.jit import CACHE_LASTS, watched

    later = "later runs start at once" if CACHE_LASTS else "every run will: no cache can be written"
    text = f"twin: compiling the engine (two or three minutes); {later}"
    shown = Progress(shown=not quiet)
    with shown as progress, watched(lambda: None if quiet else progress.remark(text)):
        yield progress

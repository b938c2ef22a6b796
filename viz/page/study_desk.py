"""The studies of one page: starting, watching, stopping and opening them, without what is drawn.

A study gives way to whoever waits for an answer, in pieces of some milliseconds.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import solara

from twin.errors import OccupiedError, TwinError
from twin.schema import Scenario
from twin.study.findings import Findings
from viz import exports, look, studies
from viz.page import turns
from viz.page.session import Session
from viz.server import opening
from viz.studies import Entry

EACH = 0.3
"""Seconds between two looks at how far a study is."""

BEFORE = ("first", "full", "background")
"""What a study gives way to."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A study that was started on this page.

    Attributes
    ----------
    number, entry, on
        Which it is, what it runs, and what it runs on in words.
    state
        waiting, running, done, failed or cancelled.
    step, share, left
        What it is doing, how far that is, and the seconds that it will take, if they are known.
    error
        Why it failed.
    found
        What it found.
    options
        What it was asked besides.
    anew
        Whether it failed for what lies where it is kept, so that beginning anew helps.
    """

    number: int
    entry: Entry
    on: str
    state: str = "waiting"
    step: str = ""
    share: float = 0.0
    left: float | None = None
    error: str = ""
    found: Findings | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    anew: bool = False


@dataclass(frozen=True)
class Shown:
    """A finished study with its pictures."""

    key: str
    found: Findings
    pictures: dict[str, str]


class Desk:
    """The studies of one page: those that were started, and the one that is open.

    Attributes
    ----------
    jobs, shown, opening
        Those that were started, the one that is open, and which one is being drawn.
    asking, typed, refused
        Whose options are open, what was typed into the options of each, by its name, and why they
        were refused.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.jobs: solara.Reactive[tuple[Job, ...]] = solara.reactive(())
        self.shown: solara.Reactive[Shown | None] = solara.reactive(None)
        self.opening = solara.reactive("")
        self.asking: solara.Reactive[Entry | None] = solara.reactive(None)
        self.typed: solara.Reactive[dict[str, dict[str, Any]]] = solara.reactive({})
        self.refused = solara.reactive("")
        self._on: dict[int, Scenario] = {}
        self._stops: dict[int, threading.Event] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def ask(self, entry: Entry | None) -> None:
        """Show the options of a study, or of none."""
        self.asking.value, self.refused.value = entry, ""

    def type(self, entry: Entry, **typed: Any) -> None:
        """Take what was typed into options of a study; nothing goes back to the default."""
        now = {**self.typed.value.get(entry.name, {}), **typed}
        kept = {key: value for key, value in now.items() if value not in (None, "")}
        self.typed.value = {**self.typed.value, entry.name: kept}

    def start_asked(self) -> None:
        """Start the study whose options are open with what was typed, or say why not."""
        entry = self.asking.value
        if entry is None:
            return
        try:
            options = studies.asked(entry, self.typed.value.get(entry.name, {}))
        except TwinError as error:
            self.refused.value = str(error)
            return
        self.ask(None)
        self.start(entry, options)

    def start(self, entry: Entry, options: Mapping[str, Any] | None = None) -> None:
        """Start a study on the what-if as it is now."""
        scenario = self.session.scenario
        name = scenario.title or look.said(scenario.name)
        on = name if studies.fits(entry, scenario) else f"{look.said(entry.own)}, its own scenario"
        job = Job(next(self._numbers), entry, on, options=options or {})
        self._on[job.number] = scenario
        self.jobs.value = (*self.jobs.value, job)
        self._begin(job)

    def begin_anew(self, number: int) -> None:
        """Start a study once more and replace what lies where it is kept."""
        self._tell(number, state="waiting", error="", anew=False, share=0.0, left=None)
        self._begin(next(job for job in self.jobs.value if job.number == number), anew=True)

    def _begin(self, job: Job, anew: bool = False) -> None:
        self._stops[job.number] = threading.Event()
        threading.Thread(target=self._run, args=(job, anew), daemon=True).start()

    def cancel(self, number: int) -> None:
        """Stop a study; without a folder for studies what it did is lost."""
        self._stops[number].set()
        self._tell(number, state="cancelled")

    def leave(self) -> None:
        """Stop all studies: the page is closed."""
        for stop in self._stops.values():
            stop.set()

    def _tell(self, number: int, **news: Any) -> None:
        """Change what is known of a study; one that was cancelled stays so."""
        with self._lock:
            self.jobs.value = tuple(
                replace(j, **news) if j.number == number and j.state != "cancelled" else j
                for j in self.jobs.value
            )

    def _run(self, job: Job, anew: bool) -> None:
        stop = self._stops[job.number]
        clock = _Clock(stop, lambda **news: self._tell(job.number, **news))
        threads = max(1, (os.cpu_count() or 1) - 1)
        work = studies.Work(opening.studies(), stop, clock.progress, clock.told, threads)
        try:
            with turns.studying(stop):
                if stop.is_set():
                    return
                self._tell(job.number, state="running", step="checking it")
                found = studies.run(job.entry, self._on[job.number], work, job.options, anew)
        except OccupiedError as error:
            self._tell(job.number, state="failed", anew=True, error=(
                f"{error.what}. Begin anew replaces what lies there; whoever wants to keep it moves "
                "it away first."))  # fmt: skip
            return
        except TwinError as error:
            self._tell(job.number, state="failed", error=str(error))
            return
        except Exception as error:  # a fault of ours must not leave the study running for ever
            _log.exception("study %s on %s", job.entry.name, job.on)
            self._tell(job.number, state="failed", error=_fault(error))
            return
        self._tell(job.number, state="done", found=found)
        if not stop.is_set():
            self.open(f"job {job.number}", lambda: found)

    def open(self, key: str, read: Callable[[], Findings]) -> None:
        """Show a finished study as soon as its pictures are drawn."""
        self.opening.value = key
        threading.Thread(target=self._open, args=(key, read), daemon=True).start()

    def _open(self, key: str, read: Callable[[], Findings]) -> None:
        try:
            found = read()
            shown = Shown(key, found, exports.study_pictures(found))
        except TwinError as error:
            self._not_opened(str(error))
            return
        except Exception as error:  # as above: the page would say "drawing" for ever
            _log.exception("opening study %s", key)
            self._not_opened(_fault(error))
            return
        if self.opening.value == key:  # nothing else was opened meanwhile
            with self.session.together():
                self.shown.value, self.opening.value = shown, ""

    def _not_opened(self, why: str) -> None:
        self.session.message.value = why
        self.opening.value = ""


def _fault(error: Exception) -> str:
    """Return in words that the program failed; its own words stay in the log, they may name places."""
    return (
        f"This is a fault of the program ({type(error).__name__}), the log of the server tells "
        "more. Try once more; if it fails again, report it with those lines of the log."
    )


class _Clock:
    """Tells how far a study is and how long it will take, and makes it give way."""

    def __init__(self, stop: threading.Event, tell: Callable[..., None]) -> None:
        self.stop, self.tell = stop, tell
        self.step, self.begun, self.first, self.last = "", 0.0, 0.0, 0.0

    def told(self, text: str) -> None:
        """Take a line about what comes next."""
        turns.give_way(self.stop, BEFORE)
        self.step, self.begun = text, 0.0
        self.tell(step=text, share=0.0, left=None)

    def progress(self, done: int, total: int) -> None:
        """Take how far the present step is."""
        turns.give_way(self.stop, BEFORE)
        now, share = time.monotonic(), done / max(1, total)
        if not self.begun or share < self.first:
            self.begun, self.first, self.last = now, share, 0.0
        if now - self.last < EACH and share < 1:
            return
        self.last = now
        moved = share - self.first
        left = (1 - share) * (now - self.begun) / moved if moved > 0.02 else None
        self.tell(step=self.step or "running", share=share, left=left)

"""What one user sees and does: the scenario that is open, its changes with undo, the answer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import solara

import twin
from twin.compare import Comparison
from twin.errors import TwinError
from twin.schema import Scenario
from twin.topology import Topology, build
from viz import answer as answers
from viz.answer import Answer
from viz.closely import look_closely
from viz.page import ahead, known, own, positions, turns
from viz.page.past import Kept, Opened, Past, Step

IDLE = 0.7
"""Seconds after an answer in which nothing was done before other positions are tried."""


class Session:
    """State of one page; its reactive parts redraw what reads them.

    Every edit goes through :meth:`edit`: it is checked at once, can be undone, and starts a first
    answer of few replications and then a full one; a newer edit stops both.
    """

    def __init__(self, opened: Opened, changes: Mapping[str, Any] | None = None) -> None:
        self.opened = solara.reactive(opened)
        network = build(twin.apply(opened.scenario, changes or {}))
        self.past = solara.reactive(Past((Step(dict(changes or {})),), 0, network))
        self.answer: solara.Reactive[Answer | None] = solara.reactive(None)
        self.charts: solara.Reactive[Answer | None] = solara.reactive(None)
        self.rows: solara.Reactive[list[dict[str, Any]] | None] = solara.reactive(None)
        self.frontier_running: solara.Reactive[float | None] = solara.reactive(None)
        self.asked = solara.reactive(0)
        self.message = solara.reactive("")
        self.baseline = solara.reactive(answers.CALM)
        self.selected = solara.reactive("")
        self.bar = solara.reactive(-1)
        self.family = solara.reactive("")
        self.expanded: solara.Reactive[frozenset[str]] = solara.reactive(frozenset())
        self.cursor = solara.reactive(-1)
        self.playing = solara.reactive(False)
        self.dark: solara.Reactive[bool | None] = solara.reactive(None)
        self.help = solara.reactive(False)
        self.copied: solara.Reactive[dict[str, Any]] = solara.reactive({})
        self.saved: solara.Reactive[tuple[Kept, ...]] = solara.reactive(())
        self.together: Callable[[], Any] = contextlib.nullcontext
        self._stop = threading.Event()
        self._stop_frontier = threading.Event()
        self._tried = ""
        self._remember(opened)
        self.ask()

    # --------------------------------------------------------------------------------- reading
    @property
    def changes(self) -> Mapping[str, Any]:
        """What makes the what-if out of the scenario that was opened."""
        return self.past.value.step.changes

    @property
    def base(self) -> Scenario:
        """The scenario that was opened."""
        return self.opened.value.scenario

    @property
    def scenario(self) -> Scenario:
        """The what-if as it stands, run or not."""
        return self.network.scenario

    @property
    def network(self) -> Topology:
        """The network of the what-if."""
        return self.past.value.network

    @property
    def stale(self) -> bool:
        """Whether the answer shown belongs to other changes than these."""
        return self._other(self.answer.value)

    @property
    def wanted(self) -> int:
        """Replications of the full answer."""
        return answers.full(self.scenario, len(self.network.points))

    @property
    def runs(self) -> str:
        """``16 of 64 runs`` while the full answer is under way, else empty."""
        shown, wanted = self.answer.value, self.wanted
        have = 0 if shown is None or self.stale else shown.replications
        return "" if have >= wanted else f"{have} of {wanted} runs"

    @property
    def shown(self) -> int:
        """Number of the answer shown, -1 for none."""
        return -1 if self.answer.value is None else self.answer.value.number

    @property
    def charts_stale(self) -> bool:
        """Whether the charts shown belong to other changes than these."""
        return self._other(self.charts.value)

    def _other(self, shown: Answer | None) -> bool:
        now = self.changes, self.baseline.value
        return shown is None or (shown.changes, shown.asked) != now

    # --------------------------------------------------------------------------------- editing
    def edit(self, label: str, changes: Mapping[str, Any]) -> bool:
        """Take new changes, or say why not and keep everything as it was."""
        if changes == self.changes:
            return True
        past = self.past.value
        steps = (*past.steps[: past.at + 1], Step(dict(changes), label))
        return self._take(steps, len(steps) - 1)

    def attempt(self, label: str, make: Callable[[], Mapping[str, Any]]) -> bool:
        """Take the changes that a function makes, or say why it cannot make them."""
        try:
            changes = make()
        except TwinError as error:
            self.message.value = str(error)
            return False
        return self.edit(label, changes)

    def set(self, label: str, **changes: Any) -> bool:
        """Take changes by dotted key on top of those there are."""
        return self.edit(label, {**self.changes, **changes})

    def undo(self) -> None:
        """Go back by one edit."""
        self._go(self.past.value.at - 1)

    def redo(self) -> None:
        """Do again what was undone."""
        self._go(self.past.value.at + 1)

    def _go(self, at: int) -> None:
        if 0 <= at < len(self.past.value.steps):
            self._take(self.past.value.steps, at)

    def _take(self, steps: tuple[Step, ...], at: int) -> bool:
        try:
            network = build(twin.apply(self.base, steps[at].changes))
        except TwinError as error:
            self.message.value = str(error)
            return False
        with self.together():
            self.past.value = Past(steps, at, network)
            self.message.value = ""
            if self.bar.value >= len(self.scenario.disruptions):
                self.bar.value = -1
            if self.selected.value not in {s.name for s in self.scenario.sites}:
                self.selected.value = ""
            self.ask()
        return True

    def compare_with(self, baseline: str) -> None:
        """Compare with another baseline, a key of :data:`viz.answer.BASELINES`."""
        with self.together():
            self.baseline.value = baseline
            self.ask()

    def open(self, opened: Opened, changes: Mapping[str, Any] | None = None) -> bool:
        """Open another scenario; if it does not take the changes everything stays as it was."""
        try:
            network = build(twin.apply(opened.scenario, changes or {}))
        except TwinError as error:
            self.message.value = str(error)
            return False
        with self.together():
            self._begin(Past((Step(dict(changes or {})),), 0, network), opened)
        return True

    def _begin(self, past: Past, opened: Opened) -> None:
        self.cancel()
        self.message.value, self.selected.value, self.bar.value = "", "", -1
        self.family.value, self.cursor.value, self.playing.value = "", -1, False
        self.expanded.value = frozenset()
        self.answer.value = self.charts.value = self.rows.value = None
        self.opened.value, self.past.value = opened, past
        self._remember(opened)
        self.ask()

    def _remember(self, opened: Opened) -> None:
        if not opened.shipped:
            own.keep(opened.scenario)

    # --------------------------------------------------------------------------------- running
    def ask(self) -> None:
        """Start the answer to the changes as they are, first with few replications."""
        self._stop.set()
        if positions.key(self.scenario) != self._tried:
            self.cancel_frontier()
        self.asked.value += 1
        self._stop = stop = threading.Event()
        self.rows.value = positions.known(self.scenario, answers.FIRST)
        found = known.find(self.base, self.changes, self.baseline.value)
        if found is None:
            work = self._answer
        else:
            work = self._afterwards
            self.charts.value = found
            self.answer.value = found
        threading.Thread(target=work, args=(stop,), daemon=True).start()

    def cancel(self) -> None:
        """Stop what is being worked out."""
        self._stop.set()
        self._stop_frontier.set()
        self.frontier_running.value = None

    def _answer(self, stop: threading.Event) -> None:
        base, wanted, baseline = self.base, self.wanted, self.baseline.value
        try:
            if wanted > answers.FIRST:
                self._shown(stop, "first", answers.FIRST)
            found = self._shown(stop, "full", wanted)
        except TwinError as error:
            if not stop.is_set():
                self.message.value = str(error)
            return
        if found is None:
            return
        charted = answers.charted(*found)
        if stop.is_set():  # a newer edit or another scenario came while they were made
            return
        self.charts.value = charted
        known.keep(base, baseline, charted)
        del found
        self._afterwards(stop)

    def _shown(self, stop: threading.Event, kind: str, n: int) -> tuple[Answer, Comparison] | None:
        """Work out and show an answer of so many replications, unless it is stopped."""
        with turns.answering(kind, stop):
            if stop.is_set():
                return None
            made, found = answers.compute(
                self.base, self.changes, replications=n, scenario=self.scenario,
                baseline=self.baseline.value, cancelled=stop,
                progress=lambda *_: turns.give_way(stop, ("first",)) if kind == "full" else None,
            )  # fmt: skip
        if stop.is_set():
            return None
        self.answer.value = made
        return made, found

    def _afterwards(self, stop: threading.Event) -> None:
        """Prepare for what may be asked next, if nothing is for a while."""
        if stop.wait(IDLE):
            return
        base, changes, network = self.base, self.changes, self.network
        turns.give_way(stop)
        look_closely(network)  # kept: the first click on a site needs it
        with contextlib.suppress(TwinError):  # stopped
            ahead.look(base, changes, network, self.baseline.value, self.family.value, stop)
        if not stop.is_set() and self.rows.value is None and self.frontier_running.value is None:
            self.find_frontier(answers.FIRST)

    def _progress(
        self, of: solara.Reactive[float | None], stop: threading.Event
    ) -> Callable[[int, int], None]:
        """Return a callback that shows how far a run is, in steps of a tenth."""
        shown = [0]

        def told(done: int, total: int) -> None:
            tenth = 10 * done // max(1, total)
            if tenth > shown[0] and not stop.is_set():
                shown[0] = tenth
                of.value = tenth / 10

        return told

    def find_frontier(self, replications: int) -> None:
        """Try every position of the decoupling point in the background."""
        if not self.scenario.families:
            self.rows.value = []
            return
        self._stop_frontier.set()
        self._stop_frontier = stop = threading.Event()
        found = positions.known(self.scenario, replications)
        if found is not None:
            self.rows.value = found
            return
        self._tried = positions.key(self.scenario)
        self.frontier_running.value = 0.0
        threading.Thread(target=self._frontier, args=(stop, replications), daemon=True).start()

    def cancel_frontier(self) -> None:
        """Stop trying positions; what was known before stays."""
        self._stop_frontier.set()
        self.frontier_running.value = None

    def _frontier(self, stop: threading.Event, n: int) -> None:
        told = self._progress(self.frontier_running, stop)

        def between(done: int, total: int) -> None:
            told(done, total)
            turns.give_way(stop)

        try:
            with turns.background(stop):
                rows = positions.find(self.scenario, n, stop, between)
        except TwinError as error:
            if not stop.is_set():
                self.rows.value, self.frontier_running.value = [], None
                self.message.value = str(error)
            return
        if not stop.is_set():
            with self.together():  # the handle may have moved meanwhile
                self.rows.value = positions.known(self.scenario, n) or rows
                self.frontier_running.value = None

    def kept(self, name: str) -> Kept:
        """Return the what-if shown under a name."""
        shown = self.answer.value
        assert shown is not None
        return Kept(name, self.opened.value, shown.changes, shown.tiles)

    def reopen(self, kept: Kept) -> None:
        """Go back to a what-if that was kept; can be undone unless it is of another scenario."""
        if kept.opened == self.opened.value:
            self.edit(f"opened {kept.name}", kept.changes)
        else:
            self.open(kept.opened, kept.changes)

    def whole(self) -> Comparison:
        """Return baseline and what-if of the answer shown with all their series, run again."""
        shown = self.answer.value
        assert shown is not None
        return answers.compared(
            self.base, shown.changes, replications=shown.replications, baseline=shown.baseline
        )[0]

    def select(self, site: str) -> None:
        """Show a site in the panel, or none."""
        self.selected.value, self.bar.value = site, -1

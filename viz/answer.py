"""What one run of a what-if comes to on the page: small payloads for the parts that show it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import twin
from twin.compare import Comparison
from twin.result import Result
from twin.schema import Scenario
from twin.topology import build
from viz import chart_data, network_data, report_what_if, series

FIRST = 16
"""Replications of a first answer."""

FULL = 64
"""Replications of a full answer, fewer in large networks (:func:`full`)."""

CELLS = 20_000_000
"""Most numbers (stock points x periods x replications) of one recorded series."""

RECORD = (*series.NEEDED, "rows.backlog")
"""Series that charts, network and stories are made from."""

CALM = "calm"
BASELINES = {
    CALM: "the same design without disruptions",
    "opened": "the scenario as it was opened",
}
"""What a what-if can be compared with."""

SHORT = {CALM: "no disruptions", "opened": "it as opened"}
"""The same in a word or two."""


@dataclass(frozen=True)
class Answer:
    """A what-if that was run, and what the page shows of it.

    Attributes
    ----------
    changes
        What made the what-if out of the scenario that was opened.
    comparison
        Baseline and what-if; their series are kept as means over the replications.
    baseline, asked
        Which one it is and which one was asked for: keys of :data:`BASELINES`.
    state, frames, tiles
        Payloads of the network with all groups closed, of playing and of the tiles.
    charts
        Payloads of the charts; empty until :func:`charted`, for no tile waits for them.
    number
        One that no other answer of this server has.
    """

    changes: Mapping[str, Any]
    comparison: Comparison
    baseline: str
    asked: str
    state: Mapping[str, Any]
    frames: bytes
    tiles: list[dict[str, Any]]
    charts: dict[str, Any] = field(default_factory=dict)
    number: int = field(default_factory=itertools.count().__next__, compare=False)

    @property
    def scenario(self) -> Scenario:
        """The what-if."""
        return self.comparison.b.scenario

    @property
    def replications(self) -> int:
        """Replications that this answer rests on."""
        return self.comparison.b.replications


def full(scenario: Scenario, stock_points: int) -> int:
    """Return how many replications a full answer takes: as many as memory allows, up to FULL."""
    return int(min(FULL, max(FIRST, CELLS // max(1, stock_points * scenario.horizon))))


def compute(
    base: Scenario,
    changes: Mapping[str, Any],
    *,
    replications: int | None = None,
    baseline: str = CALM,
    scenario: Scenario | None = None,
    **running: Any,
) -> tuple[Answer, Comparison]:
    """Run a what-if and its baseline under the same luck and return what the page shows.

    Parameters
    ----------
    base, changes
        What was opened, and what makes the what-if of it, as :func:`twin.apply` takes it.
    replications
        Draws of luck; default: those of a full answer.
    baseline
        A key of :data:`BASELINES`; without disruptions it is always the scenario as opened.
    scenario
        The what-if where it is at hand.
    running
        ``threads``, ``progress`` and ``cancelled`` of :func:`twin.run`.

    Returns
    -------
    The answer without its charts, and all series, of which :func:`charted` makes them.

    Raises
    ------
    TwinError
        If the changes do not fit the scenario, or the run was cancelled.
    """
    changed = twin.apply(base, changes) if scenario is None else scenario
    wanted = full(changed, len(build(changed).points))
    found, name = compared(
        base, changes, replications=replications or wanted, baseline=baseline, scenario=changed,
        **running,
    )  # fmt: skip
    kept = Comparison(_light(found.a), _light(found.b))
    made = Answer(
        changes=dict(changes),
        comparison=kept,
        baseline=name,
        asked=baseline,
        tiles=tiles(found),
        **drawn(kept),
    )
    return made, found


def charted(made: Answer, found: Comparison) -> Answer:
    """Return an answer with its charts."""
    return replace(made, charts=chart_data.charts(found))


def compared(
    base: Scenario,
    changes: Mapping[str, Any],
    *,
    replications: int,
    baseline: str,
    scenario: Scenario | None = None,
    **running: Any,
) -> tuple[Comparison, str]:
    """Return baseline and what-if with all their series, and which baseline it is.

    Parameters and errors are those of :func:`compute`.
    """
    changed = twin.apply(base, changes) if scenario is None else scenario
    options: dict[str, Any] = {"record": RECORD, "replications": replications, **running}
    what_if = twin.run(changed, **options)
    if baseline == CALM and what_if.undisrupted is not None:
        return Comparison(what_if.undisrupted, what_if), CALM
    if not changes:
        return Comparison(what_if, what_if), "opened"
    alike = {key: getattr(changed, key) for key in ("horizon", "warmup")}  # totals must compare
    options |= {"seed": changed.seed, "set": alike}
    return Comparison(twin.run(base, **options), what_if), "opened"


def drawn(comparison: Comparison, expanded: Iterable[str] = ()) -> dict[str, Any]:
    """Return the payloads of the network and of playing, some of its groups drawn open."""
    result = comparison.b
    drawing = network_data.drawing(result.topology, frozenset(expanded))
    return {
        "state": network_data.state(result, drawing),
        "frames": network_data.frames(result, drawing),
    }


def tiles(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the tiles as plain data: name, value, unit, change, tone."""
    return [
        {"name": t.name, "value": t.value, "unit": t.unit, "change": t.change, "tone": t.tone}
        for t in report_what_if.tiles(comparison)
    ]


def _light(result: Result) -> Result:
    """Return a result that keeps means of its series, which a page may hold for hours."""
    kept = {name: values.mean(axis=2, keepdims=True) for name, values in result.series.items()}
    return replace(result, series=kept, undisrupted=None)

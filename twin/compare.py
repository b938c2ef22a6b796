"""Two runs under the same luck: what differs, and whether that is more than chance."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin import arguments
from twin.errors import RunError
from twin.kpis import KPIS
from twin.problems import show
from twin.result import Result, number, words
from twin.run import prepare, run
from twin.schema import Scenario
from twin.statistics import interval
from twin.sums import Floats

if TYPE_CHECKING:
    import pandas as pd


ALIKE: Mapping[str, Callable[[Scenario], Any]] = {
    "calendar.currency": lambda s: s.calendar.currency,
    "calendar.period": lambda s: s.calendar.period,
    "horizon": lambda s: s.horizon,
    "warmup": lambda s: s.warmup,
}
"""What two scenarios must have in common for their numbers to be subtracted."""


@dataclass(frozen=True, repr=False)
class Comparison:
    """Differences ``b - a`` of all KPIs, replication by replication.

    Attributes
    ----------
    a, b
        The two results.
    """

    a: Result
    b: Result

    @functools.cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The table as plain data, one mapping per KPI."""
        return [self.row(name) for name in self.a.values]

    def row(self, name: str) -> dict[str, Any]:
        """Return the row of one KPI."""
        first, second = self.a.values[name], self.b.values[name]
        extra = KPIS[name].extra
        apart = second - first
        difference, low, high, n = interval(apart, extra["within"].of_difference())
        base = interval(first)[0]
        return {
            "kpi": name,
            "a": base,
            "b": interval(second)[0],
            "difference": difference,
            "low": low,
            "high": high,
            "relative": difference / abs(base) if base else np.nan,
            "clear": bool(low > 0 or high < 0 or (np.isnan(low) and _all_alike(apart))),
            **{key: extra[key] for key in ("unit", "better", "group")},
            "n": n,
        }

    @property
    def pairs(self) -> str:
        """How many pairs there are, in words."""
        n = self.a.replications
        return f"{n} paired replication{'' if n == 1 else 's'}"

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """Differences by KPI.

        Columns: kpi, a, b (means), difference (b - a), low, high (95 % paired interval),
        relative (difference / |a|), clear (the interval leaves out 0; without one, all
        replications differ by the same: a single one is taken as it is), unit, better, group, n (replications in which
        both are defined).
        """
        import pandas as pd

        return pd.DataFrame(self.rows)

    def summary(self, most: int = 12) -> str:
        """Return the clear differences as text, those that change most first."""
        lines = [f"{_name(self.a)} -> {_name(self.b)}, {self.pairs}"]
        clear = [row for row in self.rows if row["clear"]]
        clear.sort(key=lambda row: -np.nan_to_num(abs(row["relative"])))
        lines += ["  " + _line(row, words(row["unit"], self.a.scenario)) for row in clear[:most]]
        if not clear:
            lines.append("  no KPI differs clearly")
        elif len(clear) > most:
            lines.append(f"  ... and {len(clear) - most} more")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Comparison {self.summary()}>"

    def to_json_dict(self) -> dict[str, Any]:
        """Return the table and both manifests as plain data; runs differ only under ``timing``."""
        told = [{k: v for k, v in r.manifest.items() if k != "timing"} for r in (self.a, self.b)]
        rows = [{k: None if v != v else v for k, v in row.items()} for row in self.rows]
        timing = {"a": dict(self.a.timing), "b": dict(self.b.timing)}
        return {"a": told[0], "b": told[1], "kpis": rows, "timing": timing}

    def to_json(self) -> str:
        """Return :meth:`to_json_dict` as text."""
        return json.dumps(self.to_json_dict(), indent=1, allow_nan=False) + "\n"


def compare(
    a: Scenario | Result | str | Path,
    b: Scenario | Result | str | Path | None = None,
    *,
    replications: int | None = None,
    seed: int | None = None,
    set: Mapping[str, Any] | None = None,
    **options: Any,
) -> Comparison:
    """Run two scenarios under common random numbers and return ``b - a``.

    Parameters
    ----------
    a, b
        Scenarios, files, names of shipped ones, or results at hand. Without ``b`` and ``set``,
        ``a`` is compared with its own undisrupted twin: the differences are what the disruptions
        do.
    replications, seed
        Common to both; default: those of ``a``.
    set
        Changes that make ``b`` out of ``a`` by dotted key, see :func:`twin.edits.apply`; not of
        ``seed`` or ``replications``, which both have in common.
    **options
        ``record``, ``threads``, ``progress``, ``cancelled``, ``baseline`` as in :func:`twin.run`.

    Raises
    ------
    ScenarioError
        If a scenario or a change is wrong.
    RunError
        If results at hand differ in seed or number of replications, if only one of the two is
        asked to change its luck, if they differ in currency, period, horizon or warm-up, or if
        there is nothing to compare.
    """
    changes = arguments.changes(set)
    for shared in ("seed", "replications"):
        if shared in changes:
            msg = (
                f"set: {shared} = {show(changes[shared])} for one of two that are compared under "
                f"the same luck; give it for both: {shared}=... (in the shell --{shared} ...)"
            )
            raise RunError(msg)
    first, second = _both(a, b, changes)
    _check_measured_alike(first, second, bool(changes))
    leader = a if isinstance(a, Result) else first
    if replications is None:
        replications = leader.replications
    if seed is None:
        seed = leader.manifest["seed"] if isinstance(leader, Result) else leader.seed
    done = _result(second, replications, seed, options)
    return Comparison(_first(first, done, replications, seed, options), done)


def _both(
    a: Scenario | Result | str | Path,
    b: Scenario | Result | str | Path | None,
    changes: Mapping[str, Any],
) -> tuple[Scenario | Result, Scenario | Result]:
    first = a if isinstance(a, Result) else prepare(a, {})
    if b is not None:
        if changes:
            msg = "give either b or changes that make it out of a (set), not both"
            raise RunError(msg)
        return first, b if isinstance(b, Result) else prepare(b, {})
    scenario = first.scenario if isinstance(first, Result) else first
    if changes:
        return first, prepare(scenario, changes)
    if not scenario.disruptions:
        msg = f"scenario '{scenario.name}' has no disruptions to compare without; give a second one"
        raise RunError(msg)
    return scenario.model_copy(update={"disruptions": []}), first


def _check_measured_alike(a: Scenario | Result, b: Scenario | Result, changed: bool) -> None:
    """Refuse to subtract euros from dollars, weeks from days, or a month from a year."""
    one, two = (x.scenario if isinstance(x, Result) else x for x in (a, b))
    pairs = {key: (get(one), get(two)) for key, get in ALIKE.items()}
    differ = {key: found for key, found in pairs.items() if found[0] != found[1]}
    if not differ:
        return
    told = ", ".join(f"{key} = {show(x)} and {show(y)}" for key, (x, y) in differ.items())
    want = {key: x for key, (x, _) in differ.items()}
    out = "leave that out of set (in the shell --set), or " if changed else ""
    kept = "; nothing is converted" if any(key.startswith("calendar") for key in differ) else ""
    msg = (
        f"'{one.name}' and '{two.name}' have {told}; only what is measured alike can be "
        f"subtracted: {out}make both alike, as twin.apply(..., {want}) does (in the shell: in "
        f"the file){kept}"
    )
    raise RunError(msg)


def _first(
    first: Scenario | Result, done: Result, replications: int, seed: int, options: Any
) -> Result:
    """Return the result to compare with: the undisrupted twin if that was run with the other."""
    twin = done.undisrupted
    if twin is not None and isinstance(first, Scenario) and _alike(first, twin.scenario):
        return twin
    return _result(first, replications, seed, options)


def _alike(a: Scenario, b: Scenario) -> bool:
    """Return whether two scenarios are the same but for what both runs have in common."""
    return a.model_copy(update={"seed": b.seed, "replications": b.replications}) == b


def _result(x: Scenario | Result, replications: int, seed: int, options: Any) -> Result:
    if isinstance(x, Scenario):
        return run(x, replications=replications, seed=seed, **options)
    if (x.replications, x.scenario.seed) != (replications, seed):
        msg = (
            f"a result of {x.replications} replications under seed {x.scenario.seed} cannot be "
            f"paired with {replications} under seed {seed}; run both alike"
        )
        raise RunError(msg)
    return x


def _all_alike(apart: Floats) -> bool:
    """Return whether all replications, or the only one, differ by the same, which is not 0."""
    found = apart[~np.isnan(apart)]
    return bool(found.size and found[0] != 0 and (found == found[0]).all())


def _name(result: Result) -> str:
    off = " (undisrupted)" if not result.scenario.disruptions else ""
    return result.scenario.name + off


def _line(row: Mapping[str, Any], unit: str) -> str:
    share = "" if np.isnan(row["relative"]) else f"  {100 * row['relative']:+.1f} %"
    good = {"higher": row["difference"] > 0, "lower": row["difference"] < 0}.get(row["better"])
    word = {True: "better", False: "worse", None: ""}[good]
    change = f"{number(row['a'])} -> {number(row['b'])} {unit}"
    return f"{row['kpi']:<18} {change:<32}{share:>11}  {word}"

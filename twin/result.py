"""What a run came to: KPIs with intervals, tables by place, recorded series, files."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin import manifest, places, result_files
from twin.errors import RunError, TwinError
from twin.kpis import KPIS
from twin.names import matches, nearest
from twin.schema import Scenario
from twin.statistics import interval
from twin.sums import Floats
from twin.topology import Topology

if TYPE_CHECKING:
    import pandas as pd

HEADLINES = (
    "on_time",
    "fill_rate",
    "lost_share",
    "order_cycle_time",
    "inventory_value",
    "running_cost",
    "profit",
    "bullwhip",
    "tts",
    "ttr",
    "loss_area",
)
"""KPIs of the printed summary, as far as they are defined."""


@dataclass(frozen=True, repr=False)
class Result:
    """What :func:`twin.run` returns.

    Attributes
    ----------
    topology
        Stock points, links and sinks of the scenario, in the order of the series' things.
    values
        Every KPI, one number per replication: name -> ``(R,)``.
    row_means, sink_means
        Mean over the replications of each stock point's and sink's sums over the window (money in
        ``cost.*``): name -> ``(n,)`` and ``(s,)``.
    series
        Recorded series, warm-up included: ``rows.on_hand`` -> ``(periods, things, R)``.
    undisrupted
        The same twin without its disruptions under the same luck, where that was run.
    notes
        What was left out, and why.
    timing
        When it ran and how long it took; the only part that differs between two equal runs.
    """

    topology: Topology
    values: Mapping[str, Floats]
    row_means: Mapping[str, Floats]
    sink_means: Mapping[str, Floats]
    series: Mapping[str, Floats] = field(default_factory=dict)
    undisrupted: Result | None = None
    notes: tuple[str, ...] = ()
    timing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        """The scenario as it was run."""
        return self.topology.scenario

    @property
    def replications(self) -> int:
        """Number of replications."""
        return int(next(iter(self.values.values())).size)

    @functools.cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The KPI table as plain data: kpi, value, low, high, unit, better, group, n."""
        found = []
        for name, values in self.values.items():
            extra = KPIS[name].extra
            mean, low, high, n = interval(values, extra["within"])
            about = {key: extra[key] for key in ("unit", "better", "group")}
            found.append({"kpi": name, "value": mean, "low": low, "high": high, **about, "n": n})
        return found

    @functools.cached_property
    def kpis(self) -> pd.DataFrame:
        """KPI table: kpi, value (mean), low, high (95 % interval), unit, better, group, n.

        ``n`` counts the replications in which the KPI is defined.
        """
        import pandas as pd

        return pd.DataFrame(self.rows)

    @functools.cached_property
    def per_replication(self) -> pd.DataFrame:
        """Every KPI of every replication: one row per replication, one column per KPI."""
        import pandas as pd

        index = pd.RangeIndex(self.replications, name="replication")
        return pd.DataFrame(dict(self.values), index=index)

    def __getitem__(self, kpi: str) -> float:
        """Return the mean of a KPI over the replications in which it is defined.

        Raises
        ------
        RunError
            If there is no such KPI.
        """
        if kpi not in self.values:
            msg = f"no KPI '{kpi}'; {nearest(kpi, self.values)}"
            raise RunError(msg)
        return interval(self.values[kpi])[0]

    def by_stage(self) -> pd.DataFrame:
        """Return stock, orders, backlog, service and cost by stage, source to sink."""
        return self._by("stage")

    def by_site(self) -> pd.DataFrame:
        """Return stock, orders, backlog, service and cost by site."""
        return self._by("site")

    def by_owner(self) -> pd.DataFrame:
        """Return stock, orders, backlog, service and cost by who decides and pays."""
        return self._by("owner")

    def by_item(self) -> pd.DataFrame:
        """Return stock, orders, backlog, service and cost by item."""
        return self._by("item")

    def _by(self, what: str) -> pd.DataFrame:
        import pandas as pd

        table = places.table(self.topology, what, self.row_means, self.sink_means)
        return pd.DataFrame(table).set_index(what)

    def history(self, name: str, site: str | None = None, item: str | None = None) -> pd.DataFrame:
        """Return a recorded series with one row per period.

        Parameters
        ----------
        name
            ``rows.on_hand``, ``links.on_way``, ``sinks.demand`` ...
        site, item
            Which stock points (of links: receiving ones, of sinks: serving ones), by name or
            pattern; default: all.

        Returns
        -------
        pandas.DataFrame
            Dates down; across the replications, for several things (thing, replication).

        Raises
        ------
        RunError
            If the series was not recorded or nothing matches.
        """
        import pandas as pd

        data, names = self._chosen(name, site, item)
        periods, things, R = data.shape
        if things == 1:
            columns: pd.Index = pd.RangeIndex(R, name="replication")
        else:
            columns = pd.MultiIndex.from_product(
                [names, range(R)], names=[name.partition(".")[0].removesuffix("s"), "replication"]
            )
        return pd.DataFrame(data.reshape(periods, things * R), index=self._dates(), columns=columns)

    def bands(
        self,
        name: str,
        site: str | None = None,
        item: str | None = None,
        quantiles: Sequence[float] = (0.05, 0.5, 0.95),
    ) -> pd.DataFrame:
        """Return quantiles over the replications of a recorded series, its things added up.

        Parameters
        ----------
        name, site, item
            As :meth:`history`.
        quantiles
            Each from 0 to 1; one column each.
        """
        import pandas as pd

        data, _ = self._chosen(name, site, item)
        found = np.quantile(data.sum(axis=1), list(quantiles), axis=1).T
        return pd.DataFrame(found, index=self._dates(), columns=list(quantiles))

    def _chosen(self, name: str, site: str | None, item: str | None) -> tuple[Floats, list[str]]:
        if name not in self.series:
            known = nearest(name, self.series)
            msg = f"series '{name}' was not recorded; {known}; run with record=['{name}']"
            raise RunError(msg)
        names, rows = places.things(self.topology, name.partition(".")[0])
        points = [self.topology.points[i] for i in rows]
        hit = [
            n
            for n, p in enumerate(points)
            if matches(p.site.name, site) and matches(p.item.name, item)
        ]
        if not hit:
            wanted = f"{site or '*'}/{item or '*'}"
            known = nearest(wanted, {p.name for p in points})
            msg = f"series '{name}': nothing matches '{wanted}'; {known}"
            raise RunError(msg)
        return self.series[name][:, hit], [names[n] for n in hit]

    def _dates(self) -> pd.DatetimeIndex:
        return places.dates(self.scenario)

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        """What ran, with what: versions, seed, replications, scenario name and hash, timing."""
        return manifest.describe(self.scenario, self.replications, self.timing)

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything but the series as plain data, undefined numbers as ``None``.

        Two runs of one scenario, seed and installation differ only under ``timing``.
        """
        tables = {
            f"by_{what}": _records(
                places.table(self.topology, what, self.row_means, self.sink_means)
            )
            for what in ("stage", "owner", "site")
        }
        told = {k: v for k, v in self.manifest.items() if k != "timing"}
        return {
            "manifest": told,
            "kpis": _plain(self.rows),
            "per_replication": {k: _plain(v.tolist()) for k, v in self.values.items()},
            **_plain(tables),
            "timing": dict(self.timing),
        }

    def to_json(self) -> str:
        """Return :meth:`to_json_dict` as text."""
        return json.dumps(self.to_json_dict(), indent=1, allow_nan=False) + "\n"

    def to_parquet(self, folder: str | Path, force: bool = False) -> list[Path]:
        """Write the tables and the series as Parquet files, all or none; return their paths.

        Parameters
        ----------
        folder
            A new or empty one; made if missing.
        force
            Replace an earlier result in the folder.

        Raises
        ------
        OutputError
            If the folder holds anything else, or they cannot be written; nothing is changed then.
        """
        return result_files.write(self, Path(folder), "parquet", force)

    def to_csv(self, folder: str | Path, force: bool = False) -> list[Path]:
        """Write the tables and the series as CSV files, all or none; return their paths.

        Parameters
        ----------
        folder, force
            As :meth:`to_parquet`.

        Raises
        ------
        OutputError
            If the folder holds anything else, or they cannot be written; nothing is changed then.
        """
        return result_files.write(self, Path(folder), "csv", force)

    def summary(self) -> str:
        """Return the main KPIs as a few lines of text."""
        lines = [self._title()]
        for row in self.rows:
            if row["kpi"] in HEADLINES and row["n"] > 0:
                lines.append("  " + line(row, words(row["unit"], self.scenario)))
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _title(self) -> str:
        s = self.scenario
        measured = f"{s.horizon - s.warmup} {s.calendar.period}s"
        after = f" after {s.warmup} of warm-up" if s.warmup else ""
        return f"{s.title or s.name}: {self.replications} x {measured}{after}, seed {s.seed}"

    def __repr__(self) -> str:
        return f"<Result {self.summary()}>"

    def plot(self, path: str | Path | None = None) -> Any:
        """Draw the result; return the Matplotlib figure, written to ``path`` if one is given.

        Raises
        ------
        TwinError
            If Matplotlib is not installed.
        OutputError
            If the file cannot be written.
        """
        try:
            from viz import picture

            figure = picture.draw(self)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == "viz":
                raise
            msg = f"drawing needs {error.name}; install it: pip install 'pushpull-twin[plot]'"
            raise TwinError(msg) from error
        if path is not None:
            result_files.save_figure(figure, Path(path))
        return figure


def words(unit: str, scenario: Scenario) -> str:
    """Return a unit in the scenario's words: its currency for money, its days or weeks."""
    calendar = scenario.calendar
    return unit.replace("period", calendar.period).replace("money", calendar.currency)


def line(row: Mapping[str, Any], unit: str) -> str:
    """Return one row of the KPI table as text."""
    value, low, high = row["value"], row["low"], row["high"]
    band = "" if np.isnan(low) else f"  [{number(low)} to {number(high)}]"
    return f"{row['kpi']:<18}{number(value):>12} {unit}{band}"


def number(x: float) -> str:
    """Return a number with four digits that count, thousands apart."""
    if np.isnan(x):
        return "-"
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.4g}"


def _records(table: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def _plain(value: Any) -> Any:
    """Return plain data without NaN, which JSON does not know."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value

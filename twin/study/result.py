"""What a study came to: a tidy table, paired differences, tails."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from twin.errors import OutputError, RunError
from twin.kpis import KPIS
from twin.names import nearest
from twin.problems import show
from twin.result import number
from twin.study.folder import Folder, check_format, read_manifest
from twin.study.intervals import bootstrap, cvar, intervals
from twin.study.parts import columns
from twin.sums import Floats

if TYPE_CHECKING:
    import pandas as pd

Base = int | Mapping[str, Any]
"""A run to compare with: its number, or values of factors that it alone has."""


FEWEST_IN_TAIL = 20
"""Values that a tail must have for its mean to be given an interval."""


class _Runs(NamedTuple):
    """Results by design point and KPI: what :meth:`Study.frame` returns, and the values."""

    frame: pd.DataFrame
    values: Sequence[Floats]


@dataclass(frozen=True, repr=False)
class Study:
    """What :func:`twin.study` returns: all runs under the same luck.

    Attributes
    ----------
    manifest
        What ran, with what: study, hash, seed, versions, timing.
    folder
        Where the results are kept; they are read when they are first asked for.
    tables
        The results of a study without a folder, part by part.
    """

    manifest: Mapping[str, Any]
    folder: Path | None = None
    tables: Sequence[pa.Table] = ()

    @property
    def table(self) -> pa.Table:
        """One row per design point, KPI and replication, see :func:`twin.study.parts.columns`.

        Of a large study it is large; :meth:`frame` and :meth:`values` do not need it whole.
        """
        plain = columns(self.manifest["columns"])
        return pa.concat_tables([part.cast(plain) for part in self._parts()])

    def _parts(self) -> Iterable[pa.Table]:
        if self.folder is None:
            return self.tables
        return Folder(self.folder, self.manifest).read()

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the factors."""
        return tuple(self.manifest["study"]["factors"])

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the KPIs that were kept."""
        return tuple(self.manifest["outputs"])

    def frame(self, replications: bool = False) -> pd.DataFrame:
        """Return the results, one row per design point and KPI.

        Parameters
        ----------
        replications
            One row per replication as well: ``replication`` and ``value`` instead of mean and
            interval.

        Returns
        -------
        pandas.DataFrame
            point, base, the factors, metric, unit, mean, low, high, half_width, n, replications,
            reached.
        """
        found: pd.DataFrame = self._runs.frame.copy()
        if not replications:
            return found
        import pandas as pd

        kept = found[["point", "base", *self.factors, "metric", "unit"]]
        counts = found["replications"].to_numpy()
        long: pd.DataFrame = kept.loc[kept.index.repeat(counts)].reset_index(drop=True)
        long["replication"] = np.concatenate([np.arange(n) for n in counts])
        long["value"] = pd.Series(np.concatenate([*self._values.values()]))
        return long

    @functools.cached_property
    def _runs(self) -> _Runs:
        """Results by design point and KPI, read part by part."""
        plain = columns(self.manifest["columns"])
        heads: list[pa.Table] = []
        values: list[Floats] = []
        for part in self._parts():
            begins = np.flatnonzero(part["replication"].to_numpy() == 0)
            values += np.split(part["value"].to_numpy(), begins[1:])
            heads.append(part.take(begins).cast(plain))
        frame = pa.concat_tables(heads).drop_columns(["replication", "value"]).to_pandas()
        reached = frame.pop("reached")
        ends = _ends(values, frame["metric"])
        frame[["mean", "low", "high"]] = ends[:, :3]
        frame["half_width"] = (ends[:, 2] - ends[:, 1]) / 2
        frame["n"] = ends[:, 3].astype(np.int32)
        frame["replications"] = np.array([x.size for x in values], np.int32)
        return _Runs(frame.assign(reached=reached), values)

    @functools.cached_property
    def _values(self) -> dict[tuple[int, str], Floats]:
        """Values by point and KPI, ``(R,)`` each."""
        frame, values = self._runs
        keys = zip(frame["point"].tolist(), frame["metric"].tolist(), strict=True)
        return dict(zip(keys, values, strict=True))

    def values(self, point: int, metric: str) -> Floats:
        """Return a KPI of a design point, one number per replication, ``(R,)``.

        Raises
        ------
        RunError
            If there is no such point or KPI.
        """
        if metric not in self.metrics:
            msg = f"no KPI '{metric}' in this study; {nearest(metric, self.metrics)}"
            raise RunError(msg)
        if (point, metric) not in self._values:
            msg = f"point = {show(point)}; must be from 0 to {self.manifest['points'] - 1}"
            raise RunError(msg)
        return self._values[point, metric]

    def differences(self, base: Base = 0, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Return paired differences of every other run against one of them.

        Replication ``k`` of one run is subtracted from replication ``k`` of the other; both had
        the same luck. Where a precision decided how many there are, the ones both have are paired.

        Parameters
        ----------
        base
            Number of the run to compare with (0: the study's base), or values of factors that
            this run alone has: ``{"cut": "dc"}``.
        metrics
            KPIs; default: all.

        Returns
        -------
        pandas.DataFrame
            point, the factors, metric, unit, difference (run - base), low, high (95 % interval),
            half_width, clear (the interval leaves out 0; a single replication, and whole periods that
            are nearly all alike, have none), n.

        Raises
        ------
        RunError
            If there is no such run or KPI, or several are meant.
        """
        import pandas as pd

        against = self._number(base)
        wanted = self.metrics if metrics is None else tuple(metrics)
        first = {name: self.values(against, name) for name in wanted}
        found = self.frame()
        found = found[found["metric"].isin(wanted) & (found["point"] != against)]
        keys = zip(found["point"].tolist(), found["metric"].tolist(), strict=True)
        apart = [_apart(self._values[p, m], first[m]) for p, m in keys]
        kept = found[["point", *self.factors, "metric", "unit"]].reset_index(drop=True)
        return pd.concat([kept, _differences(apart, kept["metric"])], axis=1)

    def _number(self, base: Base) -> int:
        """Return the number of the run that is meant."""
        if not isinstance(base, Mapping):
            self.values(base, self.metrics[0])
            return base
        for name in base:
            if name not in self.factors:
                msg = f"base: no factor '{name}'; {nearest(name, self.factors)}"
                raise RunError(msg)
        found = self.frame().drop_duplicates("point")
        for name, value in base.items():
            found = found[found[name].isna() if value is None else found[name] == value]
        if len(found) != 1:
            which = f"{len(found)} runs have it" if len(found) else "no run has it"
            msg = f"base = {show(dict(base))}: {which}; give values of one run, or its number"
            raise RunError(msg)
        return int(found["point"].iloc[0])

    def tails(self, metric: str, level: float = 0.95) -> pd.DataFrame:
        """Return the conditional value at risk of a KPI at every design point.

        Resampling cannot see beyond the worst values: with 10 in the tail its intervals were seen
        to cover 88 %, with 2 only 47 %, so none is given for fewer than 20.

        Parameters
        ----------
        metric
            A KPI of the study; which end is bad is the KPI's own.
        level
            Share of the replications that are not bad enough.

        Returns
        -------
        pandas.DataFrame
            point, the factors, cvar, low, high (95 % bootstrap interval; NaN where the tail has
            fewer than 20 values), n.
        """
        import pandas as pd

        self.values(0, metric)
        worst = "low" if KPIS[metric].extra["better"] == "higher" else "high"
        found = self.frame()
        found = found[found["metric"] == metric][["point", *self.factors, "n"]]
        known = [self._values[p, metric] for p in found["point"]]
        ends = [_tail(values[~np.isnan(values)], level, worst) for values in known]
        kept = found.reset_index(drop=True)
        return pd.concat([kept, pd.DataFrame(ends, columns=["cvar", "low", "high"])], axis=1)

    def summary(self) -> str:
        """Return the base run and the clearest differences from it as a few lines of text."""
        told = self.manifest["study"]
        lines = [
            f"{told['title'] or told['name']}: {self.manifest['points']} runs, seed "
            f"{self.manifest['seed']}"
        ]
        base = self.frame()
        for row in base[base["base"]].to_dict("records"):
            lines.append(f"  base  {row['metric']:<18}{number(row['mean']):>12} {row['unit']}")
        clear = self.differences()
        clear = clear[clear["clear"]]
        lines.append(f"  {len(clear)} clear differences from the base, 95 % paired intervals")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Study {self.summary()}>"

    def to_json_dict(self) -> dict[str, Any]:
        """Return manifest, results and differences as plain data, undefined numbers as ``None``."""
        told = {k: v for k, v in self.manifest.items() if k != "timing"}
        tables = {"results": self.frame(), "differences": self.differences()}
        plain = {name: _records(frame) for name, frame in tables.items()}
        return {"manifest": told, **plain, "timing": self.manifest.get("timing", {})}


def _tail(values: Floats, level: float, worst: str) -> tuple[float, float, float]:
    if values.size == 0:
        return np.nan, np.nan, np.nan
    if (1 - level) * values.size < FEWEST_IN_TAIL:
        return float(cvar(values, level, worst)), np.nan, np.nan
    return bootstrap(values, lambda x: cvar(x, level, worst))


def _apart(values: Floats, base: Floats) -> Floats:
    """Return paired differences, of as many replications as both have."""
    n = min(values.size, base.size)
    return values[:n] - base[:n]


def _differences(apart: Sequence[Floats], metrics: pd.Series[str]) -> pd.DataFrame:
    """Return the columns that tell of paired differences of KPIs."""
    import pandas as pd

    mean, low, high, defined = _ends(apart, metrics, of_difference=True).T
    return pd.DataFrame({
        "difference": mean, "low": low, "high": high, "half_width": (high - low) / 2,
        "clear": (low > 0) | (high < 0), "n": defined.astype(int),
    })  # fmt: skip


def _ends(
    samples: Sequence[Floats], metrics: pd.Series[str], of_difference: bool = False
) -> Floats:
    """Return mean, ends of the interval and number of values of samples of KPIs, ``(rows, 4)``."""
    found = np.empty((len(samples), 4))
    for name, at in metrics.groupby(metrics).indices.items():
        within = KPIS[str(name)].extra["within"]
        within = within.of_difference() if of_difference else within
        found[at] = intervals([samples[i] for i in at], within)
    return found


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.to_dict("records")
    return [
        {str(k): None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()}
        for row in rows
    ]


def opened(path: str | Path) -> Study:
    """Return the study that a folder holds, complete.

    Raises
    ------
    OutputError
        If no study wrote the folder, or it is not finished.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    if manifest is None:
        msg = f"{folder}: holds no study; give the folder that `twin study ... --out` wrote"
        raise OutputError(msg)
    check_format(folder, manifest)
    done = Folder(folder, manifest).finished()
    if len(done) < manifest["parts"]:
        msg = (
            f"{folder}: {len(done)} of {manifest['parts']} parts are finished; give the command "
            "that began it again, it goes on"
        )
        raise OutputError(msg)
    return Study(manifest, folder)

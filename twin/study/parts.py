"""A part of a study: some design points, run by a pure function of the study as data and a number.

Threads and a cluster call the same function; what it returns depends on nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from twin.kpis import KPIS
from twin.schema import Scenario
from twin.statistics import interval
from twin.study.changing import Changing
from twin.study.measure import Found, Measure, Tick
from twin.study.schema import Until
from twin.sums import Floats


def points_of(data: Mapping[str, Any], index: int) -> range:
    """Return the numbers of the design points of a part."""
    size = int(data["part"])
    return range(index * size, min((index + 1) * size, len(data["points"])))


def task(data: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Return the data of one part alone, for a worker elsewhere."""
    chosen = points_of(data, index)
    return {**data, "points": data["points"][chosen.start : chosen.stop], "first": chosen.start}


def run_task(data: Mapping[str, Any], tick: Tick | None = None) -> pa.Table:
    """Run the design points of one part and return its rows.

    Parameters
    ----------
    data
        What :func:`task` returned.
    tick
        Told of each stretch of periods x replications; may raise to stop.

    Returns
    -------
    pyarrow.Table
        One row per point and KPI, columns as :func:`columns` lists them.
    """
    changing, measure = _bench(data)
    measure.tick = tick
    rows: list[dict[str, Any]] = []
    for n, point in enumerate(data["points"]):
        key, topology = changing((k, v) for k, v in point["changes"])
        found = measure(topology, key)
        number = data["first"] + n
        rows += [_row(number, point["values"], name, found) for name in data["outputs"]]
    return pa.Table.from_pylist(rows, schema=columns(data["factors"]))


def _bench(data: Mapping[str, Any]) -> tuple[Changing, Measure]:
    """Return what the parts of one study share in a thread: networks, plans, undisrupted twins.

    They save most of the work besides the kernel's, and no number depends on them.
    """
    if getattr(_HERE, "key", None) != data["key"]:
        until = None if data["until"] is None else Until.model_validate(data["until"])
        scenario = Scenario.model_validate(data["scenario"])
        _HERE.changing = Changing(scenario, checked=True)
        _HERE.measure = Measure(data["outputs"], data["replications"], until)
        _HERE.key = data["key"]
    return _HERE.changing, _HERE.measure


_HERE = threading.local()


def columns(factors: Mapping[str, bool]) -> pa.Schema:
    """Return the columns of the results.

    ``point`` (number, 0 is the base), ``base``, one per factor (null: as the scenario has it),
    ``metric``, ``unit``, ``mean``, ``low``, ``high`` (95 % interval), ``half_width``, ``n``
    (replications in which the KPI is defined), ``replications``, ``reached`` (the wanted
    precision), ``values`` (one number per replication).

    Parameters
    ----------
    factors
        Name -> whether its values are numbers.
    """
    number, text = pa.float64(), pa.string()
    return pa.schema([
        ("point", pa.int32()), ("base", pa.bool_()),
        *((name, number if numeric else text) for name, numeric in factors.items()),
        ("metric", text), ("unit", text), ("mean", number), ("low", number), ("high", number),
        ("half_width", number), ("n", pa.int32()), ("replications", pa.int32()),
        ("reached", pa.bool_()), ("values", pa.list_(number)),
    ])  # fmt: skip


def _row(number: int, labels: Mapping[str, Any], name: str, found: Found) -> dict[str, Any]:
    values: Floats = found.values[name]
    extra = KPIS[name].extra
    mean, low, high, n = interval(values, extra["within"])
    return {
        "point": number, "base": number == 0, **labels, "metric": name, "unit": extra["unit"],
        "mean": mean, "low": low, "high": high, "half_width": (high - low) / 2, "n": n,
        "replications": values.size, "reached": found.reached, "values": values.tolist(),
    }  # fmt: skip

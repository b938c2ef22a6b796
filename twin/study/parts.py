"""A part of a study: some design points, run by a pure function of the study as data and a number.

Threads and a cluster call the same function; what it returns depends on nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from twin.kpis import KPIS
from twin.schema import Scenario
from twin.study.changing import Changing
from twin.study.measure import Found, Measure, Tick
from twin.study.schema import Until


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
        As :func:`tidy` makes it.
    """
    changing, measure = _bench(data)
    measure.tick = tick
    found: list[Found] = []
    for point in data["points"]:
        key, topology = changing((k, v) for k, v in point["changes"])
        found.append(measure(topology, key))
    return tidy(data, found)


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
    ``metric``, ``unit``, ``replication``, ``value`` (null: not defined in it), ``reached`` (the
    wanted precision, by the point).

    Parameters
    ----------
    factors
        Name -> whether its values are numbers.
    """
    number, text = pa.float64(), pa.string()
    return pa.schema([
        ("point", pa.int32()), ("base", pa.bool_()),
        *((name, number if numeric else text) for name, numeric in factors.items()),
        ("metric", text), ("unit", text), ("replication", pa.int32()), ("value", number),
        ("reached", pa.bool_()),
    ])  # fmt: skip


def tidy(data: Mapping[str, Any], found: Sequence[Found]) -> pa.Table:
    """Return what design points came to: one row per point, KPI and replication, in this order.

    Parameters
    ----------
    data
        What :func:`task` returned.
    found
        What each of its points came to.

    Returns
    -------
    pyarrow.Table
        Columns as :func:`columns` lists them, texts as codes of a dictionary.
    """
    outputs, P = data["outputs"], len(found)
    draws = np.array([one.values[outputs[0]].size for one in found], np.int32)
    spread = np.repeat(np.arange(P, dtype=np.int32), draws * len(outputs))
    kpi = np.repeat(np.tile(np.arange(len(outputs), dtype=np.int32), P), draws.repeat(len(outputs)))
    numbers = data["first"] + np.arange(P, dtype=np.int32)
    values = np.concatenate([one.values[name] for one in found for name in outputs])
    made = {
        "point": numbers[spread],
        "base": (numbers == 0)[spread],
        "metric": _coded(outputs).take(pa.array(kpi)),
        "unit": _coded([KPIS[name].extra["unit"] for name in outputs]).take(pa.array(kpi)),
        "replication": np.concatenate(
            [np.arange(n, dtype=np.int32) for n in draws for _ in outputs]
        ),
        "value": pa.array(values, from_pandas=True),  # NaN would be a number to SQL
        "reached": np.array([one.reached for one in found])[spread],
    }
    for name, numeric in data["factors"].items():
        labels = [point["values"].get(name) for point in data["points"]]
        made[name] = (pa.array(labels, pa.float64()) if numeric else _coded(labels)).take(spread)
    return pa.table({name: made[name] for name in columns(data["factors"]).names})


def _coded(texts: Sequence[str | None]) -> pa.DictionaryArray:
    """Return texts as codes of a dictionary: a number for each row."""
    return pa.array(texts, pa.string()).dictionary_encode()

"""The chains of Willems (2008) as scenarios, from the user's own copy of the data.

S. P. Willems, Data set: Real-world multiechelon supply chains used for inventory optimization,
Manufacturing & Service Operations Management 10(1): 19-23, 2008. A stage of the data is a site
that makes its own item from the items of the stages before it (one unit of each, carried there in
no time); its time is the production's lead time. The files are ``stages.csv`` (chain, stage_id,
stage_type, lead_time, cost_rate, ext_demand_mean, ext_demand_std, ext_demand_thres, max_s_time)
and ``arcs.csv`` (chain, source, target).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import networkx as nx

from twin.check import check
from twin.errors import ScenarioError
from twin.load import save
from twin.names import nearest
from twin.problems import show
from twin.schema import Scenario
from twin.table_files import read_table
from twin.validate import validate

STAGE_COLUMNS = (
    "chain",
    "stage_id",
    "stage_type",
    "lead_time",
    "cost_rate",
    "max_s_time",
    "ext_demand_mean",
    "ext_demand_std",
    "ext_demand_thres",
)
ARC_COLUMNS = ("chain", "source", "target")
KINDS = {
    "Part": "supplier",
    "Manuf": "plant",
    "Trans": "warehouse",
    "Dist": "warehouse",
    "Retail": "store",
}
"""Stage types of the data, source to sink, and the site kinds they become."""


@dataclass
class _Stage:
    name: str
    type: str
    time: int
    rounded: bool
    cost: float
    mean: float
    sd: float
    z: float
    tolerance: int
    level: float = 0.0
    value: float = 0.0


def import_chain(folder: str | Path, chain: int | str) -> tuple[Scenario, list[str]]:
    """Return one chain of the data as a checked scenario, and what had to be assumed for it.

    Parameters
    ----------
    folder
        Where ``stages.csv`` and ``arcs.csv`` lie.
    chain
        Number of the chain, as in the first column.

    Raises
    ------
    ScenarioError
        If a file, a column or the chain is missing, or a value is not what the column means.
    """
    stages = _stages(Path(folder), str(chain))
    graph = _graph(Path(folder), str(chain), stages)
    order = list(nx.lexicographical_topological_sort(graph))
    _values(graph, order, stages)
    _levels(graph, order, stages)
    scenario = validate(_data(str(chain), graph, order, stages))
    check(scenario)
    return scenario, _assumptions(stages)


def write_import(path: str | Path, scenario: Scenario, assumptions: Sequence[str]) -> None:
    """Write an imported scenario with its assumptions as comments at the top.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    head = [scenario.title, "", "Assumptions of the import:", *(f"* {a}" for a in assumptions)]
    save(scenario, path, head)


def _rows(file: Path, columns: Sequence[str], chain: str) -> list[tuple[str, dict[str, Any]]]:
    """Return place and cells of each row of a chain."""
    table = read_table(file)
    for column in columns:
        if column not in table.columns:
            known = nearest(column, table.columns)
            msg = f"{file}, row 1: column '{column}' is missing; {known}"
            raise ScenarioError(msg)
    at = table.columns.index("chain")
    chains = dict.fromkeys(str(cells[at]) for _, cells in table.rows)
    if chain not in chains:
        msg = f"{file}: no chain {chain}; allowed: {', '.join(chains)}"
        raise ScenarioError(msg)
    return [
        (f"{file}, row {number}", dict(zip(table.columns, cells, strict=False)))
        for number, cells in table.rows
        if str(cells[at]) == chain
    ]


def _stages(folder: Path, chain: str) -> dict[str, _Stage]:
    stages: dict[str, _Stage] = {}
    for place, row in _rows(folder / "stages.csv", STAGE_COLUMNS, chain):
        name, kind = str(row["stage_id"]), str(row["stage_type"])
        if kind not in KINDS:
            msg = f"{place}, column 'stage_type' = {show(kind)}; {nearest(kind, KINDS)}"
            raise ScenarioError(msg)
        if name in stages:
            msg = f"{place}, column 'stage_id' = {show(name)} a second time; give it once"
            raise ScenarioError(msg)
        time = _number(place, row, "lead_time")
        stages[name] = _Stage(
            name,
            kind,
            math.ceil(time),
            time != int(time),
            _number(place, row, "cost_rate"),
            _number(place, row, "ext_demand_mean"),
            _number(place, row, "ext_demand_std"),
            _z(place, row),
            int(_number(place, row, "max_s_time")),
        )
    return stages


def _number(place: str, row: dict[str, Any], column: str) -> float:
    """Return a cell as a number, an empty one as 0."""
    cell = row.get(column)
    if cell is None or cell == "":
        return 0.0
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        msg = f"{place}, column '{column}' = {show(cell)}; must be a finite number, 0 or more"
        raise ScenarioError(msg)
    return value


def _z(place: str, row: dict[str, Any]) -> float:
    """Return the safety factor of a demand bound: a z-value, or a service probability below 1."""
    target = _number(place, row, "ext_demand_thres")
    return NormalDist().inv_cdf(target) if 0 < target < 1 else target


def _graph(folder: Path, chain: str, stages: dict[str, _Stage]) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(stages)
    for place, row in _rows(folder / "arcs.csv", ARC_COLUMNS, chain):
        for column in ("source", "target"):
            if row[column] not in stages:
                known = nearest(str(row[column]), stages)
                msg = f"{place}, column '{column}' = {show(row[column])}; no such stage, {known}"
                raise ScenarioError(msg)
        graph.add_edge(row["source"], row["target"])
    if not nx.is_directed_acyclic_graph(graph):
        loop = " -> ".join([*(edge[0] for edge in nx.find_cycle(graph))])
        msg = f"{folder / 'arcs.csv'}: chain {chain} has a cycle ({loop}); remove one of these arcs"
        raise ScenarioError(msg)
    return graph


def _values(graph: nx.DiGraph, order: list[str], stages: dict[str, _Stage]) -> None:
    """Add up the costs of a stage and of all that goes into it."""
    for name in order:
        before = (stages[source].value for source in graph.predecessors(name))
        stages[name].value = stages[name].cost + sum(before)


def _levels(graph: nx.DiGraph, order: list[str], stages: dict[str, _Stage]) -> None:
    """Set S = μ τ + z σ √τ of every stage for its exploded demand over its own time τ.

    The protection interval is the lead time alone, as demand is seen before ordering. Customers'
    demands are independent; a stage that a customer reaches by several paths is needed once by
    each.
    """
    weights: dict[str, dict[str, float]] = {}
    for name in reversed(order):
        own = {name: 1.0} if stages[name].mean > 0 else {}
        for target in graph.successors(name):
            for sink, weight in weights[target].items():
                own[sink] = own.get(sink, 0.0) + weight
        weights[name] = own
        sinks = [(stages[s], w) for s, w in own.items()]
        mean = sum(w * s.mean for s, w in sinks)
        variance = sum((w * s.sd) ** 2 for s, w in sinks)
        z = max((s.z for s, _ in sinks), default=0.0)
        time = stages[name].time
        stages[name].level = round(mean * time + z * math.sqrt(variance * time), 6)


def _data(
    chain: str, graph: nx.DiGraph, order: list[str], stages: dict[str, _Stage]
) -> dict[str, Any]:
    used = {s.type for s in stages.values()}
    sinks = [stages[n] for n in order if stages[n].mean > 0]
    data: dict[str, Any] = {
        "name": f"willems_{int(chain):02d}" if chain.isdecimal() else f"willems_{chain}",
        "title": f"Chain {chain} of Willems (2008): {len(stages)} stages, {len(sinks)} with demand",
        "stages": [t.lower() for t in KINDS if t in used],
    }
    data["sites"] = [
        {"name": n, "kind": KINDS[stages[n].type], "stage": stages[n].type.lower()} for n in order
    ]
    data["items"] = [{"name": n, "value": round(stages[n].value, 6)} for n in order]
    data["lanes"] = [
        {"from": source, "to": name, "items": source, "lead_time": 0}
        for name in order
        for source in sorted(graph.predecessors(name))
    ]
    data["production"] = [
        {
            "site": name,
            "item": name,
            "lead_time": stages[name].time,
            "inputs": [{"item": source} for source in sorted(graph.predecessors(name))],
        }
        for name in order
    ]
    data["stock"] = [
        {"where": {"site": n, "item": n}, "policy": {"level": stages[n].level}} for n in order
    ]
    data["demand"] = [
        {"site": s.name, "item": s.name, "kind": "normal", "mean": s.mean, "sd": s.sd,
         "tolerance": s.tolerance}
        for s in sinks
    ]  # fmt: skip
    return data


def _assumptions(stages: dict[str, _Stage]) -> list[str]:
    rounded = [s.name for s in stages.values() if s.rounded]
    few = ", ".join(rounded[:5]) + (", ..." if len(rounded) > 5 else "")
    return [
        "one period is a day; the horizon is the default",
        "a stage is one site that makes its own item from one unit of each stage before it",
        "goods move between stages in no time; a stage's time is its production lead time",
        f"stage times are rounded up to whole days ({len(rounded)} of {len(stages)} changed"
        + (f": {few})" if rounded else ")"),
        "stage times are certain: the data's standard deviations are not read",
        "demand is Normal and independent over days and customers; unmet demand waits",
        "a customer's tolerance is the stage's longest service time (max_s_time), rounded down",
        "ext_demand_thres is a safety factor z (a service probability where it is below 1)",
        "every stage holds stock: base stock = mean + z x standard deviation of the demand that is "
        "exploded to it, over its own stage time; z is the largest of its customers'",
        "an item's value is the sum of the cost rates of its stage and of all that goes into it; "
        "holding cost is the default capital rate",
        "no capacity limits, lots, purchase prices or margins: the data have none",
    ]

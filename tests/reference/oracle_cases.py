"""The published traces as scenarios, and their comparison with any engine's trace.

A trace is anything with ``point[series][name][t]``, ``link``, ``sink``, ``cost`` (series
``holding``, ``backlog``, ``transit``) and ``filled[sink][t]`` as :class:`naive_trace.Trace` has.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.schema import Scenario

FOLDER = Path(__file__).parents[1] / "data" / "oracles"
TRACE_CASES = (
    "serial4_basestock",
    "serial4_order_lead_time",
    "owmr3",
    "ras_fig1a_tree",
    "assembly_3_stage",
    "single_rQ",
    "single_sS",
    "example_6_1_local",
    "disruption_OP",
    "disruption_SP",
)
POLICY_KIND = {"BS": "base_stock", "sS": "s_S", "rQ": "r_Q"}
DISRUPTION_KIND = {"OP": "ordering_down", "SP": "dispatch_stop"}


@dataclass(frozen=True)
class Case:
    """One oracle: the scenario and, per (node, column), what the trace must show."""

    name: str
    scenario: Scenario
    data: dict[str, Any]

    @property
    def is_integer(self) -> bool:
        """Are all numbers of the oracle whole?"""
        return all(v == int(v) for row in self.data["external_demand"].values() for v in row)


def load(name: str) -> Case:
    """Return one of :data:`TRACE_CASES` as a case."""
    data = json.loads((FOLDER / f"{name}.json").read_text())
    nodes = data["nodes"]
    parts: dict[str, list] = {
        k: [] for k in ("sites", "lanes", "production", "purchases", "stock", "demand")
    }
    parts["disruptions"] = []
    for n in sorted(nodes, key=int):
        _add_node(parts, n, nodes, data)
    scenario = {
        "name": name,
        "horizon": data["periods"],
        "items": [{"name": i} for i in sorted({item_of(n, nodes) for n in nodes})],
        **parts,
    }
    return Case(name, Scenario.model_validate(scenario), data)


def item_of(n: str, nodes: dict[str, Any]) -> str:
    """Item that a node holds for its customers: a node with several suppliers assembles."""
    before = nodes[n]["predecessors"]
    if len(before) == 1:
        return item_of(str(before[0]), nodes)
    return f"x{n}"


def is_assembly(n: str, nodes: dict[str, Any]) -> bool:
    return len(nodes[n]["predecessors"]) > 1


def _add_node(parts: dict[str, list], n: str, nodes: dict[str, Any], data: dict[str, Any]) -> None:
    node, item = nodes[n], item_of(n, nodes)
    parts["sites"].append({"name": f"s{n}"})
    arrives = {
        "lead_time": node["shipment_lead_time"],
        "information_delay": node["order_lead_time"],
    }
    if node["order_capacity"] is not None:
        arrives["order_max"] = node["order_capacity"]
    for before in map(str, node["predecessors"]):
        lane = {"from": f"s{before}", "to": f"s{n}", "rank": int(n), **arrives}
        cost = nodes[before]["in_transit_holding_cost"]
        if cost is not None:
            lane["transit_holding_cost"] = cost
        parts["lanes"].append({**lane, "items": item_of(before, nodes)})
    if node["external_supplier"]:
        parts["purchases"].append({"site": f"s{n}", "item": item, **arrives})
    if is_assembly(n, nodes):
        inputs = [{"item": item_of(str(b), nodes)} for b in node["predecessors"]]
        parts["production"].append({"site": f"s{n}", "item": item, "inputs": inputs})
        for b in map(str, node["predecessors"]):
            where = {"site": f"s{n}", "item": item_of(b, nodes)}
            rate = nodes[b]["local_holding_cost"]
            parts["stock"].append({"where": where, "holding_cost": rate})
    parts["stock"].append(_rule(n, item, node))
    if n in data["external_demand"]:
        values = data["external_demand"][n]
        parts["demand"].append(
            {"site": f"s{n}", "item": item, "kind": "recorded", "values": values}
        )
    for start, length in _windows(node["disruption"]):
        kind = DISRUPTION_KIND[node["disruption"]["type"]]
        parts["disruptions"].append(
            {"kind": kind, "start": start, "duration": length, "where": {"site": f"s{n}"}}
        )


def _rule(n: str, item: str, node: dict[str, Any]) -> dict[str, Any]:
    given = node["policy"]
    policy = {"kind": POLICY_KIND[given["type"]]}
    level = given.get("base_stock_level") or given.get("order_up_to_level")
    for key, value in (
        ("level", level),
        ("reorder_point", given.get("reorder_point")),
        ("lot", given.get("order_quantity")),
    ):
        if value is not None:
            policy[key] = value
    rule = {
        "where": {"site": f"s{n}", "item": item},
        "policy": policy,
        "holding_cost": node["local_holding_cost"],
        "backlog_cost": node["stockout_cost"] or 0.0,
        "allocation": "index",
    }
    if node["initial_inventory_level"] is not None:
        rule["initial_stock"] = node["initial_inventory_level"]
    return rule


def _windows(disruption: dict[str, Any] | None) -> list[tuple[int, int]]:
    """Runs of disrupted periods as (first period, length)."""
    if disruption is None:
        return []
    found: list[tuple[int, int]] = []
    for t, hit in enumerate(disruption["disrupted"]):
        if hit and found and sum(found[-1]) == t:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif hit:
            found.append((t, 1))
    return found


def differences(case: Case, trace: Any, tolerance: float) -> list[str]:
    """Return every value of the oracle that the trace misses by more than the tolerance."""
    found = []
    for n in case.data["nodes"]:
        for column, expected, actual in _columns(case, n, trace):
            if len(expected) != len(actual):
                found.append(f"node {n} {column}: {len(actual)} periods, not {len(expected)}")
            for t, (e, a) in enumerate(zip(expected, actual, strict=False)):
                if abs(e - a) > tolerance:
                    found.append(f"node {n} {column} t={t}: {a}, expected {e}")
    return found


def _columns(case: Case, n: str, trace: Any) -> list[tuple[str, list, list]]:
    """(column, the oracle's values, the trace's values) of one node."""
    nodes, rows = case.data["nodes"], case.data["trace"][n]
    item = item_of(n, nodes)
    name = f"s{n}/{item}"
    own = [name]
    if is_assembly(n, nodes):
        own += [f"s{n}/{item_of(str(b), nodes)}" for b in nodes[n]["predecessors"]]
    on_hand, backlog = trace.point["on_hand"], trace.point["backlog"]
    level = [h - b for h, b in zip(on_hand[name], backlog[name], strict=True)]
    incoming = _added(list(rows["inbound_order"].values()))
    found = [
        ("inventory_level", rows["inventory_level"], level),
        (
            "raw_material_inventory",
            rows["raw_material_inventory"],
            _added([on_hand[x] for x in own[1:]] or [[0.0] * len(level)]),
        ),
        ("holding_cost", rows["holding_cost"], _added([trace.cost["holding"][x] for x in own])),
        ("stockout_cost", rows["stockout_cost"], trace.cost["backlog"][name]),
        ("transit", rows["in_transit_holding_cost"], trace.cost["transit"][name]),
        ("inbound_order", incoming, trace.point["incoming"][name]),
    ]
    return found + _supply(case, n, trace) + _service(case, n, trace)


def _supply(case: Case, n: str, trace: Any) -> list[tuple[str, list, list]]:
    """Orders and receipts, by supplier."""
    nodes, rows = case.data["nodes"], case.data["trace"][n]
    found = []
    for column, series in (
        ("order_quantity", "order"),
        ("inbound_shipment", "received"),
        ("on_order_by_predecessor", "on_order"),
    ):
        for before, expected in rows[column].items():
            item = item_of(before if is_assembly(n, nodes) else n, nodes)
            found.append((f"{column} {before}", expected, trace.point[series][f"s{n}/{item}"]))
    return found


def _service(case: Case, n: str, trace: Any) -> list[tuple[str, list, list]]:
    """Shipments and backlogs, by customer."""
    nodes, rows = case.data["nodes"], case.data["trace"][n]
    item = item_of(n, nodes)
    found = []
    for after, expected in rows["outbound_shipment"].items():
        owed = rows["backorders_by_successor"][after]
        if after == "EXT":
            sink = f"s{n}/{item}/customers"
            found.append(("delivered", expected, trace.sink["delivered"][sink]))
            found.append(("customers owed", owed, trace.sink["owed"][sink]))
            found.append(("filled", rows["demand_met_from_stock"], trace.filled[sink]))
            continue
        link = f"s{n}->s{after}/{item}"
        found.append((f"shipped to {after}", expected, trace.link["shipped"][link]))
        # what a dispatch stop holds back stays owed with us; stockpyl books it as held
        if (nodes[after]["disruption"] or {}).get("type") != "SP":
            found.append((f"owed to {after}", owed, trace.link["owed"][link]))
    return found


def _added(rows: list[list[float]]) -> list[float]:
    return [sum(values) for values in zip(*rows, strict=True)]


BEER_STAGES = ("retailer", "wholesaler", "distributor", "factory")


def beer_game(**policy: float) -> Scenario:
    """Return Sterman's board game; keywords change the human rule of every stage."""
    rule = {"kind": "human", "smoothing": 0.0, "adjustment": 1.0, "supply_line": 1.0}
    rule.update({"forced_order": 4, "forced_until": 4})
    levels = dict(zip(BEER_STAGES, (28, 28, 28, 20), strict=True))
    lanes = [
        {"from": up, "to": down, "lead_time": 2, "information_delay": 2, "transit_holding_cost": 0}
        for down, up in itertools.pairwise(BEER_STAGES)
    ]
    common = {"initial_stock": 12, "initial_in_transit": 4, "initial_orders": 4}
    common.update({"holding_cost": 0.5, "backlog_cost": 1.0})
    stock = [
        {
            "where": {"site": s},
            "policy": {**rule, "level": levels[s], **policy},
            "forecast": {"kind": "constant", "initial": 4},
            **common,
        }
        for s in BEER_STAGES
    ]
    return Scenario.model_validate(
        {
            "name": "beer_game",
            "horizon": 36,
            "sites": [{"name": s} for s in BEER_STAGES],
            "items": [{"name": "beer"}],
            "lanes": lanes,
            "purchases": [{"site": "factory", "item": "beer", "lead_time": 3}],
            "stock": stock,
            "demand": [
                {
                    "site": "retailer",
                    "item": "beer",
                    "kind": "recorded",
                    "values": [4] * 4 + [8] * 32,
                }
            ],
        }
    )


def beer_game_oracle() -> dict[str, Any]:
    """Return the published trace and costs of the board game."""
    return json.loads((FOLDER / "beer_game_sterman.json").read_text())

"""Behaviour for random networks: demand, policies, families, devices and disruptions."""

from __future__ import annotations

from typing import Any

from tests.reference.naive_network import World
from tests.reference.naive_policies import set_first_forecasts
from twin import topology
from twin.distributions import lead_time_moments
from twin.schema import Scenario

RULES = ("index", "priority", "proportional", "fair_share")
DISRUPTIONS = (
    "outage",
    "capacity_loss",
    "lane_closed",
    "lead_time_stretch",
    "demand_change",
    "mix_shift",
    "stock_destruction",
    "ordering_down",
    "dispatch_stop",
    "dock_closed",
    "device_fault",
    "wrong_upload",
)


def add_behaviour(draft) -> None:
    """Complete a draft of a network, in place."""
    add_families(draft)
    add_demand(draft)
    network = topology.build(Scenario.model_validate(draft.data))
    world = World(network, None)
    set_first_forecasts(world)
    for p in sorted(world.points, key=lambda p: p.name):
        add_stock_rule(draft, p)
    if draft.simple:
        restrict(draft, world)
    if "devices" in draft.features:
        add_devices(draft)
    if "disruptions" in draft.features:
        for _ in range(draft.dice.randint(1, 4)):
            add_disruption(draft, network)


def add_families(draft) -> None:
    dice = draft.dice
    for name in sorted({i["family"] for i in draft.data["items"] if "family" in i}):
        family: dict[str, Any] = {"name": name, "tolerance": dice.randint(0, 8)}
        if draft.has("decoupling", 0.8):
            family["decoupling_point"] = dice.choice(draft.positions)
            family["ramp"] = dice.choice([0, 0, 5])
            family["run_out"] = dice.choice(["cancel", "keep"])
            family["notice"] = dice.choice([0, 2])
            last = -1
            for _ in range(dice.randint(0, 2)):
                at = dice.randint(0, 45)
                at += at == last  # one move of a family per period
                last = at
                to = dice.choice(draft.positions)
                draft.data["moves"].append({"family": name, "at": at, "to": to})
        draft.data["families"].append(family)


def add_demand(draft) -> None:
    dice = draft.dice
    for site, item in draft.sold:
        for customer in ["customers", "others"][: dice.choice([1, 1, 2])]:
            demand = {"site": site, "item": item, "customer": customer, **demand_kind(draft)}
            demand["rank"] = draft.rank(0)
            if draft.has("lost", 0.5):
                demand["unmet"] = "lost"
            elif draft.has("patience", 0.5):
                demand["patience"] = dice.choice([0, 1, 3, 8])
            if dice.random() < 0.3 and "patience" not in demand:
                demand["tolerance"] = dice.randint(0, 10)
            if draft.has("random", 0.2):
                demand["trend"] = 0.5
                demand["season"] = {"weekly": [1, 1, 1, 1, 2, 3, 0]}
            draft.data["demand"].append(demand)
            if "lost" not in draft.features and "allocation" not in draft.features:
                break  # one customer class is what stockpyl knows


def demand_kind(draft) -> dict[str, Any]:
    dice = draft.dice
    mean = float(dice.randint(3, 12))
    if draft.has("random", 0.8):
        return dice.choice(
            [
                {"kind": "poisson", "mean": mean},
                {"kind": "normal", "mean": mean, "sd": mean / 4},
                {"kind": "negative_binomial", "mean": mean, "variance_to_mean": 3.0},
                {"kind": "lognormal", "mean": mean, "cv": 0.5},
                {"kind": "gamma", "mean": mean, "cv": 0.5},
                {"kind": "constant", "mean": mean},
                {
                    "kind": "intermittent",
                    "mean": mean / 3,
                    "variance_to_mean": 2.0,
                    "probability": 0.3,
                },
            ]
        )
    values = [max(0.0, dice.gauss(mean, mean / 3)) for _ in range(draft.data["horizon"])]
    if draft.whole:
        values = [float(round(v)) for v in values]
    return {"kind": "recorded", "values": values}


def add_stock_rule(draft, point) -> None:
    """Give one stock point its own rule, scaled to what flows through it."""
    dice = draft.dice
    role = point.declared.role
    rule: dict[str, Any] = {
        "where": {"site": point.site, "item": point.item.name},
        "holding_cost": float(dice.randint(1, 4)),
        "backlog_cost": float(dice.choice([0, 10])) if point.sinks else 0.0,
        "allocation": "index" if "allocation" not in draft.features else dice.choice(RULES),
    }
    if draft.has("allocation", 0.3):
        rule["customers_first"] = True
    mean = max(0.5, point.first_forecast)
    lead = max(lead_time_moments(e.declared.lead_time)[0] + e.delay for e in point.in_links)
    if role == "output" or dice.random() < 0.4:
        rule["policy"] = policy(draft, mean, lead)
        if draft.has("policies", 0.7):
            rule["forecast"] = forecast(dice)
        if dice.random() < 0.4:
            rule["initial_stock"] = float(round(dice.uniform(0, 2) * mean * (lead + 1)))
    if dice.random() < 0.3 and f"{point.site}/{point.item.name}" not in draft.many:
        rule["initial_in_transit"] = float(dice.randint(1, 8))
    if dice.random() < 0.2:
        rule["initial_orders"] = float(dice.randint(1, 8))
    for field, value in (("shrink", 0.3), ("misplacement", 0.02), ("scan_error", 0.1)):
        if draft.has("losses", 0.3):
            rule[field] = value
    draft.data["stock"].append(rule)


def restrict(draft, world: World) -> None:
    """Take out of a textbook scenario what stockpyl does differently."""
    components = {p.name for p in world.points if p.declared.role == "component"}
    bought = {p.name for p in world.points if any(e.kind != "ship" for e in p.in_links)}
    most = {f"{d['site']}/{d['item']}": max(d["values"], default=0.0) for d in draft.data["demand"]}
    kept = []
    for rule in draft.data["stock"]:
        name = f"{rule['where']['site']}/{rule['where']['item']}"
        if name in components:  # raw material is bought for production only
            rule = {k: rule[k] for k in ("where", "holding_cost")}
        if name in bought:  # an outside supplier has no opening mail
            rule.pop("initial_orders", None)
        given = rule.get("policy", {})
        if given.get("kind") == "r_Q":  # it orders one lot only, which must always do
            rule.pop("initial_stock", None)
            given["lot"] = float(round(max(given["lot"], most.get(name, 0.0) + 1)))
            if name not in most:
                rule["policy"] = {"kind": "base_stock", "level": given["reorder_point"]}
        kept.append(rule)
    draft.data["stock"] = kept


def policy(draft, mean: float, lead: float) -> dict[str, Any]:
    dice = draft.dice
    kinds = ["base_stock", "base_stock", "s_S", "r_Q"]
    if "policies" in draft.features:
        kinds += ["mrp", "push_plan", "kanban", "conwip", "human", "order_driven"]
    kind = dice.choice(kinds)
    level = float(round(mean * (lead + 1) * dice.uniform(0.6, 1.8)))
    lot = float(max(1, round(mean * dice.uniform(1, 4))))
    given: dict[str, Any] = {"kind": kind}
    if kind in ("base_stock", "human"):
        given["level"] = level
    if kind == "s_S":
        given.update(reorder_point=level, level=level + lot)
    if kind == "r_Q":
        given.update(reorder_point=level, lot=lot)
    if kind == "kanban":
        given.update(lot=float(max(1, round(mean / 2))), cards=float(round(2 * lead + 4)))
    if kind == "conwip":
        given["wip_cap"] = 3 * level
    if kind == "mrp":
        lot_rule = dice.choice(["lot_for_lot", "fixed", "period"])
        given.update(lot_rule=lot_rule, lot=lot, lot_periods=dice.randint(1, 3))
    if "policies" in draft.features:
        vary(dice, given, mean)
    return given


def vary(dice, given: dict[str, Any], mean: float) -> None:
    """Reviews, levels from the forecast, safety, forced orders: only what the policy uses."""
    kind = given["kind"]
    levels = kind in ("base_stock", "s_S", "r_Q")
    if dice.random() < 0.5 and kind != "human":
        given["review"] = dice.choice([2, 3, 7])
        given["phase"] = dice.randint(0, 3)
    if kind == "base_stock" and dice.random() < 0.5:
        del given["level"]
    if kind == "s_S" and dice.random() < 0.5:
        given["lot"] = given.pop("level") - given.pop("reorder_point")
    if kind == "r_Q" and dice.random() < 0.3:
        del given["reorder_point"]
    if dice.random() < 0.2 and (levels or kind in ("mrp", "push_plan")):
        given["safety_stock"] = round(2 * mean, 1)
    if dice.random() < 0.2 and levels:
        given["cover"] = 4.0
    if dice.random() < 0.1:
        given.update(forced_order=float(round(mean)), forced_until=4)


def forecast(dice) -> dict[str, Any]:
    given: dict[str, Any] = {
        "kind": dice.choice(["moving_average", "exponential_smoothing", "constant"]),
        "sees": dice.choice(["customers", "orders", "demand"]),
        "age": dice.choice([0, 0, 1, 3]),
    }
    if given["kind"] == "moving_average":
        given["window"] = dice.randint(2, 10)
    if given["kind"] == "exponential_smoothing":
        given["smoothing"] = dice.choice([0.1, 0.3])
    if given["kind"] != "constant":
        given["error_smoothing"] = dice.choice([0.0, 0.05, 0.2])
    if dice.random() < 0.2:
        given.update(initial=5.0, initial_error=2.0)
    return given


def add_devices(draft) -> None:
    dice = draft.dice
    draft.data["devices"].append({"kind": "cycle_count", "period": dice.randint(5, 20), "phase": 3})
    draft.data["devices"].append(
        {
            "kind": "rfid_shelf",
            "where": {"role": "output"},
            "period": dice.randint(1, 4),
            "noise": 0.05,
            "bias": -0.02,
            "read_rate": 0.95,
            "delay": dice.randint(0, 2),
            "loss": 0.2,
        }
    )
    owners = sorted(s["name"] for s in draft.data["sites"])
    draft.data["adoption"] = {owner: dice.choice([0.0, 0.5, 1.0]) for owner in owners}


def add_disruption(draft, network) -> None:
    dice = draft.dice
    sites = {kind: sorted({p.site.name for p in network.points}) for kind in DISRUPTIONS}
    sites["capacity_loss"] = sorted({p["site"] for p in draft.data["production"]})
    sites["demand_change"] = sorted({site for site, _ in draft.sold})
    if not draft.data["devices"]:
        sites["device_fault"] = []
    lanes = sorted({e.lane for e in network.links if e.lane is not None})
    kind = dice.choice([kind for kind in DISRUPTIONS if sites[kind]])
    given: dict[str, Any] = {
        "kind": kind,
        "name": f"d{len(draft.data['disruptions'])}",
        "start": dice.randint(3, 40),
        "duration": dice.randint(1, 12),
        "ramp": dice.choice([0, 0, 4]),
    }
    if kind in ("outage", "capacity_loss", "stock_destruction"):
        given["severity"] = dice.choice([1.0, 1.0, 0.5])
    if kind in ("lane_closed", "lead_time_stretch"):
        given["lane"] = dice.choice(lanes) if lanes else "*"
    elif kind == "capacity_loss" and draft.data["resources"] and dice.random() < 0.5:
        given["resource"] = dice.choice(draft.data["resources"])["name"]
    elif kind == "mix_shift":
        members = [i["name"] for i in draft.data["items"] if i.get("family") == "f"]
        rest = [(1 - 0.7) / (len(members) - 1)] * (len(members) - 1) if len(members) > 1 else []
        shares = [0.7, *rest] if rest else [1.0]
        given.update(family="f", shares=dict(zip(members, shares, strict=True)))
    else:
        given["where"] = {"site": dice.choice(sites[kind])}
    if kind in ("lead_time_stretch", "demand_change", "wrong_upload") or (
        kind == "device_fault" and dice.random() < 0.5
    ):
        given["factor"] = dice.choice([0.5, 1.5, 2.0])
    if dice.random() < 0.2:
        given["probability"] = 0.5
    if draft.data["disruptions"] and dice.random() < 0.2:
        given.update(after=draft.data["disruptions"][-1]["name"], start=dice.randint(0, 5))
    draft.data["disruptions"].append(given)

"""Seeded random small networks: valid scenarios for comparing engines and for checking laws.

``random_scenario(seed)`` stays in what textbooks know (base stock, (s,S), (r,Q), lead times,
order delays, capacities, index or proportional allocation); every word of :data:`FEATURES` adds
more. Scenarios differ from seed to seed in size, shape and in which features they really use.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from typing import Any

from tests.reference.random_behaviour import add_behaviour
from twin.schema import Scenario

FEATURES = (
    "lost",  # lost sales
    "patience",  # customers who leave
    "sourcing",  # several sources per stock point
    "limits",  # shared resources, dispatch limits, work-in-progress caps
    "lots",  # order minimum, multiple, maximum; making batches
    "yield",
    "integer",
    "random",  # random demand kinds and lead times
    "losses",  # shelf life, shrink, misplacement, scan error
    "devices",
    "disruptions",
    "decoupling",  # decoupling points with moves
    "policies",  # all policies and forecasters
    "allocation",  # all rules, ranks, customers first
)
ALL_FEATURES = frozenset(FEATURES)
SHAPES = ("serial", "distribution", "assembly", "mixed")
HORIZON = 60


def random_scenario(seed: int, features: Iterable[str] = (), simple: bool = False) -> Scenario:
    """Return one valid scenario; the same seed and features give the same scenario.

    A simple one has no features and stays in what stockpyl can express as well.
    """
    wanted = frozenset(features)
    unknown = wanted - ALL_FEATURES
    if unknown:
        raise ValueError(f"unknown features {sorted(unknown)}; allowed: {', '.join(FEATURES)}")
    dice = random.Random(seed)
    draft = Draft(dice, wanted, simple)
    shapes = SHAPES[:3] if simple else SHAPES  # stockpyl has trouble with two products
    shape = shapes[seed % len(shapes)]
    {"serial": serial, "distribution": distribution, "assembly": assembly, "mixed": mixed}[shape](
        draft
    )
    draft.data["name"] = f"{shape}_{seed}"
    add_behaviour(draft)
    return Scenario.model_validate(draft.data)


class Draft:
    """A scenario in the making."""

    def __init__(self, dice: random.Random, features: frozenset[str], simple: bool = False) -> None:
        self.dice = dice
        self.simple = simple
        self.features = features
        self.integer = "integer" in features and dice.random() < 0.5
        self.whole = self.integer or dice.random() < 0.5  # all recorded demand in whole units
        self.data: dict[str, Any] = {
            "horizon": HORIZON,
            "warmup": 10,
            "integer": self.integer,
            "sites": [],
            "items": [],
            "lanes": [],
            "production": [],
            "purchases": [],
            "resources": [],
            "sourcing": [],
            "stock": [],
            "demand": [],
            "devices": [],
            "disruptions": [],
            "moves": [],
            "families": [],
        }
        self.positions: list[str | list[str]] = []  # valid decoupling points, source to sink
        self.sold: list[tuple[str, str]] = []
        self.many: set[str] = set()  # stock points with several sources

    def has(self, feature: str, chance: float = 0.5) -> bool:
        """Use a feature here? (one roll of the dice, whether it is on or not)."""
        return self.dice.random() < chance and feature in self.features

    def site(self, name: str, kind: str, stage: str) -> str:
        self.data["sites"].append({"name": name, "kind": kind, "stage": stage})
        return name

    def item(self, name: str, family: str | None = None) -> str:
        thing: dict[str, Any] = {"name": name, "value": self.dice.choice([1.0, 5.0, 20.0])}
        if family is not None:
            thing["family"] = family
        if self.has("losses", 0.2):
            thing["shelf_life"] = self.dice.randint(3, 12)
        self.data["items"].append(thing)
        return name

    def lead_time(self) -> Any:
        if self.simple:
            return self.dice.randint(0, 6)
        most = self.dice.choice([0, 1, 1, 2, 3, 6])
        low = self.dice.randint(0, most)
        if not self.has("random", 0.4):
            return most
        kind = self.dice.choice(["discrete", "empirical", "lognormal", "gamma"])
        if kind == "discrete":
            return {"kind": kind, "values": [low, most + 1], "weights": [0.25, 0.75]}
        if kind == "empirical":
            return {"kind": kind, "values": [low, most, most, most + 2]}
        return {"kind": kind, "mean": float(most + 1), "cv": 0.4}

    def lots(self) -> dict[str, Any]:
        """Order limits of one lane, purchase or production."""
        found: dict[str, Any] = {"order_cost": float(self.dice.choice([0, 5, 30]))}
        if self.has("lots", 0.25):
            found["order_min"] = float(self.dice.randint(2, 12))
        if self.has("lots", 0.25):
            found["order_multiple"] = float(self.dice.choice([2, 5, 10]))
        if self.has("lots", 0.25):
            found["order_max"] = float(self.dice.randint(15, 60))
        return found

    def lane(self, source: str, to: str, items: str | list[str] = "*") -> None:
        dice = self.dice
        lane = {
            "from": source,
            "to": to,
            "items": items,
            "lead_time": self.lead_time(),
            "information_delay": dice.choice([0, 0, 0, 1, 2]),
            "rank": self.rank(len(self.data["lanes"])),
            "cost_per_unit": float(dice.choice([0, 1])),
            "cost_per_dispatch": float(dice.choice([0, 10])),
            **self.lots(),
        }
        if self.has("limits", 0.2):
            lane["dispatch_limit"] = float(dice.randint(5, 40))
        if self.has("random", 0.2):
            lane["overtaking"] = True
        self.data["lanes"].append(lane)

    def rank(self, plain: int) -> int:
        return self.dice.randint(0, 2) if "allocation" in self.features else plain

    def buy(self, site: str, item: str, supplier: str = "outside") -> None:
        dice = self.dice
        bought = {
            "site": site,
            "item": item,
            "supplier": supplier,
            "lead_time": self.lead_time(),
            "information_delay": dice.choice([0, 0, 1]),
            **self.lots(),
        }
        if self.has("limits", 0.2):
            bought["dispatch_limit"] = float(dice.randint(10, 60))
        if dice.random() < 0.2:
            bought["breaks"] = [{"quantity": 20.0, "price": 0.9}, {"quantity": 50.0, "price": 0.8}]
            bought["break_kind"] = dice.choice(["all_units", "incremental"])
        self.data["purchases"].append(bought)

    def make(self, site: str, item: str, inputs: list[str]) -> None:
        dice = self.dice
        if self.simple:  # nodes assemble at once what has come in, one of each
            parts = [{"item": i} for i in inputs]
            self.data["production"].append({"site": site, "item": item, "inputs": parts})
            return
        made: dict[str, Any] = {
            "site": site,
            "item": item,
            "inputs": [{"item": i, "usage": float(dice.choice([1, 1, 2, 3]))} for i in inputs],
            "lead_time": self.lead_time(),
            "rank": self.rank(0),
            **self.lots(),
        }
        if dice.random() < 0.5:
            made["capacity"] = float(dice.randint(10, 50))
        if self.has("lots", 0.3):
            made["batch"] = float(dice.choice([2, 5]))
        if self.has("yield", 0.6):
            made["yield"] = dice.choice([0.8, 0.9, 0.95])
        if self.has("limits", 0.3):
            made["wip_cap"] = float(dice.randint(20, 80))
        if self.has("limits", 0.4):
            made["resources"] = {self.resource(site): dice.choice([0.5, 1.0, 2.0])}
        self.data["production"].append(made)

    def resource(self, site: str) -> str:
        """Return the site's one shared resource."""
        name = f"hours_{site}"
        if all(r["name"] != name for r in self.data["resources"]):
            capacity = float(self.dice.randint(20, 80))
            self.data["resources"].append({"name": name, "site": site, "capacity": capacity})
        return name

    def source(self, site: str, item: str) -> None:
        """Let a site buy an item, or make it from nothing."""
        if self.dice.random() < 0.75 or self.simple:
            self.buy(site, item)
        else:
            self.make(site, item, [])

    def two_sources(self, site: str, items: list[str], sources: list[str]) -> None:
        """Declare how a site splits its orders over its sources."""
        rule: dict[str, Any] = {"site": site}
        if self.dice.random() < 0.6:
            share = self.dice.choice([0.25, 0.5, 0.7, 1.0])
            rule["shares"] = {sources[0]: share, sources[1]: 1 - share}
            rule["fallback"] = self.dice.random() < 0.5
        else:
            rule["priority"] = sources
        self.data["sourcing"].append(rule)
        self.many.update(f"{site}/{i}" for i in items)


def serial(draft: Draft) -> None:
    """A chain of two to four sites."""
    item = draft.item("x", "f")
    n = draft.dice.randint(2, 4)
    names = [draft.site(f"s{i}", "warehouse", f"stage{i}") for i in range(n)]
    draft.source(names[0], item)
    for up, down in itertools.pairwise(names):
        draft.lane(up, down)
    draft.sold = [(names[-1], item)]
    draft.positions = [f"stage{i}" for i in range(n)]


def distribution(draft: Draft) -> None:
    """One root, two or three warehouses, one or two stores each."""
    item = draft.item("x", "f")
    root = draft.site("root", "plant", "root")
    draft.source(root, item)
    middles, by_branch = [], []
    for i in range(draft.dice.randint(1, 3)):
        middle = draft.site(f"dc{i}", "warehouse", "dc")
        draft.lane(root, middle)
        middles.append(middle)
        stores = [f"store{i}{j}" for j in range(draft.dice.randint(1, 2))]
        for store in stores:
            draft.site(store, "store", "store")
            draft.lane(middle, store)
            draft.sold.append((store, item))
        by_branch.append([f"{s}/{item}" for s in stores])
    if len(middles) > 1 and draft.has("sourcing", 0.7):
        store = draft.sold[0][0]  # also fed by the last warehouse
        draft.lane(middles[-1], store)
        draft.two_sources(store, [item], [middles[0], middles[-1]])
        by_branch = []
    draft.positions = ["root", "dc", "store"]
    if len(by_branch) > 1:  # the first branch is cut at its warehouse, the others at the stores
        deep = [name for names in by_branch[1:] for name in names]
        draft.positions.append([f"{middles[0]}/{item}", *deep])


def assembly(draft: Draft) -> None:
    """Two or three components, one product, up to two stores."""
    plant = draft.site("plant", "plant", "plant")
    components = [draft.item(f"c{i}") for i in range(draft.dice.randint(2, 3))]
    product = draft.item("p", "f")
    bought_here = False
    for c in components:
        if draft.dice.random() < 0.6 or draft.simple:
            supplier = draft.site(f"sup_{c}", "supplier", "parts")
            draft.source(supplier, c)
            draft.lane(supplier, plant, c)
        else:
            bought_here = True
            draft.buy(plant, c)
    if draft.simple:  # a node has one lead time and one delay for all that it orders
        same = {k: draft.data["lanes"][0][k] for k in ("lead_time", "information_delay")}
        for lane in draft.data["lanes"]:
            lane.update(same)
    draft.make(plant, product, components)
    draft.positions = ["plant"] if bought_here else ["parts", "plant"]
    stores = [f"store{i}" for i in range(draft.dice.randint(0, 2))]
    for store in stores:
        draft.site(store, "store", "store")
        draft.lane(plant, store, product)
    draft.sold = [(store, product) for store in stores] or [(plant, product)]
    if stores:
        draft.positions.append("store")


def mixed(draft: Draft) -> None:
    """Two products share a component and a plant; a warehouse and stores, some with two sources."""
    plant = draft.site("plant", "plant", "plant")
    common, special = draft.item("common"), draft.item("special")
    products = [draft.item("p0", "f"), draft.item("p1", "g" if draft.dice.random() < 0.5 else "f")]
    supplier = draft.site("sup", "supplier", "parts")
    for c in (common, special):
        draft.source(supplier, c)
    draft.lane(supplier, plant, [common, special])
    if draft.has("sourcing", 0.5):
        draft.buy(plant, common, "spot")
        rule = {"site": plant, "item": common, "shares": {"sup": 0.75, "spot": 0.25}}
        draft.data["sourcing"].append({**rule, "fallback": True})
        draft.many.add(f"{plant}/{common}")
        draft.positions = ["plant", "dc", "store"]
    else:
        draft.positions = ["parts", "plant", "dc", "store"]
    draft.make(plant, products[0], [common, special])
    draft.make(plant, products[1], [common])
    middles = [draft.site(f"dc{i}", "warehouse", "dc") for i in range(draft.dice.randint(1, 2))]
    for middle in middles:
        draft.lane(plant, middle, products)
    for i in range(draft.dice.randint(len(middles), 2)):
        store = draft.site(f"store{i}", "store", "store")
        draft.lane(middles[i % len(middles)], store)
        if len(middles) == 2 and draft.has("sourcing", 0.7):
            draft.lane(middles[1 - i % 2], store)
            draft.two_sources(store, products, [middles[i % 2], middles[1 - i % 2]])
        draft.sold += [(store, p) for p in products]

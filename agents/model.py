"""The twin as a Mesa model: ``step()`` is one call of the kernel."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import mesa
import networkx as nx
import numpy as np

from agents.device import DeviceAgent
from agents.hooks import Hooks, PolicyFunction
from agents.reporters import REPORTERS
from agents.site import SiteAgent
from agents.stock import StockPoint
from agents.values import ByName, Floats
from twin import Simulation, arguments
from twin.compile import Plan
from twin.errors import RunError
from twin.graphs import to_graph
from twin.names import matches, nearest
from twin.run import prepare
from twin.schema import Scenario

LAZY_ABOVE = 20_000
"""Most agents that are made at once; of larger networks each is made when it is asked for."""

Reporters = Mapping[str, Callable[["TwinModel"], Any]]
SiteClass = type[SiteAgent] | Mapping[str, type[SiteAgent]]


class TwinModel(mesa.Model):
    """A scenario as a Mesa model: sites and devices are agents, ``step()`` is one period.

    Parameters
    ----------
    scenario
        A scenario, a file, or the name of a shipped one.
    seed
        The luck, and the seed of ``model.random``; default: the scenario's.
    replications
        Draws of luck that run side by side; with one, agents show plain numbers.
    set
        Changes by dotted key: ``{"families.laptop.decoupling_point": "dc"}``.
    site_class
        Class of the site agents, or classes by site name (patterns allowed, the last one that
        matches wins): where a policy of one's own comes from, see :meth:`SiteAgent.decide`.
    reporters
        What ``model.datacollector`` keeps after each step, functions of the model by name;
        ``{}`` keeps nothing. For agent reporters put a ``mesa.DataCollector`` of your own there.
    record
        Series to keep per period, ``["rows.on_hand"]``; see :meth:`Simulation.series`.
    close_at_end
        Close the model when it reaches the horizon: for ``mesa.batch_run``.
    **changes
        More changes: of top-level keys (``horizon=200``), or dotted ones from a dict.

    Attributes
    ----------
    sites, devices
        Agents by name; ``model.agents`` and ``model.agents_by_type`` hold the same ones, in
        networks of more than 20,000 agents only those that were asked for so far.
    plan
        The compiled scenario.
    datacollector
        A ``mesa.DataCollector``; collects after each step and stays readable after closing.

    Raises
    ------
    ScenarioError
        If the scenario or a change is wrong.
    RunError
        If ``replications`` or ``site_class`` is wrong.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path,
        *,
        seed: int | None = None,
        replications: int = 1,
        set: Mapping[str, Any] | None = None,
        site_class: SiteClass = SiteAgent,
        reporters: Reporters = REPORTERS,
        record: Sequence[str] = (),
        close_at_end: bool = False,
        **changes: Any,
    ) -> None:
        K = arguments.whole("replications", replications)
        chosen = prepare(scenario, {**changes, **(set or {})}, seed)
        super().__init__(seed=chosen.seed)
        self._numbers = itertools.count(1)
        self.scenario, self.replications = chosen, K
        self.plan = Plan.of(chosen)
        self._sim: Simulation | None = Simulation(
            self.plan, self.replications, record=arguments.series(record)
        )
        self._hooks = Hooks(self._sim)
        self._broken = ""
        self.close_at_end = close_at_end
        self.datacollector = mesa.DataCollector(model_reporters=dict(reporters))
        self._populate(site_class)

    # ------------------------------------------------------------------------------ agents

    def _populate(self, site_class: SiteClass) -> None:
        declared = {s.name: s for s in self.scenario.sites}
        rows: dict[str, dict[str, int]] = {name: {} for name in declared}
        for p in self.plan.topology.points:
            rows[p.site.name][p.item.name] = p.index
        class_of = _site_classes(site_class, declared)
        placed = {d.name: (i, d) for i, d in enumerate(self.plan.devices)}
        self.sites: ByName[SiteAgent] = ByName(
            "site", declared, lambda name: class_of[name](self, declared[name], rows[name])
        )
        self.devices: ByName[DeviceAgent] = ByName(
            "device", placed, lambda name: DeviceAgent(self, *placed[name])
        )
        if len(declared) + len(placed) <= LAZY_ABOVE:
            for _ in (*self.sites.values(), *self.devices.values()):
                pass  # asking makes them
        for name, cls in class_of.items():
            if cls.decide is not SiteAgent.decide:
                for row in rows[name].values():
                    self._hooks.put(StockPoint(self, row, vector=True), self.sites[name].decide)

    def register_agent(self, agent: mesa.Agent) -> None:
        """Register an agent under a number of this model's own.

        Mesa 3.3 counts in a table of its ``Agent`` class, which keeps every model alive for ever
        (Mesa issue 3179); an entry of it is taken out as soon as it appears.
        """
        mesa.Agent._ids.pop(self, None)
        agent.unique_id = next(self._numbers)
        super().register_agent(agent)

    def point(self, site: str, item: str) -> StockPoint:
        """Return a stock point by site and item.

        Raises
        ------
        UnknownNameError
            If there is no such site, or it does not hold the item.
        """
        return self.sites[site].stock[item]

    def set_policy(self, site: str, item: str | None, policy: PolicyFunction | None) -> None:
        """Let a Python function decide what a site orders, from the next period on.

        Its cost is paid by these stock points alone; all others stay in the kernel.

        Parameters
        ----------
        site
            The site.
        item
            The item; ``None``: all that the site holds.
        policy
            Takes a stock point whose columns are ``(K,)`` arrays and returns what to order, as
            :meth:`SiteAgent.decide` does; ``None`` gives the decision back to the built-in rule.

        Raises
        ------
        UnknownNameError
            If there is no such site, or it does not hold the item.
        """
        self.sim  # noqa: B018  (a closed model says so)
        stock = self.sites[site].stock
        for point in stock.values() if item is None else [stock[item]]:
            if policy is None:
                self._hooks.remove(point)
                continue
            self._hooks.put(StockPoint(self, point.row, vector=True), policy)
            if point.order_driven:
                msg = (
                    f"'{point.name}' lies below the decoupling point: customers' orders decide "
                    "there, and this policy only once the decoupling point has moved below it"
                )
                warnings.warn(msg, stacklevel=2)

    # -------------------------------------------------------------------------------- time

    def step(self) -> None:
        """Advance one period and collect; ``running`` turns false at the horizon.

        Raises
        ------
        RunError
            If the horizon is reached, the model is closed, or a policy returned no valid order.
        """
        self._advance(1)
        self.datacollector.collect(self)
        self._stop_at_horizon()

    def run(self, n: int | None = None, collect: bool = True) -> None:
        """Advance ``n`` periods (default: to the horizon).

        Parameters
        ----------
        n
            Number of periods.
        collect
            Collect after each of them; otherwise they are one call of the kernel.
        """
        n = self.scenario.horizon - self.period if n is None else n
        if collect:
            for _ in range(n):
                self.step()
        elif n > 0:
            self._advance(n)
            self.steps += n
            self._stop_at_horizon()

    def _advance(self, n: int) -> None:
        sim, horizon = self.sim, self.scenario.horizon
        if self._broken:
            raise RunError(self._broken)
        if sim.t + n > horizon:
            msg = (
                f"period {sim.t + n - 1} lies beyond the horizon of {horizon} periods (0 to "
                f"{horizon - 1}); build the model with a larger one: TwinModel(..., horizon=...)"
            )
            raise RunError(msg)
        try:
            sim.advance(n)
        except BaseException:
            self.running = False
            self._broken = (
                f"the model stopped inside period {sim.t}, when a policy or a move failed; its "
                "state is not that of any period, build a new one"
            )
            raise

    def _stop_at_horizon(self) -> None:
        if self.period >= self.scenario.horizon:
            self.running = False
            if self.close_at_end:
                self.close()

    def move(self, to: Mapping[str, Any]) -> None:
        """Move decoupling points now, all at once.

        Parameters
        ----------
        to
            New position by family: a stage, or a list of stages and ``site/item``.

        Raises
        ------
        NetworkError
            If a new position is not a cut of its family's network.
        """
        self.sim.move(to)

    # ------------------------------------------------------------------------------- state

    @property
    def sim(self) -> Simulation:
        """The running simulation: ``model.sim.rows("on_hand")`` is a ``(n, K)`` view."""
        if self._sim is None:
            msg = f"the model of '{self.scenario.name}' is closed; build a new one"
            raise RunError(msg)
        return self._sim

    @property
    def period(self) -> int:
        """The next period; equals the number of periods done."""
        return self.sim.t

    @property
    def positions(self) -> dict[str, Any]:
        """Where the decoupling point of each family is now."""
        return self.sim.positions

    @functools.cached_property
    def graph(self) -> nx.DiGraph:
        """Sites and lanes as a networkx graph, as :func:`twin.to_graph` makes it."""
        return to_graph(self.scenario)

    @functools.cached_property
    def item_values(self) -> Floats:
        """Value of one unit at each stock point, in money, ``(n,)``."""
        return np.array([p.item.value for p in self.plan.topology.points])

    # ----------------------------------------------------------------------------- closing

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._sim is None

    def close(self) -> None:
        """Free the arrays and let go of all agents; what was collected stays readable.

        Nothing of Mesa or of the twin holds the model afterwards, not even itself.
        """
        if self._sim is None:
            return
        self.running = False
        self.remove_all_agents()
        self.agents_by_type.clear()
        mesa.Agent._ids.pop(self, None)
        self._sim = None
        del self._hooks
        self.sites = ByName("site", (), SiteAgent)
        self.devices = ByName("device", (), DeviceAgent)
        for name in ("step", "_user_step"):  # Mesa's wrapper: bound methods that hold the model
            self.__dict__.pop(name, None)

    def __enter__(self) -> TwinModel:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        counts = f"{len(self.sites)} sites, {len(self.devices)} devices"
        state = "closed" if self.closed else f"{counts}, period {self.period}"
        return f"TwinModel('{self.scenario.name}', {state})"


def _site_classes(given: SiteClass, names: Mapping[str, Any]) -> dict[str, type[SiteAgent]]:
    """Return the class of each site's agent."""
    if isinstance(given, type):
        return dict.fromkeys(names, given)
    found: dict[str, type[SiteAgent]] = dict.fromkeys(names, SiteAgent)
    for pattern, cls in given.items():
        hits = [name for name in names if matches(name, pattern)]
        if not hits:
            msg = f"site_class: no site matches '{pattern}'; {nearest(pattern, names)}"
            raise RunError(msg)
        found.update(dict.fromkeys(hits, cls))
    return found

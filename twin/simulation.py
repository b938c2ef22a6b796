"""One block of replications that can be advanced period by period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from twin import decoupling, kernel
from twin.arrays import (
    LINK,
    LINK_FORM,
    NET_LINK,
    NET_ROW,
    NET_SINK,
    ROW,
    SINK,
    Floats,
    Quote,
    Table,
    World,
)
from twin.compile import Plan
from twin.compile.columns import columns_of
from twin.compile.network import quotes
from twin.compile.switches import loses
from twin.errors import RunError
from twin.phases import moves as mv
from twin.totals import Totals, column_of

Hook = Callable[["Simulation"], None]


class Simulation:
    """One block of replications that can be advanced period by period.

    Parameters
    ----------
    plan
        The compiled scenario.
    K
        Number of replications in the block.
    k0
        Number of the first replication.
    seed
        The luck; default: the scenario's.
    record
        Series to keep per period, e.g. ``["rows.on_hand", "sinks.demand"]``.
    horizon
        Room for recorded periods; default: the scenario's.
    """

    def __init__(
        self,
        plan: Plan,
        K: int = 1,
        k0: int = 0,
        seed: int | None = None,
        record: Sequence[str] = (),
        horizon: int | None = None,
    ) -> None:
        self.plan = plan
        self.K, self.k0 = K, k0
        self.seed = plan.topology.scenario.seed if seed is None else seed
        self.horizon = plan.topology.scenario.horizon if horizon is None else horizon
        self.t = 0
        self.world: World = plan.world(K, k0, self.seed)
        self.recorded = tuple(record)
        self.history = plan.history(self.recorded, self.horizon, K)
        self.switches = plan.switches._replace(history=int(bool(record)))
        self.hooks: dict[int, list[Hook]] = {}
        families = plan.topology.scenario.families
        self.positions: dict[str, Any] = {f.name: f.decoupling_point for f in families}
        notice = {f.name: f.notice for f in families}
        self._moves = sorted(
            (m.at + notice[m.family], i, m.family, m.to)
            for i, m in enumerate(plan.topology.scenario.moves)
        )

    def advance(self, n: int = 1) -> None:
        """Advance ``n`` periods; moves of the decoupling point happen on their way.

        Raises
        ------
        RunError
            If recorded series would run over the horizon.
        """
        end = self.t + n
        known = self.plan.topology.scenario.horizon
        if end > known:  # demand factors reach no further
            msg = f"period {end} lies beyond the scenario's horizon of {known} periods; raise it"
            raise RunError(msg)
        if self.recorded and end > self.horizon:
            msg = (
                f"period {end} lies beyond the horizon of {self.horizon} periods that is recorded; "
                "raise the scenario's horizon"
            )
            raise RunError(msg)
        while self.t < end:
            due = {}
            while self._moves and self._moves[0][0] <= self.t:
                _, _, family, to = self._moves.pop(0)
                due[family] = to
            if due:
                self.move(due)
            stop = min(end, self._moves[0][0]) if self._moves else end
            self._run(stop)

    def _run(self, stop: int) -> None:
        if self.hooks:
            for t in range(self.t, stop):
                self._hooked_period(t)
                self.t = t + 1
            return
        self._steps(self.t, stop, 0, kernel.WHOLE, 0)
        self.t = stop

    def _hooked_period(self, t: int) -> None:
        """Run one period in parts, so that hooks decide right after their level's rule."""
        done, disturbed = 0, 0
        last = 2 * self.world.network.n_levels + 2
        for level in [*sorted(self.hooks), None]:
            stop = last if level is None else 2 + 2 * level
            disturbed = self._steps(t, t + 1, done, stop, disturbed)
            done = stop
            for hook in self.hooks.get(level, ()) if level is not None else ():
                hook(self)

    def _steps(self, t0: int, t1: int, first: int, stop: int, disturbed: int) -> int:
        run = kernel.run_single if self.K == 1 else kernel.run
        return run(
            t0,
            t1,
            first,
            stop,
            disturbed,
            self.K,
            self.k0,
            np.uint64(self.seed),
            self.switches,
            self.world,
            self.history,
        )

    def move(self, to: Mapping[str, Any]) -> None:
        """Move decoupling points now, all at once (docs/physics.md, section 3.0).

        Parameters
        ----------
        to
            New position by family: a stage, or a list of stages and ``site/item``.

        Raises
        ------
        NetworkError
            If a new position is not a cut of its family's network.
        """
        top, rules = self.plan.topology, self.world.rules
        for family, place in to.items():
            decoupling.validate_cut(top, family, place)
        self.positions |= to
        before = rules.driven.astype(bool)
        after = np.zeros(before.size, bool)
        after[list(decoupling.order_driven_rows(top, self.positions))] = True
        moving = {name: top.family_of[name] for name in to}
        keep = {name for name, f in moving.items() if f.run_out == "keep"}
        newly = [i for i in np.flatnonzero(after & ~before) if not keep & top.families_of[i]]
        mv.cancel_rows(
            np.array(newly, np.int32),
            self.t,
            self.K,
            rules.rec,
            self.world.network.stock,
            self.world.network.supply,
            self.world.rows,
            self.world.links,
            self.world.rings,
            self.switches.integer,
        )
        for i in np.flatnonzero(before & ~after):
            ramps = [f.ramp for name, f in moving.items() if name in top.families_of[i]]
            rules.ramp[:, i] = self.t, max(ramps, default=0)
        rules.driven[:] = after
        self._promise_anew(bool(after.any()))

    def _promise_anew(self, any_driven: bool) -> None:
        """Let order-driven customers be quoted from the new cut points."""
        self.switches = self.switches._replace(
            driven=1, quotes=int(self.switches.lost_sales and any_driven)
        )
        if not self.switches.lost_sales:
            return
        net = self.world.network
        found = quotes(self.plan.topology, self.positions)
        sinks = net.customers.sink.copy()
        sinks[NET_SINK.quote_off] = found["quote_off"]
        usage = found["quote_usage"]
        cut = columns_of(found, Quote._fields, usage.size)
        customers = net.customers._replace(sink=sinks, quote=cut, quote_usage=usage)
        self.world = self.world._replace(network=net._replace(customers=customers))

    def parameters(self, row: int, change: bool = False) -> Table:
        """Return the parameters of a row's policy, ``(columns, K)``, as a view.

        Stock points with equal parameters share them; ``change`` first gives the row its own.
        """
        rules, net = self.world.rules, self.world.network
        used = rules.row[NET_ROW.parameters, : net.n_rows]
        if change and np.count_nonzero(used == used[row]) > 1:
            table = rules.row.copy()
            table[NET_ROW.parameters, row] = rules.theta.shape[1] // self.K
            at = slice(used[row] * self.K, (used[row] + 1) * self.K)
            rules = rules._replace(row=table, theta=np.hstack([rules.theta, rules.theta[:, at]]))
            net = net._replace(stock=net.stock._replace(row=table))
            self.world = self.world._replace(rules=rules, network=net)
        first = int(rules.row[NET_ROW.parameters, row]) * self.K
        return rules.theta[:, first : first + self.K]

    def rows(self, name: str) -> Floats:
        """Return a state array of the stock points as a ``(n, K)`` view, in units."""
        return self._column(self.world.rows, getattr(ROW, name))

    def links(self, name: str) -> Floats:
        """Return a state array of the supply links as a ``(m, K)`` view, in started units."""
        return self._column(self.world.links, getattr(LINK, name))

    def sinks(self, name: str) -> Floats:
        """Return a state array of the sinks as a ``(s, K)`` view, in units."""
        if name == "accepted" and not loses(self.switches):
            name = "demand"  # all of it
        return self._column(self.world.sinks, getattr(SINK, name))

    def mail(self, e: int) -> Floats:
        """Return the orders in the mail of a link, oldest first, ``(information delay, K)`` units."""
        supply = self.world.network.supply
        n = int(supply.form[LINK_FORM.mail_len, supply.link[NET_LINK.link_form, e]])
        if n == 0:
            return np.zeros((0, self.K))
        slots = self.world.rings.reshape(-1, self.K)
        first = int(supply.link[NET_LINK.mail_off, e])
        return slots[[first + (self.t + i) % n for i in range(n)]]

    def _column(self, table: Table, column: int) -> Floats:
        return column_of(table, column, self.K)

    def sums(self) -> Totals:
        """Return all sums so far: ``rows.on_hand`` -> ``(n, K)`` ..."""
        return Totals(self.world, self.K)

    def changing(self) -> tuple[Any, ...]:
        """Return the arrays that periods change, recorded series and scratch space left out."""
        w = self.world
        sums = (w.row_sums, w.link_sums, w.sink_sums, w.order_sums)
        seen = (w.devices.ring, w.devices.reading, w.devices.read_at)
        return (w.rows, w.links, w.sinks, w.rings, *sums, *seen, w.visits)

    def series(self) -> dict[str, Floats]:
        """Return the recorded series so far: name -> ``(periods, things, K)``."""
        out = {}
        counts = {"rows": 0, "links": 0, "sinks": 0}
        for name in self.recorded:
            table = name.partition(".")[0]
            data = getattr(self.history, table)[counts[table], : self.t]
            counts[table] += 1
            out[name] = data.reshape(self.t, -1, self.K)
        return out

"""The period loop: the only place where time advances.

One period:

1. **disrupt**   open or closed, capacity, lead-time, demand and device factors of this period
2. **receive**   what is due comes in; losses strike; the record is scanned
3. **demand**    sinks accept, serve, queue or lose; promises are made against the record
4. **inform**    downstream to upstream: read orders, forecast, decide, order
5. **material**  upstream to downstream: make, then ship; zero lead times arrive in the same sweep
6. **observe**   devices read the truth; readings change decisions from the next period on
7. **account**   sums for the KPIs, chosen histories

docs/physics.md says exactly what each does. Phases that a scenario does not need are skipped.
"""

from __future__ import annotations

import numpy as np

from twin import devices, disruptions
from twin.arrays import (
    LEVEL,
    LINK,
    ROW,
    SEGMENT,
    STAGE,
    History,
    Switches,
    World,
)
from twin.jit import inner, njit
from twin.phases import account, demand, group, inform, material, receive

PHASES = ("disrupt", "receive", "demand", "inform", "material", "observe", "account")
VISITS = (
    "disrupt", "receive", "receive_disturbed", "losses", "devices", "serve_or_lose", "quote",
    "mail", "visibility", "need", "override", "groups", "special", "patience", "prices", "orders",
    "history", "forecast",
)  # fmt: skip


@inner
def begin(t: int, K: int, k0: int, seed: int, on: Switches, w: World) -> int:
    """Phases 1 to 3; return whether this period is disturbed."""
    net, rules, rows, links, sinks = w.network, w.rules, w.rows, w.links, w.sinks
    for n in range(1, w.work.turn.size):
        w.work.turn[n] = t % n
    disturbed = 0
    if on.disruptions and disruptions.any_active(t, K, w.events):
        w.visits[0] += 1
        disturbed = 1
        disruptions.disrupt(t, K, w.events, w.effects)
    for j in range(np.uint64(rows.shape[1])):
        rows[ROW.incoming, j] = 0.0
    for x in range(np.uint64(links.shape[1])):
        links[LINK.moved, x] = 0.0
    if disturbed or on.records or on.clocks or on.careful:
        w.visits[2] += 1
        receive.receive_disturbed(
            t, K, net, rules, rows, links, w.rings, w.effects, seed, k0, disturbed, on.records,
            on.integer, on.shelf_life,
        )
    else:
        w.visits[1] += 1
        receive.receive(K, net, rows, links, w.rings, w.work.turn)
    if on.losses:
        w.visits[3] += 1
        lose(t, K, k0, seed, disturbed, on, w)
    if on.devices:
        w.visits[4] += 1
        receive.correct(t, K, w.devices, rows)
    demand.draw(
        t, K, net, sinks, w.demand, w.effects, seed, k0, disturbed, on.integer, w.work.none
    )
    demand.accept_all(t, K, net, sinks, rows)
    if on.lost_sales:
        w.visits[5] += 1
        demand.serve_or_lose(
            t, K, rules.rec, net, rules.driven, sinks, rows, w.effects, on.records, disturbed, on.integer,
            on.shelf_life, w.work.promise,
        )
    if on.quotes:
        w.visits[6] += 1
        demand.quote(
            t, K, rules.rec, net, rules.driven, sinks, rows, links, w.rings, w.effects, disturbed,
            on.integer, w.work.promise,
        )
    demand.book(K, net, sinks, rows, w.rings, w.sink_sums, w.work.turn)
    if on.mail:
        w.visits[7] += 1
        inform.collect_mail(t, K, net, rows, links, w.rings)
    if on.lines:
        inform.sum_inbound(K, net, rows, links)
    return disturbed


@inner
def lose(t: int, K: int, k0: int, seed: int, disturbed: int, on: Switches, w: World) -> None:
    """Let destruction, expiry, shrink and wrong uploads strike."""
    receive.clear(w.rows)
    if disturbed:
        receive.destroy(
            K, w.effects, w.rows, w.row_sums, on.records, on.integer, on.shelf_life
        )
    if on.shelf_life:
        receive.expire(t, K, w.rules, w.rows, w.rings, w.row_sums, on.records)
    if on.records:
        receive.shrink(t, K, w.rules, w.rows, w.row_sums, seed, k0, on.integer, on.shelf_life)
        if disturbed:
            receive.upload(w.effects, w.rows)


@inner
def decide_level(level: int, t: int, K: int, on: Switches, w: World) -> None:
    """Phase 4 of one level, up to its rules: see, forecast, choose."""
    net, rules, rows = w.network, w.rules, w.rows
    lo, hi = net.level[LEVEL.level_row, level], net.level[LEVEL.level_row, level + 1]
    if on.visibility:
        w.visits[8] += 1
        inform.see_customers(lo, hi, t, K, net, rows, w.sinks)
    for p in range(net.level[LEVEL.level_off, level], net.level[LEVEL.level_off, level + 1]):
        a, b = net.seg[SEGMENT.seg_lo, p], net.seg[SEGMENT.seg_hi, p]
        if net.seg[SEGMENT.seg_forecaster, p] > 0:
            w.visits[17] += 1
            inform.predict(
                a, b, net.seg[SEGMENT.seg_forecaster, p], t, K, rules, rows, w.rings, w.row_sums
            )
        inform.choose(net.seg[SEGMENT.seg_policy, p], a, b, t, K, rules, rows, w.rings)


@inner
def order_level(level: int, t: int, K: int, disturbed: int, on: Switches, w: World) -> None:
    """Phase 4 of one level, after its rules: overrides, splitting, sending orders upstream."""
    net = w.network
    lo, hi = net.level[LEVEL.level_row, level], net.level[LEVEL.level_row, level + 1]
    if on.driven or on.forced or on.integer or disturbed:
        w.visits[10] += 1
        inform.override(
            lo, hi, t, K, w.rules, w.rows, w.effects, on.forced, disturbed, on.integer
        )
    inform.place(lo, hi, t, K, net, w.rows, w.links, w.rings, w.effects, disturbed, on.integer)
    if on.need:
        w.visits[9] += 1
        inform.feel_need(lo, hi, K, w.rules.rec, net, w.rows, w.links, w.sinks)


@inner
def sweep(t: int, K: int, k0: int, seed: int, disturbed: int, on: Switches, w: World) -> None:
    """Phase 5: outside supply first, then the material stages upstream to downstream."""
    net, rows, links, sinks = w.network, w.rows, w.links, w.sinks
    material.move_outside(
        net.stage[STAGE.send_off, 0], net.stage[STAGE.send_off, 1], K, net, links, w.work,
        w.effects, disturbed, on.integer,
    )
    dispatch(0, t, K, k0, seed, disturbed, on, w)
    for m in range(net.n_stages):
        lo, hi = net.stage[STAGE.stage_off, m], net.stage[STAGE.stage_off, m + 1]
        if net.stage[STAGE.stage_group, m] < 0:
            if disturbed:
                material.move_rows_disturbed(
                    lo, hi, K, net, rows, links, sinks, w.work, w.effects, on.integer
                )
            else:
                material.move_rows(lo, hi, K, net, rows, links, sinks, w.work, on.integer)
        else:
            w.visits[11] += 1
            group.move_group(
                net.stage[STAGE.stage_group, m], K, net, rows, links, sinks, w.work, w.effects, disturbed,
                on.integer,
            )
        material.deliver(lo, hi, K, net, rows, sinks, on.records, on.shelf_life)
        dispatch(m + 1, t, K, k0, seed, disturbed, on, w)
    if on.patience:
        w.visits[13] += 1
        material.leave(t, K, net, sinks, rows, w.rings)


@inner
def dispatch(
    m: int, t: int, K: int, k0: int, seed: int, disturbed: int, on: Switches, w: World
) -> None:
    """Send what a stage of the material sweep moves."""
    net = w.network
    a, b = net.stage[STAGE.send_off, m], net.stage[STAGE.send_off, m + 1]
    material.send(
        a, b, K, net, w.rows, w.links, w.rings, w.work.turn, on.records, on.shelf_life
    )
    if net.stage[STAGE.stage_special, m]:
        w.visits[12] += 1
        material.send_special(
            a, b, t, K, net, w.rules, w.rows, w.links, w.rings, w.effects, w.leads, w.lead_table,
            seed, k0, disturbed, on.records, on.integer, on.shelf_life,
        )


@inner
def finish(
    t: int, K: int, k0: int, seed: int, disturbed: int, on: Switches, w: World, history: History
) -> None:
    """Phases 6 and 7."""
    net, rows, links, sinks = w.network, w.rows, w.links, w.sinks
    if on.devices:
        devices.observe(
            t, K, w.devices, rows, w.effects, seed, k0, disturbed, on.integer, on.shelf_life
        )
    if on.shelf_life:
        receive.remember_in(t, K, w.rules, rows, w.rings)
    if on.clocks:
        receive.tick(K, net, links, w.effects, disturbed)
    if on.shares:
        inform.remember_shares(K, net, links)
    if on.prices:
        w.visits[14] += 1
        inform.pay(K, net, links, w.prices, w.link_sums)
    account.account_stock(rows, w.row_sums)
    account.account_orders(rows, w.row_sums)
    if on.records:
        account.account_records(rows, w.row_sums)
    account.account_links(links, w.link_sums)
    if on.disruptions:
        account.account_gates(links, w.link_sums)
    account.account_sinks(K, net, sinks, w.sink_sums)
    account.account_on_time(t, K, net, sinks, w.rings, w.sink_sums, w.work.turn)
    w.visits[15] += 1
    account.account_customer_orders(t, K, net, sinks, w.rings, w.sink_sums, w.work.turn)
    if on.history:
        w.visits[16] += 1
        account.keep(t, rows, links, sinks, history)


@njit
def run(
    t0: int, t1: int, K: int, k0: int, seed: int, on: Switches, w: World, history: History
) -> None:
    """Advance one block of ``K`` replications (``k0 ...``) from period ``t0`` to ``t1``."""
    for t in range(t0, t1):
        disturbed = begin(t, K, k0, seed, on, w)
        for level in range(w.network.n_levels):
            decide_level(level, t, K, on, w)
            order_level(level, t, K, disturbed, on, w)
        sweep(t, K, k0, seed, disturbed, on, w)
        finish(t, K, k0, seed, disturbed, on, w, history)


@njit
def run_part(
    first: int, stop: int, disturbed: int, t: int, K: int, k0: int, seed: int, on: Switches,
    w: World, history: History,
) -> int:
    """Do the steps ``first ... stop - 1`` of one period, so that a user's hook can decide between.

    Step 0 is phases 1 to 3, steps ``1 + 2 level`` and ``2 + 2 level`` decide and order of a level,
    the last one (``1 + 2 levels``) phases 5 to 7. Returns whether the period is disturbed.
    """
    for step in range(first, stop):
        level = (step - 1) // 2
        if step == 0:
            disturbed = begin(t, K, k0, seed, on, w)
        elif level >= w.network.n_levels:
            sweep(t, K, k0, seed, disturbed, on, w)
            finish(t, K, k0, seed, disturbed, on, w, history)
        elif step % 2 == 1:
            decide_level(level, t, K, on, w)
        else:
            order_level(level, t, K, disturbed, on, w)
    return disturbed

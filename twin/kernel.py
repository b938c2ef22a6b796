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

from twin import devices, disruptions, policies
from twin.arrays import LEVEL, SEGMENT, STAGE, History, Switches, World
from twin.jit import entry
from twin.phases import account, demand, group, inform, material, receive

PHASES = ("disrupt", "receive", "demand", "inform", "material", "observe", "account")
VISITS = (
    "disrupt", "receive", "receive_disturbed", "losses", "devices", "serve_or_lose", "quote",
    "mail", "visibility", "need", "override", "groups", "special", "patience", "prices", "orders",
    "history", "forecast",
)  # fmt: skip
WHOLE = 2**30  # more steps than any period has


@entry
def run(
    t0: int, t1: int, first: int, stop: int, disturbed: int, K: int, k0: int, seed: int,
    on: Switches, w: World, history: History,
) -> int:
    """Advance one block of ``K`` replications (``k0 ...``) from period ``t0`` to ``t1``.

    A period's steps are numbered, so that a user's hook can decide between them: step 0 is phases
    1 to 3, steps ``1 + 2 level`` and ``2 + 2 level`` decide and order of a level, the last one
    (``1 + 2 levels``) phases 5 to 7. Only steps ``first ... stop - 1`` are done; a whole period is
    0 to ``WHOLE``. Returns whether the period is disturbed, to be handed back between its parts.

    One long function on purpose: the arrays are taken out of ``w`` once per call, and it reads
    like the table of contents of a period.
    """
    net, rules, rows, links, sinks = w.network, w.rules, w.rows, w.links, w.sinks
    work, rings, fx, seen, sums = w.work, w.rings, w.effects, w.visits, w.row_sums
    turn, devices_, events, tables = work.turn, w.devices, w.events, w.demand
    link_sums, sink_sums, prices, leads, lead_table = (
        w.link_sums, w.sink_sums, w.prices, w.leads, w.lead_table
    )
    driven, rec = rules.driven, rules.rec
    for t in range(t0, t1):
        if first == 0:
            for n in range(1, turn.size):
                turn[n] = t % n
            # 1 disrupt
            disturbed = 0
            if on.disruptions and disruptions.any_active(t, K, events):
                seen[0] += 1
                disturbed = 1
                disruptions.disrupt(t, K, events, fx)
            # 2 receive
            receive.clear_period(rows, links)
            if disturbed or on.records or on.clocks or on.careful:
                seen[2] += 1
                receive.receive_disturbed(
                    t, K, net, rules, rows, links, rings, fx, seed, k0, disturbed, on.records,
                    on.integer, on.shelf_life,
                )
            else:
                seen[1] += 1
                receive.receive(K, net, rows, links, rings, turn)
            if on.losses:
                seen[3] += 1
                receive.lose(
                    t, K, rules, rows, rings, sums, fx, seed, k0, disturbed, on.records,
                    on.integer, on.shelf_life,
                )
            if on.devices:
                seen[4] += 1
                receive.correct(t, K, devices_, rows)
            # 3 demand
            demand.draw(t, K, sinks, tables, fx, seed, k0, disturbed, on.integer, work.none)
            demand.accept_all(K, net, sinks, rows)
            if on.lost_sales:
                seen[5] += 1
                demand.serve_or_lose(
                    K, rec, net, driven, sinks, rows, fx, on.records, disturbed, on.integer,
                    on.shelf_life, work.promise,
                )
            if on.quotes:
                seen[6] += 1
                demand.quote(
                    t, K, rec, net, driven, sinks, rows, links, rings, fx, disturbed, on.integer,
                    work.promise,
                )
            demand.book(K, net, sinks, rows, rings, sink_sums, turn)
            if on.mail:
                seen[7] += 1
                inform.collect_mail(t, K, net, rows, links, rings)
            if on.lines:
                inform.sum_inbound(K, net, rows, links)
        # 4 inform
        for level in range(net.n_levels):
            lo, hi = net.level[LEVEL.level_row, level], net.level[LEVEL.level_row, level + 1]
            if first <= 1 + 2 * level < stop:
                if on.visibility:
                    seen[8] += 1
                    inform.see_customers(lo, hi, K, net, rows, sinks)
                a, b = net.level[LEVEL.level_off, level], net.level[LEVEL.level_off, level + 1]
                for p in range(a, b):
                    i, j = net.seg[SEGMENT.seg_lo, p], net.seg[SEGMENT.seg_hi, p]
                    if net.seg[SEGMENT.seg_forecaster, p] > 0:
                        seen[17] += 1
                        number = net.seg[SEGMENT.seg_forecaster, p]
                        inform.predict(i, j, number, t, K, rules, rows, rings, sums)
                    policies.decide(
                        net.seg[SEGMENT.seg_policy, p], i, j, t, K, rules, rows, rings
                    )
            if first <= 2 + 2 * level < stop:
                if on.driven or on.forced or on.integer or disturbed:
                    seen[10] += 1
                    inform.override(
                        lo, hi, t, K, rules, rows, fx, on.forced, disturbed, on.integer
                    )
                inform.place(lo, hi, t, K, net, rows, links, rings, fx, disturbed, on.integer)
                if on.need:
                    seen[9] += 1
                    inform.feel_need(lo, hi, K, rec, net, rows, links, sinks)
        if stop <= 1 + 2 * net.n_levels:
            continue
        # 5 material
        material.move_outside(K, net, links, work, fx, disturbed, on.integer)
        for m in range(-1, net.n_stages):
            if m >= 0:
                if net.stage[STAGE.stage_group, m] >= 0:
                    seen[11] += 1
                    group.move_group(
                        net.stage[STAGE.stage_group, m], K, net, rows, links, sinks, work, fx,
                        disturbed, on.integer,
                    )
                elif disturbed:
                    material.move_rows_disturbed(
                        m, K, net, rows, links, sinks, work, fx, on.integer
                    )
                else:
                    material.move_rows(m, K, net, rows, links, sinks, work, on.integer)
                material.deliver(m, K, net, rows, sinks, on.records, on.shelf_life)
            material.send(
                m + 1, K, net, rows, links, rings, turn, on.records, on.shelf_life
            )
            if net.stage[STAGE.stage_special, m + 1]:
                seen[12] += 1
                material.send_special(
                    m + 1, t, K, net, rules, rows, links, rings, fx, leads, lead_table, seed, k0,
                    disturbed, on.records, on.integer, on.shelf_life,
                )
        if on.patience:
            seen[13] += 1
            material.leave(t, K, net, sinks, rows, rings)
        # 6 observe
        if on.devices:
            devices.observe(
                t, K, devices_, rows, fx, seed, k0, disturbed, on.integer, on.shelf_life
            )
        # 7 account
        if on.shelf_life:
            receive.remember_in(t, K, rules, rows, rings)
        if on.clocks:
            receive.tick(K, net, links, fx, disturbed)
        if on.shares:
            inform.remember_shares(K, net, links)
        if on.prices:
            seen[14] += 1
            inform.pay(K, net, links, prices, link_sums)
        account.account_stock(rows, sums)
        account.account_orders(rows, sums)
        if on.records:
            account.account_records(rows, sums)
        account.account_links(links, link_sums)
        if on.disruptions:
            account.account_gates(links, link_sums)
        account.account_sinks(K, net, sinks, sink_sums)
        account.account_on_time(t, K, net, sinks, rings, sink_sums, turn)
        seen[15] += 1
        account.account_customer_orders(
            t, K, net, sinks, rings, sink_sums, turn, work.left, work.total
        )
        if on.history:
            seen[16] += 1
            account.keep(t, rows, links, sinks, history)
    return disturbed

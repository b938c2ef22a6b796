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

from twin import devices, disruptions, forecasters, policies
from twin.arrays import LEVEL, ROW, SEGMENT, SINK, STAGE, History, Switches, World
from twin.jit import entry, inlined
from twin.phases import account, demand, group, inform, material, receive, sourcing

PHASES = ("disrupt", "receive", "demand", "inform", "material", "observe", "account")
VISITS = (
    "disrupt", "receive", "receive_disturbed", "losses", "devices", "serve_or_lose", "quote",
    "mail", "visibility", "need", "override", "groups", "special", "patience", "prices", "orders",
    "history", "forecast", "accept", "move_rows", "place_any",
)  # fmt: skip
WHOLE = 2**30  # more steps than any period has


@inlined
def periods(
    t0: int, t1: int, first: int, stop: int, disturbed: int, K: int, wide: int, k0: int, seed: int,
    on: Switches, w: World, history: History,
) -> int:
    """Advance one block; ``K`` is ``wide``, or the constant 1.

    Phases off the beaten track take ``wide`` and are compiled once. One long function on purpose:
    the arrays are taken out of ``w`` once per call, and it reads like the table of contents of a
    period.
    """
    net, rules, rows, links, sinks = w.network, w.rules, w.rows, w.links, w.sinks
    stock, supply, sweep, customers = net.stock, net.supply, net.sweep, net.customers
    work, rings, fx, seen, sums = w.work, w.rings, w.effects, w.visits, w.row_sums
    turn, books, devices_, events, tables = work.turn, w.books, w.devices, w.events, w.demand
    link_sums, sink_sums, order_sums, prices = w.link_sums, w.sink_sums, w.order_sums, w.prices
    leads, lead_table, luck, driven, rec = (
        w.leads, w.lead_table, w.link_stream, rules.driven, rules.rec
    )
    loses = on.lost_sales or on.patience  # so that accepted is not simply demand
    accepted = SINK.accepted if loses else SINK.demand
    wanted = ROW.wanted if on.demand_seen else 0
    for t in range(t0, t1):
        if first == 0:
            for n in range(1, turn.size):
                turn[n] = t % n
            # 1 disrupt
            disturbed = 0
            if on.disruptions and disruptions.any_active(t, wide, events):
                seen[0] += 1
                disturbed = 1
                disruptions.disrupt(t, wide, events, fx)
            # 2 receive
            receive.clear_period(rows, links)
            if disturbed or on.records or on.clocks or on.careful:
                seen[2] += 1
                receive.receive_disturbed(
                    t, wide, supply, books, rows, links, rings, fx, seed, k0, disturbed,
                    on.records, on.integer, on.shelf_life,
                )
            else:
                seen[1] += 1
                receive.receive(K, supply, rows, links, rings, turn)
            if on.losses:
                seen[3] += 1
                receive.lose(
                    t, wide, stock, books, rows, rings, sums, fx, seed, k0, disturbed, on.records,
                    on.integer, on.shelf_life,
                )
            if on.devices:
                seen[4] += 1
                receive.correct(t, wide, devices_, rows)
            # 3 demand
            demand.draw(t, wide, sinks, tables, fx, seed, k0, disturbed, on.integer, work.none)
            if loses:
                seen[18] += 1
                demand.accept_all(wide, customers, sinks, rows)
            if on.lost_sales:
                seen[5] += 1
                demand.serve_or_lose(
                    wide, rec, stock, customers, driven, sinks, rows, fx, on.records, disturbed,
                    on.integer, on.shelf_life, work.promise,
                )
            if on.quotes:
                seen[6] += 1
                demand.quote(
                    t, wide, rec, stock, supply, customers, driven, sinks, rows, links, rings, fx,
                    disturbed, on.integer, work.promise,
                )
            if loses:
                demand.book(wide, customers, sinks, rows, rings, sink_sums, turn)
            else:
                demand.queue(K, customers, sinks, rows, rings, sink_sums, turn)
            if on.mail:
                seen[7] += 1
                inform.collect_mail(t, wide, supply, rows, links, rings)
            if on.lines:
                inform.sum_inbound(wide, stock, supply, rows, links)
        # 4 inform
        for level in range(net.n_levels):
            lo, hi = sweep.level[LEVEL.level_row, level], sweep.level[LEVEL.level_row, level + 1]
            if first <= 1 + 2 * level < stop:
                if on.visibility:
                    seen[8] += 1
                    inform.see_customers(
                        lo, hi, K, stock, supply, rows, sinks, accepted, wanted
                    )
                a, b = sweep.level[LEVEL.level_off, level], sweep.level[LEVEL.level_off, level + 1]
                for p in range(a, b):
                    i, j = sweep.seg[SEGMENT.seg_lo, p], sweep.seg[SEGMENT.seg_hi, p]
                    number = sweep.seg[SEGMENT.seg_forecaster, p]
                    if number > 0:
                        seen[17] += 1
                        inform.look(i, j, t, K, rules, rows, rings)
                        forecasters.update(number, i, j, t, K, rules, rows, rings, sums)
                    policies.decide(
                        sweep.seg[SEGMENT.seg_policy, p], i, j, t, K, rules, rows, rings
                    )
            if first <= 2 + 2 * level < stop:
                if on.driven or on.forced or on.integer or disturbed:
                    seen[10] += 1
                    inform.override(
                        lo, hi, t, wide, rules, rows, fx, on.forced, disturbed, on.integer
                    )
                if on.plain_orders:
                    inform.place(lo, hi, t, K, stock, supply, rows, links, rings)
                else:
                    seen[20] += 1
                    inform.place_any(
                        lo, hi, t, wide, stock, supply, rows, links, rings, fx, disturbed,
                        on.integer,
                    )
                if on.need:
                    seen[9] += 1
                    inform.feel_need(lo, hi, wide, rec, stock, supply, rows, links, sinks)
        if stop <= 1 + 2 * net.n_levels:
            continue
        # 5 material
        plain = not (disturbed or on.records or on.shelf_life or on.integer)
        for m in range(-1, net.n_stages):
            special = sweep.stage[STAGE.stage_special, m + 1]
            if m < 0:
                if plain and not special and on.bought:
                    material.ship_outside(K, sweep, supply, links, rings, turn)
                    continue
                material.move_outside(
                    wide, sweep, supply, links, work.want, work.allowed, fx, disturbed, on.integer
                )
            elif sweep.stage[STAGE.stage_group, m] >= 0:
                seen[11] += 1
                group.move_group(
                    sweep.stage[STAGE.stage_group, m], wide, stock, supply, net.ties, rows, links,
                    sinks, work, fx, disturbed, on.integer,
                )
            elif plain and not special:
                material.ship_rows(
                    m, K, wide, sweep, stock, supply, rows, links, sinks, rings, turn, work.claim,
                    work.later, work.left, work.total, on.integer,
                )
                continue
            else:
                seen[19] += 1
                material.move_rows(
                    m, wide, sweep, stock, supply, rows, links, sinks, work.want, work.allowed,
                    work.claim, work.later, work.left, work.total, fx, disturbed, on.integer,
                )
            if m >= 0:
                material.deliver(m, wide, sweep, stock, rows, sinks, on.records, on.shelf_life)
            material.send(
                m + 1, wide, sweep, supply, rows, links, rings, turn, on.records, on.shelf_life
            )
            if special:
                seen[12] += 1
                material.send_special(
                    m + 1, t, wide, sweep, supply, books, rows, links, rings, fx, leads,
                    lead_table, luck, seed, k0, disturbed, on.records, on.integer, on.shelf_life,
                )
        if on.patience:
            seen[13] += 1
            material.leave(t, wide, customers, sinks, rows, rings, sink_sums)
        # 6 observe
        if on.devices:
            devices.observe(
                t, wide, devices_, rows, fx, seed, k0, disturbed, on.integer, on.shelf_life
            )
        # 7 account
        if on.shelf_life:
            receive.remember_in(t, wide, stock, rows, rings)
        if on.clocks:
            receive.tick(wide, supply, links, fx, disturbed)
        if on.shares:
            sourcing.remember_shares(wide, stock, supply, links)
        if on.prices:
            seen[14] += 1
            inform.pay(wide, links, prices, link_sums)
        account.account_stock(rows, sums)
        account.account_orders(rows, sums)
        if on.records:
            account.account_records(rows, sums)
        account.account_links(links, link_sums)
        if on.disruptions:
            account.account_gates(links, link_sums)
        if loses:
            account.account_losses(wide, customers, sinks, sink_sums)
            account.account_on_time(t, wide, customers, sinks, rings, sink_sums, turn)
        else:
            account.account_sinks(t, K, customers, sinks, rings, sink_sums, turn)
        seen[15] += 1
        account.account_customer_orders(
            t, K, customers, sinks, rings, order_sums, turn, loses, work.left,
            work.total,
        )
        if on.history:
            seen[16] += 1
            account.keep(t, rows, links, sinks, history)
    return disturbed


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
    """
    return periods(t0, t1, first, stop, disturbed, K, K, k0, seed, on, w, history)


@entry
def run_single(
    t0: int, t1: int, first: int, stop: int, disturbed: int, K: int, k0: int, seed: int,
    on: Switches, w: World, history: History,
) -> int:
    """Do as :func:`run` for one replication: ``K`` is a constant 1, and its loops fall away.

    A third less time per period, for a second compilation of the phases that every scenario needs.
    """
    return periods(t0, t1, first, stop, disturbed, 1, K, k0, seed, on, w, history)

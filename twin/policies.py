"""Ordering policies: inventory position and parameters in, order quantity out.

To add one: write a jitted function with this signature, decorate it, and add its line to
:func:`decide` at the foot of this file. ``lo`` and ``hi`` are the rows of one segment, ``K`` the
replications; a policy writes ``rows.order`` (good units, not negative) for each of them.

Symbols: IP inventory position, S order-up-to level, s reorder point, Q lot, R review period,
P protection interval, F forecast per period, σ its error, z safety factor, r ramp factor.
The protection interval is L + R - 1 because demand is seen before ordering (docs/physics.md 7).
"""

from __future__ import annotations

import math

import numpy as np

from twin.jit import njit
from twin.registry import Registry
from twin.arrays import Rings, Rows, Rules

POLICIES = Registry()
LOT_RULES = ("lot_for_lot", "fixed", "period")
_TINY = 1e-9  # a shortfall below this is rounding noise, not a reason to order


@njit
def _position(rows: Rows, j: int) -> float:
    return rows.record[j] + rows.on_order[j] - rows.backlog[j]


@njit
def _safety(rules: Rules, rows: Rows, j: int, interval: float) -> float:
    """Safety stock over an interval: fixed, or z sqrt(P σ² + F² Var L)."""
    if not math.isnan(rules.safety_stock[j]):
        return rules.safety_stock[j]
    f = rows.forecast[j]
    spread = interval * rows.variance[j] + f * f * rules.lead_variance[j]
    return rules.safety_factor[j] * math.sqrt(max(0.0, spread))


@njit
def _target(rules: Rules, rows: Rows, j: int) -> float:
    """Expected demand over the protection interval plus safety stock."""
    interval = rules.cover[j]
    return rows.forecast[j] * interval + _safety(rules, rows, j, interval)


@njit
def _due(rules: Rules, i: int, t: int) -> bool:
    return (t - rules.phase[i]) % rules.review[i] == 0


@njit
def ramp_factor(rules: Rules, i: int, t: int) -> float:
    """Share of its level that a stock point aims at after it became a stock point."""
    length = rules.ramp_length[i]
    if length <= 0:
        return 1.0
    return min(1.0, (t - rules.ramp_start[i] + 1) / length)


@njit
def _skip(rows: Rows, i: int, K: int) -> None:
    for k in range(np.uint64(K)):
        rows.order[np.uint64(i * K) + k] = 0.0


@POLICIES.add(
    "base_stock", uses=("level", "review", "phase", "safety_factor", "safety_stock", "cover")
)
@njit
def base_stock(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:
    """Order up to a level at every review.

    q = max(0, r S - IP); S fixed or F P + z σ √P (Snyder & Shen, Fundamentals of Supply Chain
    Theory, 2nd ed., section 4.3.2).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        a = np.uint64(i * K)
        b = np.uint64(i * K + K)
        if math.isnan(rules.level[a]):
            for j in range(a, b):
                rows.order[j] = max(0.0, r * _target(rules, rows, j) - _position(rows, j))
        else:
            for j in range(a, b):
                rows.order[j] = max(0.0, r * rules.level[j] - _position(rows, j))


@POLICIES.add(
    "s_S",
    uses=(
        "reorder_point", "level", "lot", "review", "phase", "safety_factor", "safety_stock", "cover"
    ),
)
@njit
def s_S(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:  # noqa: N802
    """Order up to S once the position has fallen to s.

    IP <= r s: q = r S - IP (Snyder & Shen section 4.3.3); without s: s = F P + z σ √P; without S:
    S = s + Q.
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        for j in range(np.uint64(i * K), np.uint64(i * K + K)):
            s = rules.reorder_point[j]
            if math.isnan(s):
                s = _target(rules, rows, j)
            top = rules.level[j]
            if math.isnan(top):
                top = s + rules.lot[j]
            position = _position(rows, j)
            rows.order[j] = max(0.0, r * top - position) if position <= r * s else 0.0


@POLICIES.add(
    "r_Q",
    uses=("reorder_point", "lot", "review", "phase", "safety_factor", "safety_stock", "cover"),
)
@njit
def r_Q(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:  # noqa: N802
    """Order the smallest multiple of Q that lifts the position above the reorder point.

    IP <= r: q = Q ⌈(r - IP + ε)/Q⌉ (Snyder & Shen section 4.3.1, periodic form).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        for j in range(np.uint64(i * K), np.uint64(i * K + K)):
            point = rules.reorder_point[j]
            if math.isnan(point):
                point = _target(rules, rows, j)
            gap = r * point - _position(rows, j)
            lots = math.floor(gap / rules.lot[j]) + 1.0
            rows.order[j] = rules.lot[j] * lots if gap >= 0.0 else 0.0


@njit
def _lot(rules: Rules, rows: Rows, i: int, j: int, need: float) -> float:
    """MRP lot for a net requirement: lot-for-lot, fixed or period order quantity."""
    if need <= _TINY:
        return 0.0
    if rules.lot_rule[i] == 1:
        return rules.lot[j] * math.ceil(need / rules.lot[j] - _TINY)
    if rules.lot_rule[i] == 2:
        return need + rows.forecast[j] * (rules.lot_periods[i] - 1)
    return need


@POLICIES.add(
    "mrp",
    uses=("review", "phase", "lot_rule", "lot", "lot_periods", "safety_factor", "safety_stock"),
)
@njit
def mrp(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:
    """Net requirements every planning cycle, release the plan period by period.

    Netting NR_h = max(0, G_h + SS - PAB_{h-1}) with G the forecast, lots by rule, release L
    periods earlier (Orlicky 1975; domain: MRP row); past-due requirements are released at once.
    """
    for i in range(lo, hi):
        n = rules.review[i]
        slot = (t - rules.phase[i]) % n
        first = rules.plan_off[i]
        r = ramp_factor(rules, i, t)
        for k in range(np.uint64(K)):
            j = np.uint64(i * K) + k
            if slot == 0:
                lead = rules.lead[j]
                x = _position(rows, j) - rows.forecast[j] * lead
                safety = r * _safety(rules, rows, j, lead + n - 1)
                for h in range(n):
                    if h > 0:
                        x -= rows.forecast[j]
                    lot = _lot(rules, rows, i, j, safety - x)
                    x += lot
                    rings.plan[np.uint64((first + h) * K) + k] = lot
            rows.order[j] = rings.plan[np.uint64((first + slot) * K) + k]


@POLICIES.add("push_plan", uses=("review", "phase", "safety_factor", "safety_stock"))
@njit
def push_plan(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:
    """Release a planned rate until the next plan, whatever is consumed meanwhile.

    Every R periods: rate = max(0, F + (r (F P_L + SS) - IP)/R) (sales-and-operations plan levelled
    over the cycle).
    """
    for i in range(lo, hi):
        n = rules.review[i]
        first = np.uint64(rules.plan_off[i] * K)
        plans = (t - rules.phase[i]) % n == 0
        r = ramp_factor(rules, i, t)
        for k in range(np.uint64(K)):
            j = np.uint64(i * K) + k
            if plans:
                lead = rules.lead[j]
                f = rows.forecast[j]
                aim = r * (f * lead + _safety(rules, rows, j, lead + n - 1))
                rings.plan[first + k] = max(0.0, f + (aim - _position(rows, j)) / n)
            rows.order[j] = rings.plan[first + k]


@POLICIES.add("kanban", uses=("cards", "lot", "review", "phase"))
@njit
def kanban(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:
    """Release one container for every free card; the backlog does not count.

    q = c ⌊(K c - H - OO)/c⌋ with K cards of container c (Hopp & Spearman 2004: pull limits WIP).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        for j in range(np.uint64(i * K), np.uint64(i * K + K)):
            c = rules.lot[j]
            full = math.floor(r * rules.cards[j] + _TINY) * c
            free = full - rows.record[j] - rows.on_order[j]
            rows.order[j] = max(0.0, c * math.floor(free / c + _TINY))


@POLICIES.add("conwip", uses=("wip_cap", "review", "phase"))
@njit
def conwip(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:
    """Release work while the line from here to the customer holds less than the cap.

    q = max(0, r W - line); line = record + on order of this row, plus record and goods on the way
    of everything downstream of it, in its units (Spearman, Woodruff & Hopp 1990).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        for k in range(np.uint64(K)):
            j = np.uint64(i * K) + k
            line = rows.record[j] + rows.on_order[j]
            for p in range(rules.line_off[i], rules.line_off[i + 1]):
                down = np.uint64(rules.line_row[p] * K) + k
                line += rules.line_weight[p] * (rows.record[down] + rows.inbound[down])
            rows.order[j] = max(0.0, r * rules.wip_cap[j] - line)


@POLICIES.add("order_driven", uses=("review", "phase"))
@njit
def order_driven(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:
    """Order only what customers have ordered and nothing covers yet.

    q = max(0, -IP): base stock with S = 0 (the pull side of the decoupling point).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        for j in range(np.uint64(i * K), np.uint64(i * K + K)):
            rows.order[j] = max(0.0, -_position(rows, j))


@POLICIES.add(
    "human", uses=("level", "smoothing", "adjustment", "supply_line", "forced_order", "forced_until")
)
@njit
def human(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings) -> None:
    """Anchor on expected orders and adjust, underweighting the supply line.

    L̂ = θ incoming + (1-θ) L̂; q = max(0, L̂ + α (S' - (OH - BO) - β SL)) (Sterman 1989,
    Management Science 35(3), equations 5-8).
    """
    for i in range(lo, hi):
        r = ramp_factor(rules, i, t)
        for j in range(np.uint64(i * K), np.uint64(i * K + K)):
            theta = rules.smoothing[j]
            expected = theta * rows.incoming[j] + (1.0 - theta) * rows.forecast[j]
            rows.forecast[j] = expected
            net = rows.record[j] - rows.backlog[j]
            gap = r * rules.level[j] - net - rules.supply_line[j] * rows.on_order[j]
            rows.order[j] = max(0.0, expected + rules.adjustment[j] * gap)


@njit
def decide(
    number: int, lo: int, hi: int, t: int, K: int, rules: Rules, rows: Rows, rings: Rings
) -> None:
    """Call the policy of a segment; one line per registered policy, in order."""
    if number == 0:
        base_stock(lo, hi, t, K, rules, rows, rings)
    elif number == 1:
        s_S(lo, hi, t, K, rules, rows, rings)
    elif number == 2:
        r_Q(lo, hi, t, K, rules, rows, rings)
    elif number == 3:
        mrp(lo, hi, t, K, rules, rows, rings)
    elif number == 4:
        push_plan(lo, hi, t, K, rules, rows, rings)
    elif number == 5:
        kanban(lo, hi, t, K, rules, rows, rings)
    elif number == 6:
        conwip(lo, hi, t, K, rules, rows, rings)
    elif number == 7:
        order_driven(lo, hi, t, K, rules, rows, rings)
    elif number == 8:
        human(lo, hi, t, K, rules, rows, rings)

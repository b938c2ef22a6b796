"""Ordering policies: inventory position and parameters in, order quantity out.

To add one: write a jitted function with this signature, decorate it, and add its line to
:func:`decide` at the foot of this file. ``lo`` and ``hi`` are the rows of one segment, ``K`` the
replications; a policy writes ``rows[ROW.order]`` (good units, not negative) for each of them.

Symbols: IP inventory position, S order-up-to level, s reorder point, Q lot, R review period,
P protection interval, F forecast per period, σ its error, z safety factor, r ramp factor.
The protection interval is L + R - 1 because demand is seen before ordering (docs/physics.md 7).
"""

from __future__ import annotations

import math

import numpy as np

from twin.arrays import NET_ROW, ROW, ROW_FORM, THETA, Floats, Rules, Table
from twin.jit import inner
from twin.registry import Registry
from twin.schema import Policy

POLICIES = Registry()
LOT_RULES = ("lot_for_lot", "fixed", "period")
_TINY = 1e-9  # a shortfall below this is rounding noise, not a reason to order


def needs_forecast(policy: Policy) -> bool:
    """Return whether a policy computes anything from the forecast."""
    if policy.kind == "base_stock":
        return policy.level is None
    if policy.kind in ("s_S", "r_Q"):
        return policy.reorder_point is None
    return policy.kind in ("mrp", "push_plan")


@inner
def _position(rec: int, rows: Table, j: int) -> float:
    return rows[rec, j] + rows[ROW.on_order, j] - rows[ROW.backlog, j]


@inner
def _safety(theta: Table, p: int, rows: Table, j: int, interval: float) -> float:
    """Safety stock over an interval: fixed, or z sqrt(P σ² + F² Var L)."""
    if not math.isnan(theta[THETA.safety_stock, p]):
        return theta[THETA.safety_stock, p]
    f = rows[ROW.forecast, j]
    spread = interval * rows[ROW.variance, j] + f * f * theta[THETA.lead_variance, p]
    return theta[THETA.safety_factor, p] * math.sqrt(max(0.0, spread))


@inner
def _target(theta: Table, p: int, rows: Table, j: int) -> float:
    """Return expected demand over the protection interval plus safety stock."""
    interval = theta[THETA.cover, p]
    return rows[ROW.forecast, j] * interval + _safety(theta, p, rows, j, interval)


@inner
def _due(rules: Rules, i: int, t: int) -> bool:
    f = rules.row[NET_ROW.row_form, i]
    n = rules.form[ROW_FORM.review, f]
    return n == 1 or (t - rules.form[ROW_FORM.phase, f]) % n == 0


@inner
def ramp_factor(rules: Rules, i: int, t: int) -> float:
    """Share of its level that a stock point aims at after it became a stock point."""
    if rules.ramp.size == 0 or rules.ramp[1, i] <= 0:
        return 1.0
    return min(1.0, (t - rules.ramp[0, i] + 1) / rules.ramp[1, i])


@inner
def _skip(rows: Table, i: int, K: int) -> None:
    for k in range(np.uint64(K)):
        rows[ROW.order, np.uint64(i * K) + k] = 0.0


@inner
def _places(rules: Rules, i: int, K: int) -> tuple[np.uint64, np.uint64]:
    """Return where the replications of a row begin in its state and in its parameters."""
    return np.uint64(i * K), np.uint64(rules.row[NET_ROW.parameters, i] * K)


@POLICIES.add(
    "base_stock", uses=("level", "review", "phase", "safety_factor", "safety_stock", "cover")
)
@inner
def base_stock(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Order up to a level at every review.

    q = max(0, r S - IP); S fixed or F P + z σ √P (Snyder & Shen, Fundamentals of Supply Chain
    Theory, 2nd ed., section 4.3.2).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        j, p = _places(rules, i, K)
        if math.isnan(rules.theta[THETA.level, p]):
            for k in range(np.uint64(K)):
                top = r * _target(rules.theta, p + k, rows, j + k)
                rows[ROW.order, j + k] = max(0.0, top - _position(rules.rec, rows, j + k))
        else:
            for k in range(np.uint64(K)):
                top = r * rules.theta[THETA.level, p + k]
                rows[ROW.order, j + k] = max(0.0, top - _position(rules.rec, rows, j + k))


@POLICIES.add(
    "s_S",
    uses=(
        "reorder_point", "level", "lot", "review", "phase", "safety_factor", "safety_stock", "cover"
    ),
)
@inner
def s_S(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Order up to S once the position has fallen to s.

    IP <= r s: q = r S - IP (Snyder & Shen section 4.3.3); without s: s = F P + z σ √P; without S:
    S = s + Q.
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        j0, p0 = _places(rules, i, K)
        for k in range(np.uint64(K)):
            j, p = j0 + k, p0 + k
            s = rules.theta[THETA.reorder_point, p]
            if math.isnan(s):
                s = _target(rules.theta, p, rows, j)
            top = rules.theta[THETA.level, p]
            if math.isnan(top):
                top = s + rules.theta[THETA.lot, p]
            position = _position(rules.rec, rows, j)
            low = position <= r * s + _TINY
            rows[ROW.order, j] = max(0.0, r * top - position) if low else 0.0


@POLICIES.add(
    "r_Q",
    uses=("reorder_point", "lot", "review", "phase", "safety_factor", "safety_stock", "cover"),
)
@inner
def r_Q(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Order the smallest multiple of Q that lifts the position above the reorder point.

    IP <= r: q = Q ⌈(r - IP + ε)/Q⌉ (Snyder & Shen section 4.3.1, periodic form).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        j0, p0 = _places(rules, i, K)
        for k in range(np.uint64(K)):
            j, p = j0 + k, p0 + k
            point = rules.theta[THETA.reorder_point, p]
            if math.isnan(point):
                point = _target(rules.theta, p, rows, j)
            gap = r * point - _position(rules.rec, rows, j)
            lots = math.floor(gap / rules.theta[THETA.lot, p] + _TINY) + 1.0
            rows[ROW.order, j] = rules.theta[THETA.lot, p] * lots if gap >= -_TINY else 0.0


@inner
def _lot(rules: Rules, rows: Table, i: int, j: int, p: int, need: float) -> float:
    """MRP lot for a net requirement: lot-for-lot, fixed or period order quantity."""
    if need <= _TINY:
        return 0.0
    f = rules.row[NET_ROW.row_form, i]
    if rules.form[ROW_FORM.lot_rule, f] == 1:
        return rules.theta[THETA.lot, p] * math.ceil(need / rules.theta[THETA.lot, p] - _TINY)
    if rules.form[ROW_FORM.lot_rule, f] == 2:
        return need + rows[ROW.forecast, j] * (rules.form[ROW_FORM.lot_periods, f] - 1)
    return need


@POLICIES.add(
    "mrp",
    uses=("review", "phase", "lot_rule", "lot", "lot_periods", "safety_factor", "safety_stock"),
)
@inner
def mrp(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Net requirements every planning cycle, release the plan period by period.

    Netting NR_h = max(0, G_h + SS - PAB_{h-1}) with G the forecast, lots by rule, release L
    periods earlier (Orlicky 1975; domain: MRP row); past-due requirements are released at once.
    """
    for i in range(lo, hi):
        f = rules.row[NET_ROW.row_form, i]
        n = rules.form[ROW_FORM.review, f]
        slot = (t - rules.form[ROW_FORM.phase, f]) % n
        first = rules.row[NET_ROW.ring_off, i] + rules.form[ROW_FORM.plan_at, f]
        r = ramp_factor(rules, i, t)
        j0, p0 = _places(rules, i, K)
        for k in range(np.uint64(K)):
            j, p = j0 + k, p0 + k
            if slot == 0:
                lead = rules.theta[THETA.lead, p]
                x = _position(rules.rec, rows, j) - rows[ROW.forecast, j] * lead
                safety = r * _safety(rules.theta, p, rows, j, lead + n - 1)
                for h in range(n):
                    if h > 0:
                        x -= rows[ROW.forecast, j]
                    lot = _lot(rules, rows, i, j, p, safety - x)
                    x += lot
                    rings[np.uint64((first + h) * K) + k] = lot
            rows[ROW.order, j] = rings[np.uint64((first + slot) * K) + k]


@POLICIES.add("push_plan", uses=("review", "phase", "safety_factor", "safety_stock"))
@inner
def push_plan(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Release a planned rate until the next plan, whatever is consumed meanwhile.

    Every R periods: rate = max(0, F + (r (F P_L + SS) - IP)/R) (sales-and-operations plan levelled
    over the cycle).
    """
    for i in range(lo, hi):
        f = rules.row[NET_ROW.row_form, i]
        n = rules.form[ROW_FORM.review, f]
        first = np.uint64((rules.row[NET_ROW.ring_off, i] + rules.form[ROW_FORM.plan_at, f]) * K)
        plans = (t - rules.form[ROW_FORM.phase, f]) % n == 0
        r = ramp_factor(rules, i, t)
        j0, p0 = _places(rules, i, K)
        for k in range(np.uint64(K)):
            j, p = j0 + k, p0 + k
            if plans:
                lead = rules.theta[THETA.lead, p]
                rate = rows[ROW.forecast, j]
                aim = r * (rate * lead + _safety(rules.theta, p, rows, j, lead + n - 1))
                rings[first + k] = max(0.0, rate + (aim - _position(rules.rec, rows, j)) / n)
            rows[ROW.order, j] = rings[first + k]


@POLICIES.add("kanban", uses=("cards", "lot", "review", "phase"))
@inner
def kanban(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Release one container for every free card; the backlog does not count.

    q = c ⌊(K c - H - OO)/c⌋ with K cards of container c (Hopp & Spearman 2004: pull limits WIP).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        j0, p0 = _places(rules, i, K)
        for k in range(np.uint64(K)):
            j, p = j0 + k, p0 + k
            c = rules.theta[THETA.lot, p]
            full = math.floor(r * rules.theta[THETA.cards, p] + _TINY) * c
            free = full - rows[rules.rec, j] - rows[ROW.on_order, j]
            rows[ROW.order, j] = max(0.0, c * math.floor(free / c + _TINY))


@POLICIES.add("conwip", uses=("wip_cap", "review", "phase"))
@inner
def conwip(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Release work while the line from here to the customer holds less than the cap.

    q = max(0, r W - line); line = record + on order of this row, plus record and goods on the way
    of everything downstream of it, in its units (Spearman, Woodruff & Hopp 1990).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        r = ramp_factor(rules, i, t)
        j0, p0 = _places(rules, i, K)
        for k in range(np.uint64(K)):
            j, p = j0 + k, p0 + k
            line = rows[rules.rec, j] + rows[ROW.on_order, j]
            for d in range(rules.row[NET_ROW.line_off, i], rules.row[NET_ROW.line_off, i + 1]):
                down = np.uint64(rules.line_row[d] * K) + k
                line += rules.line_weight[d] * (rows[rules.rec, down] + rows[ROW.inbound, down])
            rows[ROW.order, j] = max(0.0, r * rules.theta[THETA.wip_cap, p] - line)


@POLICIES.add("order_driven", uses=("review", "phase"))
@inner
def order_driven(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Order only what customers have ordered and nothing covers yet.

    q = max(0, -IP): base stock with S = 0 (the pull side of the decoupling point).
    """
    for i in range(lo, hi):
        if not _due(rules, i, t):
            _skip(rows, i, K)
            continue
        for j in range(np.uint64(i * K), np.uint64(i * K + K)):
            rows[ROW.order, j] = max(0.0, -_position(rules.rec, rows, j))


@POLICIES.add(
    "human", uses=("level", "smoothing", "adjustment", "supply_line", "forced_order", "forced_until")
)
@inner
def human(lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats) -> None:
    """Anchor on expected orders and adjust, underweighting the supply line.

    L̂ = θ incoming + (1-θ) L̂; q = max(0, L̂ + α (S' - (OH - BO) - β SL)) (Sterman 1989,
    Management Science 35(3), equations 5-8).
    """
    for i in range(lo, hi):
        r = ramp_factor(rules, i, t)
        j0, p0 = _places(rules, i, K)
        for k in range(np.uint64(K)):
            j, p = j0 + k, p0 + k
            theta = rules.theta[THETA.smoothing, p]
            expected = theta * rows[ROW.incoming, j] + (1.0 - theta) * rows[ROW.forecast, j]
            rows[ROW.forecast, j] = expected
            net = rows[rules.rec, j] - rows[ROW.backlog, j]
            gap = r * rules.theta[THETA.level, p] - net - rules.theta[THETA.supply_line, p] * rows[ROW.on_order, j]
            rows[ROW.order, j] = max(0.0, expected + rules.theta[THETA.adjustment, p] * gap)


@inner
def decide(
    number: int, lo: int, hi: int, t: int, K: int, rules: Rules, rows: Table, rings: Floats
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

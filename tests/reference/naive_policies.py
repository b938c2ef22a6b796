"""Forecasters and ordering policies (physics.md 4 and 5), on the naive simulator's objects."""

from __future__ import annotations

import math

from tests.reference.naive_network import TINY, Point, World, down, explode, half_up, up


def longest(point: Point) -> tuple[float, float]:
    """Mean lead time plus delay of the longest link (then the most variable), and its variance."""
    link = max(point.in_links, key=lambda e: (e.mean_lead + e.delay, e.lead_variance))
    return link.mean_lead + link.delay, link.lead_variance


def set_first_forecasts(world: World) -> None:
    """First forecast and error of every stock point."""
    mean = explode(world, {p.name: sum(s.mean for s in p.sinks) for p in world.points})
    variance = {p.name: 0.0 for p in world.points}
    for sink in world.sinks:
        here = {p.name: 1.0 if p is sink.point else 0.0 for p in world.points}
        for name, weight in explode(world, here).items():
            variance[name] += weight**2 * sink.variance
    for p in world.points:
        rule = p.forecast_rule
        p.first_forecast = mean[p.name] if rule.initial is None else rule.initial
        p.forecast = p.first_forecast
        p.variance = variance[p.name]
        if rule.initial_error is not None:
            p.variance = rule.initial_error**2
        p.expected = p.first_forecast


def update_forecast(point: Point, t: int) -> None:
    """Let the forecaster take the signal of period t."""
    rule = point.forecast_rule
    if rule.sees == "orders":
        signal = point.incoming
    else:
        seen = point.customer_signals if rule.sees == "customers" else point.demand_signals
        signal = seen[t - rule.age] if t >= rule.age else point.first_forecast
    point.signals.append(signal)
    before = point.forecast
    if rule.kind == "moving_average":
        last = point.signals[-rule.window :]
        missing = rule.window - len(last)
        point.forecast = (sum(last) + missing * point.first_forecast) / rule.window
    elif rule.kind == "exponential_smoothing":
        point.forecast = before + rule.smoothing * (signal - before)
    elif rule.kind == "constant":
        return  # forecast and error stay at the first
    else:
        raise ValueError(rule.kind)
    point.variance += rule.error_smoothing * ((signal - before) ** 2 - point.variance)


def cover_target(point: Point) -> float:
    """F P + X."""
    policy = point.policy
    mean_lead, lead_variance = longest(point)
    cover = mean_lead + policy.review - 1 if policy.cover is None else policy.cover
    safety = policy.safety_stock
    if safety is None:
        spread = cover * point.variance + point.forecast**2 * lead_variance
        safety = policy.safety_factor * math.sqrt(spread)
    return point.forecast * cover + safety


def plan_safety(point: Point) -> float:
    """SS of mrp and push_plan."""
    policy = point.policy
    if policy.safety_stock is not None:
        return policy.safety_stock
    mean_lead, lead_variance = longest(point)
    span = mean_lead + policy.review - 1
    spread = span * point.variance + point.forecast**2 * lead_variance
    return policy.safety_factor * math.sqrt(spread)


def trigger(point: Point) -> float:
    given = point.policy.reorder_point
    return cover_target(point) if given is None else given


def level(point: Point) -> float:
    """The level that the policy aims at (no ramp); what it opens with."""
    policy = point.policy
    if policy.kind in ("base_stock", "human"):
        return cover_target(point) if policy.level is None else policy.level
    if policy.kind == "s_S":
        return trigger(point) + policy.lot if policy.level is None else policy.level
    if policy.kind == "r_Q":
        return trigger(point) + policy.lot
    if policy.kind in ("mrp", "push_plan"):
        return point.forecast * longest(point)[0] + plan_safety(point)
    if policy.kind == "kanban":
        return policy.cards * policy.lot
    if policy.kind in ("conwip", "order_driven"):
        return 0.0
    raise ValueError(policy.kind)


def open_stock(point: Point, integer: bool) -> None:
    """Set the opening stock and the opening pipeline of a stock point."""
    settings = point.settings
    stock = settings.initial_stock
    if stock is None:
        stock = 0.0 if point.order_driven else max(0.0, level(point))
    if integer:
        stock = half_up(stock)
    point.on_hand = point.record = point.came_in = float(stock)
    for link in point.in_links:
        opening = settings.initial_in_transit
        if not isinstance(opening, list):
            opening = [opening or 0.0] * half_up(link.mean_lead)
        for due, units in enumerate(opening):
            here = units * link.share
            link.way[due] += half_up(here) if integer else here
        for due in range(link.delay):
            here = (settings.initial_orders or 0.0) * link.share
            link.mail[due] += half_up(here) if integer else here


def wanted(world: World, point: Point, t: int) -> float:
    """Good units that the stock point orders in period t, before blocking and rounding."""
    policy = point.policy
    if policy.kind == "human":
        theta = policy.smoothing
        point.expected = theta * point.incoming + (1 - theta) * point.expected
    q = by_policy(world, point, t)  # plans go on even while they are not followed
    if point.order_driven:
        q = max(0.0, -point.position())
    if policy.forced_order is not None and t < policy.forced_until:
        q = policy.forced_order
    return q


def by_policy(world: World, point: Point, t: int) -> float:
    policy = point.policy
    review = (t - policy.phase) % policy.review == 0
    ramp = point.ramp_factor(t)
    if policy.kind == "mrp":
        if review:
            plan_releases(point, t, ramp)
        return point.plan.get(t, 0.0)
    if policy.kind == "push_plan":
        if review:
            aim = ramp * level(point)
            gap = (aim - point.position()) / policy.review
            point.rate = max(0.0, point.forecast + gap)
        return point.rate
    if not review:
        return 0.0
    if policy.kind == "conwip":
        return max(0.0, ramp * policy.wip_cap - line(point))
    return from_position(point, ramp)


def from_position(point: Point, r: float) -> float:
    """Return the order of the policies that look at this stock point only."""
    policy = point.policy
    ip = point.position()
    if policy.kind == "base_stock":
        return max(0.0, r * level(point) - ip)
    if policy.kind == "s_S":
        return max(0.0, r * level(point) - ip) if ip <= r * trigger(point) + TINY else 0.0
    if policy.kind == "r_Q":
        r0 = r * trigger(point)
        if ip > r0 + TINY:
            return 0.0
        return (down((r0 - ip) / policy.lot) + 1) * policy.lot
    if policy.kind == "kanban":
        c = policy.lot
        free = down(r * policy.cards) * c - point.record - point.on_order()
        return max(0.0, c * down(free / c))
    if policy.kind == "order_driven":
        return max(0.0, -ip)
    if policy.kind == "human":
        net = point.record - point.backlog()
        gap = r * level(point) - net - policy.supply_line * point.on_order()
        return max(0.0, point.expected + policy.adjustment * gap)
    raise ValueError(policy.kind)


def plan_releases(point: Point, t: int, r: float) -> None:
    """MRP: plan the releases of the next R periods."""
    policy = point.policy
    f = point.forecast
    safety = r * plan_safety(point)
    x = point.position() - f * longest(point)[0]
    for j in range(policy.review):
        if j > 0:
            x -= f
        need = max(0.0, safety - x)
        lot = need
        if need > TINY and policy.lot_rule == "fixed":
            lot = policy.lot * up(need / policy.lot)
        if need > TINY and policy.lot_rule == "period":
            lot = need + f * (policy.lot_periods - 1)
        x += lot
        point.plan[t + j] = lot


def line(point: Point) -> float:
    """CONWIP: what is here, on order here, and here or moving anywhere downstream."""
    return point.record + point.on_order() + downstream(point)


def downstream(point: Point) -> float:
    """Record and goods on the way or at the gate of everything below, in units of the point."""
    total = 0.0
    for e, usage in point.out_links:
        coming = sum(f.yield_ * (f.moving() + f.gate) for f in e.to.in_links)
        weight = usage / e.yield_ * e.share
        total += weight * (e.to.record + coming + downstream(e.to))
    return total

"""The answers of the decoupling frontier in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin.study.ready.frontier_break_even import Sweeps
from twin.study.ready.frontier_mirror import FAR, NEAR
from twin.study.ready.frontier_sheets import Told
from twin.study.ready.frontier_tables import ends, sign
from twin.study.ready.frontier_worlds import CALM, MIX, SUPPLY
from twin.study.ready.words import NOISE, said
from twin.sums import Floats

Lost = Mapping[tuple[str, str], Floats]
"""Periods of demand not served by cut and world, ``(R,)`` each."""

FEW = 5
"""Most names in a sentence."""

SERVED = 0.5
"""Least share on time in calm of a cut whose extra loss says something."""


def choice(told: Told) -> list[str]:
    """Return which cut is cheapest, which is regretted least, and which are not beaten."""
    best, today = told.cheapest[0], told.today
    cost = said(ends(told.expected[told.at(best)]), told.money)
    found = [
        f"Cheapest in expectation is {best}: {cost}, lateness included, "
        f"{said(ends(told.service[told.at(best)]), 'share')} on time.{_tied(told, best)}"
    ]
    if float(told.service[told.at(best)].mean()) < SERVED:
        found.append(
            f"{best} serves fewer than half on time, so being the cheapest says little: let lateness "
            "cost more (late_cost), or choose on the front."
        )
    if today is not None and today != best:
        more = ends(told.expected[told.at(today)] - told.expected[told.at(best)])
        found.append(
            f"Today's decoupling point, {today}, with buffers as here costs {said(more, told.money)} more than {best}."
        )
    safest = told.labels[told.safest]
    found.append(_regret(told, safest, "Least regret whatever comes"))
    if safest != best:
        found.append(_regret(told, best, "The cheapest in expectation"))
    named, verb = listed(told.front), "is" if len(told.front) == 1 else "are"
    found.append(
        f"{len(told.front)} of {len(told.labels)} decoupling points {verb} on the front of running "
        f"cost and on-time service: {named}."
    )
    return found


def _tied(told: Told, cut: str) -> str:
    """Return which cuts cost the same or cannot be told apart, and why this one is named."""
    same = told.equal(cut)
    near = [other for other in told.tied(cut) if other not in same]
    served = {other: float(told.service[told.at(other)].mean()) for other in (cut, *same)}
    found = ""
    if same:
        most = all(served[cut] - served[other] > NOISE for other in same)
        why = "more of it is on time" if most else "it stands first: nothing here tells them apart"
        cost = "costs" if len(same) == 1 else "cost"
        found += f" {listed(same)} {cost} exactly the same; {cut} is preferred because {why}."
    if near:
        found += (
            f" It ties with {listed(near)} (no clear difference in cost, 95 % intervals) and is "
            "preferred for the lower mean."
        )
    return found


def _regret(told: Told, cut: str, begin: str) -> str:
    world, most = told.worst(cut)
    if most.mean == 0:
        return f"{begin}: {cut}, the best in every world."
    return f"{begin}: {cut}, at worst {said(most, told.money)} above the best, in {world}."


def listed(names: Sequence[str]) -> str:
    """Return some names in a sentence, the first few of many."""
    rest = len(names) - FEW
    return "; ".join(names[:FEW]) + (f"; and {rest} more" if rest > 0 else "")


def mirror(lost: Lost) -> str:
    """Return what the mirror experiment says: the signs of downstream - upstream."""
    extra = {(c, w): lost[c, w] - lost[c, CALM] for c in (NEAR, FAR) for w in (SUPPLY, MIX)}
    supply, mix = (extra[NEAR, w] - extra[FAR, w] for w in (SUPPLY, MIX))
    opposite = sign(supply) < 0 < sign(mix)
    begin = "The shocks pull opposite ways" if opposite else "No clear mirror"
    told = [
        f"the {world} makes {_late(extra[NEAR, world].mean(keepdims=True), 'days')} of demand late "
        f"or lost with {NEAR} and {_late(extra[FAR, world].mean(keepdims=True), 'days')} with {FAR} "
        f"({'a tie' if sign(apart) == 0 else 'difference'}: {said(ends(apart), 'days')})"
        for world, apart in ((SUPPLY, supply), (MIX, mix))
    ]
    return f"{begin} in the mirror experiment: {'; '.join(told)}."


def own_mirror(told: Told, lost: Lost, unit: str) -> list[str]:
    """Return which cut each shock takes least from, of those that serve customers in calm."""
    calm = told.table("on_time").mean(axis=2)[:, told.worlds.index(CALM)]
    serves = dict(zip(told.labels, calm, strict=True))
    able = [cut for cut in told.cheapest if serves[cut] >= SERVED]
    if len(able) < 2:
        return []
    found = []
    for world in (w for w in (SUPPLY, MIX) if w in told.worlds):
        extra = {cut: lost[cut, world] - lost[cut, CALM] for cut in able}
        least, most = (pick(able, key=lambda c: extra[c].mean()) for pick in (min, max))
        felt = sign(extra[most]) > 0
        if not felt or sign(extra[most] - extra[least]) == 0:
            named = listed([cut for cut in told.labels if cut in able])
            tie = f"{_late(extra[most], unit)} with {most}, no less clearly with any other one"
            calm_too = (
                f"no more than calm, as far as luck lets see ({most}: {_less(extra[most], unit)})"
            )
            found.append(
                f"Under a {world} {named} tie: of demand late or lost it makes "
                f"{tie if felt else calm_too}. So it is no reason to prefer one; the expected cost "
                f"is, and {able[0]} has the lowest."
            )
            continue
        found.append(
            f"A {world} makes {_late(extra[most], unit)} of demand late or lost with {most}, the "
            f"most, and {_late(extra[least], unit)} with {least}, the least."
        )
    return found


def _late(extra: Floats, unit: str) -> str:
    """Return how much more is late or lost; where less is, nothing, and how much less."""
    mean, low, high = ends(extra)
    return f"nothing ({_less(extra, unit)})" if mean < -NOISE else said((mean, low, high), unit)


def _less(extra: Floats, unit: str) -> str:
    """Return how far demand late or lost is from that in calm, as a number that is not negative."""
    mean, low, high = ends(extra)
    if mean < -NOISE:
        return f"{said((-mean, -high, -low), unit)} less than in calm"
    return f"{said((mean, low, high), unit)} more than in calm"


def tail(told: Told) -> str:
    """Return which cut is best in the tail of the hardest world."""
    world = told.hardest
    tails = {cut: told.tail_of(cut, world) for cut in told.labels}
    best = min(told.cheapest, key=lambda cut: tails[cut].mean)
    return (
        f"In the worst {100 * (1 - told.tail):.3g} % of the luck under '{world}', {best} costs "
        f"least: {said(tails[best], told.money)}."
    )


def write_offs(told: Told) -> str:
    """Return which cut writes off most."""
    rates = np.einsum("cwr,w->cr", told.table("write_off_rate"), told.weights)
    if not np.nanmax(rates, initial=0.0) > 0:
        return "Nothing is written off at any decoupling point."
    means = np.nanmean(rates, axis=1)
    least, most = int(np.nanargmin(means)), int(np.nanargmax(means))
    ends_of = (said(ends(rates[n]), "share") for n in (least, most))
    low, high = ends_of
    return f"Write-offs go from {low} ({told.labels[least]}) to {high} ({told.labels[most]})."


def break_even(sweeps: Sweeps) -> list[str]:
    """Return where the best cut changes along each lever."""
    rows = sweeps.changes()
    found = []
    for name, lever in sweeps.levers.items():
        mine = [row for row in rows if row["lever"] == lever.title]
        span = f"from {lever.levels[0]:g} to {lever.levels[-1]:g} {lever.unit}"
        if not mine:
            found.append(f"{lever.title.capitalize()}: {sweeps.best(name)[0]} stays best {span}.")
        for row in mine:
            at = said((row["at"], row["low"], row["high"]), row["unit"])
            doubt = "" if row["clear"] else " (too close to call at the levels beside it)"
            found.append(
                f"{lever.title.capitalize()}: above {at}, {row['above']} is cheaper than "
                f"{row['below']}{doubt}."
            )
    return found


def discount(rows: Sequence[Mapping[str, Any]], best: str) -> list[str]:
    """Return the smallest discount with which another cut would be as cheap as the best one."""
    known = [row for row in rows if not np.isnan(row["discount"])]
    if not known:
        return []
    row = min(known, key=lambda x: x["discount"])
    at = said((row["discount"], row["low"], row["high"]), "share")
    return [
        f"Discount: {row['decoupling point']} would be as cheap as {best} if what it buys cost "
        f"{at} less, for it alone."
    ]

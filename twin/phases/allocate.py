"""Splitting scarce stock over its claims: part of phase 5.

``claim[(p - first) * K + k]`` holds what claim ``p`` wants (in units of the row) and is turned into
what it gets; ``left[k]`` is what there is to split and ends as what remains.
"""

from __future__ import annotations

import math

import numpy as np

from twin.arrays import (
    CLAIM,
    FX_ROW,
    LINK,
    NET_ROW,
    ROW_FORM,
    SINK,
    Effects,
    Floats,
    Ints,
    Stock,
    Table,
)
from twin.jit import inner, leaf
from twin.phases.wishes import class_of, usage_of, whole


@leaf
def fill_claims(
    i: int, K: int, first: int, stock: Stock, sinks: Table, want: Floats, claim: Floats,
    fx: Effects, disturbed: int, integer: int,
) -> None:
    """Write the wants of a row's claims: sinks what they are owed, links their ``want``.

    ``first`` is the claim that ``claim`` begins with.
    """
    for p in range(stock.row[NET_ROW.claim_off, i], stock.row[NET_ROW.claim_off, i + 1]):
        c = np.uint64((p - first) * K)
        e = stock.claim[CLAIM.claim_index, p]
        if e >= 0:
            x = np.uint64(e * K)
            usage = usage_of(p, stock.usage)
            for k in range(np.uint64(K)):
                claim[c + k] = usage * want[x + k]
            continue
        x = np.uint64((-1 - e) * K)
        if disturbed:
            r = np.uint64(i * K)
            for k in range(np.uint64(K)):
                share = fx.row[FX_ROW.work, r + k]
                claim[c + k] = whole(share * sinks[SINK.owed, x + k], 0.0, integer)
        else:
            for k in range(np.uint64(K)):
                claim[c + k] = sinks[SINK.owed, x + k]


@leaf
def grant(
    i: int, K: int, first: int, stock: Stock, links: Table, claim: Floats, later: Floats,
    left: Floats, total: Floats, integer: int,
) -> None:
    """Split what a row has ``left`` over its claims by its rule, customers first if it says so."""
    f = stock.row[NET_ROW.row_form, i]
    if stock.form[ROW_FORM.customers_first, f]:
        split_customers_first(i, K, first, stock, links, claim, later, left, total, integer)
    else:
        a, b = stock.row[NET_ROW.claim_off, i], stock.row[NET_ROW.claim_off, i + 1]
        rule = stock.form[ROW_FORM.split, f]
        split(a, b, first, rule, K, stock.claim, claim, left, total, integer)


@leaf
def split(
    a: int, b: int, first: int, rule: int, K: int, claims: Ints, claim: Floats, left: Floats,
    total: Floats, integer: int,
) -> None:
    """Split ``left`` over claims ``a..b`` by a row's rule; one class shares in proportion."""
    if rule == 1:
        split_fair(a - first, b - first, K, claim, left, integer)
        return
    p = a
    while p < b:
        stop = p + 1
        while stop < b and class_of(stop, claims) == class_of(p, claims):
            stop += 1
        if stop == p + 1:
            c = np.uint64((p - first) * K)
            for k in range(np.uint64(K)):
                got = min(claim[c + k], left[k])
                if integer:
                    got = math.floor(got + 1e-9)
                claim[c + k] = got
                left[k] -= got
        else:
            split_class(p - first, stop - first, K, claim, left, total, integer)
        p = stop


@inner
def split_class(
    p: int, stop: int, K: int, claim: Floats, left: Floats, total: Floats, integer: int
) -> None:
    """Share ``left`` over claims ``p..stop`` of one class in proportion to what they want."""
    for k in range(np.uint64(K)):
        total[k] = 0.0
    for q in range(p, stop):
        c = np.uint64(q * K)
        for k in range(np.uint64(K)):
            total[k] += claim[c + k]
    if integer:
        for k in range(K):
            if total[k] > left[k]:
                ratio = left[k] / total[k]
                for q in range(p, stop):
                    claim[q * K + k] *= ratio
            left[k] = round_largest(p, stop, k, K, claim, left[k])
        return
    for q in range(p, stop):
        c = np.uint64(q * K)
        for k in range(np.uint64(K)):
            if total[k] > left[k]:
                claim[c + k] *= left[k] / total[k]
    for k in range(np.uint64(K)):
        left[k] = max(0.0, left[k] - total[k])


@inner
def round_largest(p: int, stop: int, k: int, K: int, claim: Floats, stock: float) -> float:
    """Round shares down and hand out the rest by largest remainder, ties by name; return what is left.

    The remainders are kept as negative marks until a claim has had its extra unit.
    """
    given = 0.0
    exact = 0.0
    for q in range(p, stop):
        exact += claim[q * K + k]
        given += math.floor(claim[q * K + k] + 1e-9)
    extra = math.floor(min(exact, stock) - given + 1e-9)
    while extra >= 1.0:
        best = -1
        most = 1e-9
        for q in range(p, stop):
            share = claim[q * K + k]
            rest = share - math.floor(share + 1e-9)
            if rest > most + 1e-9:
                most = rest
                best = q
        if best < 0:
            break
        claim[best * K + k] = math.floor(claim[best * K + k] + 1e-9) + 1.0
        extra -= 1.0
    used = 0.0
    for q in range(p, stop):
        claim[q * K + k] = math.floor(claim[q * K + k] + 1e-9)
        used += claim[q * K + k]
    return stock - used


@inner
def split_fair(
    a: int, b: int, K: int, claim: Floats, left: Floats, integer: int
) -> None:
    """Give equal amounts, none more than it wants (water filling)."""
    for k in range(K):
        stock = left[k]
        level = 0.0
        rest = stock
        while True:
            above = 0
            step = math.inf
            for q in range(a, b):
                if claim[q * K + k] > level:
                    above += 1
                    step = min(step, claim[q * K + k] - level)
            if above == 0:
                break
            if step * above >= rest:
                level += rest / above
                break
            level += step
            rest -= step * above
        used = 0.0
        for q in range(a, b):
            claim[q * K + k] = min(claim[q * K + k], level)
            used += claim[q * K + k]
        left[k] = max(0.0, stock - used)
        if integer:
            left[k] = round_largest(a, b, k, K, claim, stock)


@inner
def split_customers_first(
    i: int, K: int, first: int, stock: Stock, links: Table, claim: Floats, later: Floats,
    left: Floats, total: Floats, integer: int,
) -> None:
    """Split twice: first for need backed by customers, then for the rest."""
    a, b = stock.row[NET_ROW.claim_off, i], stock.row[NET_ROW.claim_off, i + 1]
    rule = stock.form[ROW_FORM.split, stock.row[NET_ROW.row_form, i]]
    for p in range(a, b):
        e = stock.claim[CLAIM.claim_index, p]
        for k in range(K):
            c = (p - first) * K + k
            need = claim[c]
            if e >= 0:
                rest = max(0.0, links[LINK.need, e * K + k] - links[LINK.moved, e * K + k])
                need = min(need, usage_of(p, stock.usage) * rest)
            later[c] = claim[c]
            claim[c] = need
    split(a, b, first, rule, K, stock.claim, claim, left, total, integer)
    for c in range((a - first) * K, (b - first) * K):
        later[c] -= claim[c]
    split(a, b, first, rule, K, stock.claim, later, left, total, integer)
    for c in range((a - first) * K, (b - first) * K):
        claim[c] += later[c]

"""Mass balance: counts against what came and went between them, by site and item.

Between two counts of an item at a site: residual = second count - first count - received - made +
shipped + used. It is exactly zero where nothing is lost and all is reported; what remains is loss,
miscounting, or an event that is missing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from calibration.mixups import Mixup, of_counts, slopes
from calibration.store_parts import pieces
from calibration.times import DAY
from twin.schema import Scenario

BOOKS = "books"
"""Device of counts that are only what the books believe."""

RESIDUALS = ("site", "item", "day", "residual")
TOTALS = ("site", "item", "counts", "received", "made", "shipped", "used", "residual", "days_off")

COLUMNS = ("kind", "site", "item", "partner", "device", "event_time", "qty", "value", "quality")
"""What the balance reads of the events."""

_WAYS = ("received", "made", "shipped", "used")
_RECEIVED, _MADE, _SHIPPED, _USED = range(len(_WAYS))
_NOISE = 1e-9  # share of all that moved: what float64 loses in adding up


class _Moves(NamedTuple):
    """What came (plus) and went (minus): stock point, time, way, units; arrays of one length."""

    key: Any
    time: Any
    way: Any
    qty: Any


class _Facts:
    """The events as arrays, and stock points as numbers: site times all items plus item."""

    def __init__(self, frame: pd.DataFrame, scenario: Scenario | None) -> None:
        production = () if scenario is None else scenario.production
        self.sites = list(frame["site"].cat.categories)
        self.items = list(frame["item"].cat.categories)
        inputs = {one.item for rule in production for one in rule.inputs}
        self.items += sorted(inputs - set(self.items))
        site = frame["site"].cat.codes.to_numpy(np.int64)
        self.key = site * len(self.items) + frame["item"].cat.codes.to_numpy()
        self.time, self.qty = frame["event_time"].to_numpy(), frame["qty"].to_numpy()
        self.kind = {k: (frame["kind"] == k).to_numpy() for k in ("count", "order", *_SIGNED)}
        self.outside = (frame["partner"] == "").to_numpy()
        self.inward = _codes(frame["partner"], self.sites) == site
        self.books = (frame["device"] == BOOKS).to_numpy()
        named = [text for text in frame["quality"].cat.categories if "input" in text.split()]
        self.tells_inputs = np.unique(site[frame["quality"].isin(named).to_numpy()])
        self.started = frame["value"].fillna(frame["qty"]).to_numpy()
        sold = [text for text in frame["quality"].cat.categories if "sale" in text.split()]
        self.sold = frame["quality"].isin(sold).to_numpy()

    def number(self, site: str, item: str) -> int:
        """Return the number of a stock point; -1 if nothing happened at the site."""
        if site not in self.sites:
            return -1
        return self.sites.index(site) * len(self.items) + self.items.index(item)

    def take(self, where: Any, way: int, sign: float) -> _Moves:
        """Return the moves of some events."""
        key, time, qty = self.key[where], self.time[where], sign * self.qty[where]
        return _Moves(key, time, np.full(len(key), way, np.int8), qty)


_SIGNED = {"receive": (_RECEIVED, 1.0), "make": (_MADE, 1.0), "ship": (_SHIPPED, -1.0)}


def residuals(
    events: pa.Table, scenario: Scenario | None
) -> tuple[pd.DataFrame, pd.DataFrame, list[Mixup]]:
    """Return the mass balance of events, and where counts speak another unit than the flows.

    Parameters
    ----------
    events
        Columns :data:`COLUMNS` of :meth:`calibration.store.Store.table`.
    scenario
        Says what production uses; else only inputs that the events name are taken off.

    Returns
    -------
    (pandas.DataFrame, pandas.DataFrame, list of Mixup)
        Columns :data:`RESIDUALS`: for each day (counted from 1970) that ends a stretch between
        counts, units; and :data:`TOTALS`: sums of each stock point. Counts by devices are used; the
        books' only where there are none. Customers' orders count as shipped at once where a site
        reports no shipment to outside.
    """
    events = events.select(list(COLUMNS))  # what is used and moved stays within a site
    found = [_of_sites(piece, scenario) for piece in pieces(events, "site")]
    daily, totals, fits = (pd.concat(each) for each in zip(*found, strict=True))
    return (
        daily.sort_values(["site", "item", "day"], ignore_index=True),
        totals.sort_values(["site", "item"], ignore_index=True),
        of_counts(fits.sort_values(["site", "item"])),
    )


def _of_sites(events: pa.Table, scenario: Scenario | None) -> tuple[pd.DataFrame, ...]:
    frame = events.to_pandas()
    facts = _Facts(frame[frame["qty"].notna()], scenario)
    del frame
    parts = [facts.take(facts.kind[kind] & ~facts.inward, *how) for kind, how in _SIGNED.items()]
    parts.append(facts.take(facts.kind["ship"] & facts.inward, _USED, -1.0))
    served = _served(facts)
    parts += [facts.take(served, _SHIPPED, -1.0), *_used(facts, scenario)]
    moves = _Moves(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    counts = facts.take(_counted(facts), 0, 1.0)
    stretches = _stretches(moves, counts)
    daily = stretches.groupby(["key", "day"])["residual"].sum().reset_index()
    totals = _totals(moves, counts, daily)
    fits = slopes(*(stretches[name].to_numpy() for name in ("key", "counted", "came", "went")))
    later = np.unique(facts.key[served & ~facts.sold])  # when they were served is not known
    return (
        _named(daily, facts)[list(RESIDUALS)],
        _named(totals, facts)[list(TOTALS)],
        _named(fits[~fits["key"].isin(later)], facts),
    )


def _served(facts: _Facts) -> Any:
    """Return which orders of customers count as shipped: their shipments are not reported."""
    reported = np.unique(facts.key[facts.kind["ship"] & facts.outside])
    return facts.kind["order"] & facts.outside & ~np.isin(facts.key, reported)


def _used(facts: _Facts, scenario: Scenario | None) -> list[_Moves]:
    """Return what production used by its bill of material, where no event names its inputs."""
    found = []
    for rule in () if scenario is None else scenario.production:
        if rule.item not in facts.items:
            continue
        number = facts.number(rule.site, rule.item)
        mine = facts.kind["make"] & (facts.key == number)
        if number < 0 or number // len(facts.items) in facts.tells_inputs or not mine.any():
            continue
        for one in rule.inputs:
            key = np.full(mine.sum(), facts.number(rule.site, one.item))
            way = np.full(len(key), _USED, np.int8)
            found.append(_Moves(key, facts.time[mine], way, -one.usage * facts.started[mine]))
    return found


def _counted(facts: _Facts) -> Any:
    """Return which events are counts of devices, or the books' where there are no others."""
    counts = facts.kind["count"]
    seen = np.unique(facts.key[counts & ~facts.books])
    return counts & (~facts.books | ~np.isin(facts.key, seen))


def _stretches(moves: _Moves, counts: _Moves) -> pd.DataFrame:
    """Return each stretch between two counts: key, day of its end, residual, counted, came, went."""
    key = np.concatenate([moves.key, counts.key])
    time = np.concatenate([moves.time, counts.time])
    counted = np.arange(len(key)) >= len(moves.key)
    none = np.zeros(len(counts.key))
    inward = np.isin(moves.way, (_RECEIVED, _MADE))
    came = np.concatenate([np.where(inward, moves.qty, 0.0), none])
    went = np.concatenate([np.where(inward, 0.0, -moves.qty), none])
    level = np.concatenate([np.zeros(len(moves.key)), counts.qty])
    order = np.lexsort((counted, time, key))  # at one time: flows first, the count sees them
    key, time, counted = key[order], time[order], counted[order]
    came, went = (np.cumsum(units[order])[counted] for units in (came, went))
    key, day, level = key[counted], time[counted] // DAY, level[order][counted]
    same = key[1:] == key[:-1]
    between = {"counted": level, "came": came, "went": went}
    found = pd.DataFrame({name: np.diff(units)[same] for name, units in between.items()})
    residual = found["counted"] - found["came"] + found["went"]
    moved = np.abs(moves.qty).sum() + np.abs(level).max(initial=0.0)
    residual[residual.abs() <= _NOISE * moved] = 0.0
    return found.assign(key=key[1:][same], day=day[1:][same], residual=residual)


def _totals(moves: _Moves, counts: _Moves, daily: pd.DataFrame) -> pd.DataFrame:
    found = pd.DataFrame({"key": np.unique(np.concatenate([moves.key, counts.key]))})
    for way, name in enumerate(_WAYS):
        where = moves.way == way
        sums = pd.Series(np.abs(moves.qty[where])).groupby(moves.key[where]).sum()
        found[name] = found["key"].map(sums).fillna(0.0)
    found["counts"] = found["key"].map(pd.Series(counts.key).value_counts()).fillna(0).astype(int)
    found["residual"] = found["key"].map(daily.groupby("key")["residual"].sum()).fillna(0.0)
    off = (daily["residual"] != 0).groupby(daily["key"]).sum()
    found["days_off"] = found["key"].map(off).fillna(0).astype(int)
    return found


def _named(frame: pd.DataFrame, facts: _Facts) -> pd.DataFrame:
    site, item = np.divmod(frame["key"].to_numpy(), len(facts.items))
    sites, items = np.array(facts.sites, object), np.array(facts.items, object)
    return frame.assign(site=sites[site.astype(int)], item=items[item.astype(int)])


def _codes(column: pd.Series[Any], names: list[str]) -> Any:
    """Return the place of each row's text among some names; -1 if it is none of them."""
    place = {name: n for n, name in enumerate(names)}
    codes = np.array([*(place.get(text, -1) for text in column.cat.categories), -1], np.int64)
    return codes[column.cat.codes.to_numpy()]

"""Mix-ups of units: quantities that do not match at the two ends of a link, or counts and flows.

What is ordered over a link comes to about what is dispatched and received; what is owed, on its way
or cancelled makes no steady factor of it. A large factor that is the same all the time is what
another unit looks like (boxes for pieces): it is looked for lot by lot where both ends name the
same lots, else in the parts of the record. And a count rises by one with each unit that comes in
and falls by one with each that goes out: a least-squares fit tells by how much it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from calibration.store_parts import pieces

LEAST = 4.0
"""A steady factor from here on (or from one over it down) is called a mix-up of units."""

COLUMNS = ("kind", "site", "partner", "item", "lot", "event_time", "qty", "value")
"""What the comparison of ends reads of the events."""

_ORDERED, _SENT, _GOT = range(3)
_PAIRS = ((_ORDERED, _SENT), (_ORDERED, _GOT), (_SENT, _GOT))
_PARTS = 4  # of a link's record, with equally many events each
_FEW = 5  # lots, or events of each kind: fewer say nothing
_SAME = np.log(3.0)  # lots or parts so near to the middle factor go with it
_MOST = 0.75  # share of the lots or parts that must
_STRETCHES = 10  # between counts: fewer say nothing
_SURE = 0.1  # standard error of a slope, as a share of it, up to which it is believed
_ROUND = (4, 5, 6, 8, 10, 12, 20, 24, 48, 50, 60, 100, 144, 500, 1000)
_NEAR = 0.15  # so near to a round factor, as a share of it, that one is meant

Array = npt.NDArray[Any]


class Mixup(NamedTuple):
    """Quantities that are a factor off: whose, of what item, which, against which others."""

    site: str
    item: str
    what: str
    against: str
    factor: float

    def text(self) -> str:
        """Return what is off, by how much, and what would mend it, without site and item."""
        size = max(self.factor, 1 / self.factor)
        near = min(_ROUND, key=lambda one: abs(np.log(one / size)))
        size = near if abs(size / near - 1) <= _NEAR else float(f"{size:.2g}")
        much, mend = ("", "divide") if self.factor > 1 else ("1/", "multiply")
        return (
            f"{self.what} are about {much}{size:,.6g} times the {self.against}; if it is they that are "
            f"wrong, {mend} by {size:,.6g}"
        )


def between_ends(events: pa.Table) -> list[Mixup]:
    """Return where what is ordered, dispatched and received over a link does not match.

    Parameters
    ----------
    events
        Columns :data:`COLUMNS` of :meth:`calibration.store.Store.table`.
    """
    found: list[Mixup] = []
    for piece in pieces(events.select(list(COLUMNS)), "item"):  # a link moves one item
        links = _Links(piece.to_pandas())
        off = links.factors()
        for key, *factors in off[off.notna().any(axis=1)].itertuples(name=None):
            found += _odd(*links.named(int(key)), factors)
    return sorted(found)


class _Links:
    """What was ordered, sent and received, by link: who sends, who gets, item, as one number."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.names = sorted({*frame["site"].cat.categories, *frame["partner"].cat.categories, ""})
        self.items = list(frame["item"].cat.categories)
        kind, site, partner = (
            frame["kind"],
            self._codes(frame["site"]),
            self._codes(frame["partner"]),
        )
        asked, sent, got, made = (
            (kind == k).to_numpy() for k in ("order", "ship", "receive", "make")
        )
        sent = sent & (site != partner)  # else used by production: no end of a link
        partner = np.where(made, site, partner)  # it answers what production was asked for
        sends = sent | (asked & (partner == self.names.index("")))
        link = np.where(sends, site, partner) * len(self.names) + np.where(sends, partner, site)
        started = frame["value"].fillna(frame["qty"])
        self.moves = pd.DataFrame({
            "key": link * len(self.items) + frame["item"].cat.codes.to_numpy(np.int64),
            "role": np.select([asked, sent], [_ORDERED, _SENT], _GOT),
            "lot": frame["lot"].cat.codes.to_numpy(), "named": (frame["lot"] != "").to_numpy(),
            "time": frame["event_time"].to_numpy(),
            "units": np.where(made, started, frame["qty"]),
        })[asked | sent | got | made].dropna()  # fmt: skip

    def _codes(self, column: pd.Series[Any]) -> Array:
        place = np.array([self.names.index(name) for name in column.cat.categories], np.int64)
        return place[column.cat.codes.to_numpy()]

    def named(self, key: int) -> tuple[str, str, str]:
        """Return who sends, who gets, and the item."""
        link, item = divmod(key, len(self.items))
        source, to = divmod(link, len(self.names))
        return self.names[source], self.names[to], str(self.items[item])

    def factors(self) -> pd.DataFrame:
        """Return the steady factor, as a logarithm, of each of the pairs; NaN: none, or unknown."""
        moves = self.moves.sort_values(["key", "time"], kind="stable")
        size = moves.groupby("key")["key"].transform("size")
        moves["part"] = _PARTS * moves.groupby("key").cumcount() // size
        parts = _sums(moves, "part")
        lots = _sums(moves[moves["named"]], "lot")
        told = moves.groupby(["key", "role"]).size().unstack(fill_value=0)
        told = told.reindex(columns=range(3), fill_value=0)
        found = {}
        for a, b in _PAIRS:
            by_lot, lots_of = _steady(lots, a, b, None)
            by_part, _ = _steady(parts, a, b, _PARTS)
            known = lots_of.reindex(told.index, fill_value=0) >= _FEW
            enough = (told[a] >= _FEW) & (told[b] >= _FEW)
            middle = by_lot.reindex(told.index).where(
                known, by_part.reindex(told.index).where(enough)
            )
            found[a, b] = middle.where(middle.abs() >= np.log(LEAST))
        return pd.DataFrame(found)


def _sums(moves: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return units by key and lot or part (rows) and role (columns)."""
    found = moves.groupby(["key", by, "role"])["units"].sum().unstack()
    return found.reindex(columns=range(3))


def _steady(
    sums: pd.DataFrame, a: int, b: int, of: int | None
) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return the middle logarithm of one role over another where most go with it, and of how many.

    ``of`` is how many there should be of each key; None: as many as both roles have.
    """
    both = sums[(sums[a] > 0) & (sums[b] > 0)]
    each = np.log(both[a] / both[b])
    by = each.groupby(level=0)
    with_it = ((each - by.transform("median")).abs() <= _SAME).groupby(level=0).sum()
    held = with_it >= _MOST * (by.size() if of is None else of)
    return by.median().where(held), by.size()


def _odd(source: str, to: str, item: str, logs: list[float]) -> Iterator[Mixup]:
    """Yield who is off: the one that differs from the two others, or each pair that differs."""
    making, who = source == to, to or source
    words = (
        "production orders" if making else f"orders from {source}" if to else "orders of customers",
        f"dispatches to {to or 'customers'}",
        "units made" if making else f"receipts from {source or 'outside'}",
    )
    whose = (who, source, who)
    off = {pair: log for pair, log in zip(_PAIRS, logs, strict=True) if not np.isnan(log)}
    if len(off) == 2:
        (odd,) = set.intersection(*map(set, off))
        pair, log = off.popitem()  # the later pairs share lots more often
        log = log if pair[0] == odd else -log
        others = " and the ".join(word for role, word in enumerate(words) if role != odd)
        yield Mixup(whose[odd], item, words[odd], others, float(np.exp(log)))
        return
    for (a, b), log in off.items():
        yield Mixup(whose[a], item, words[a], words[b], float(np.exp(log)))


def slopes(key: Array, counted: Array, came: Array, went: Array) -> pd.DataFrame:
    """Return by how much counts rise with each unit that comes in, and fall with each that goes out.

    Least squares with a constant (what vanishes steadily); both are 1 where all speak one unit.

    Parameters
    ----------
    key
        Stock point of each stretch between two counts, ``(n,)``.
    counted, came, went
        What the second count has more than the first, and what came and went between, units, ``(n,)``.

    Returns
    -------
    pandas.DataFrame
        Columns ``key``, ``came``, ``went``: NaN where the data do not tell it within a tenth.
    """
    keys, place = np.unique(key, return_inverse=True)
    n = np.bincount(place)
    y, x, z = (v - (np.bincount(place, v) / n)[place] for v in (counted, came, -went))

    def total(a: Array, b: Array) -> Array:
        return np.bincount(place, a * b)

    xx, zz, xz, xy, zy, yy = (total(*p) for p in ((x, x), (z, z), (x, z), (x, y), (z, y), (y, y)))
    with np.errstate(all="ignore"):
        apart = xx * zz - xz**2 > 0.01 * xx * zz  # not the same all the time
        det = np.where(apart, xx * zz - xz**2, np.nan)
        a = np.where(zz > 0, (xy * zz - zy * xz) / det, xy / xx)
        b = np.where(xx > 0, (zy * xx - xy * xz) / det, zy / zz)
        rest = np.maximum(yy - np.nan_to_num(a) * xy - np.nan_to_num(b) * zy, 0.0) / (n - 3)
        sure_a = np.sqrt(rest * np.where(zz > 0, zz / det, 1 / xx)) <= _SURE * a
        sure_b = np.sqrt(rest * np.where(xx > 0, xx / det, 1 / zz)) <= _SURE * b
        few = n < _STRETCHES
    found = {"key": keys, "came": np.where(few | ~sure_a | (a <= 0), np.nan, a)}
    return pd.DataFrame(found | {"went": np.where(few | ~sure_b | (b <= 0), np.nan, b)})


def of_counts(fits: pd.DataFrame) -> list[Mixup]:
    """Return where counts and flows do not match.

    Parameters
    ----------
    fits
        Columns ``site``, ``item``, and ``came`` and ``went`` of :func:`slopes`.
    """
    found: list[Mixup] = []
    flows = ("goods received or made", "goods sent or used")
    for row in fits.itertuples():
        each = np.array([row.came, row.went], float)
        off = np.abs(np.log(each)) >= np.log(LEAST)  # of what is not known: no
        known = ~np.isnan(each)
        one = off.all() and abs(np.log(each[0] / each[1])) <= _SAME
        what = (str(row.site), str(row.item))
        if one or (off.any() and known.sum() == 1):
            against = " and ".join(name for name, is_ in zip(flows, known, strict=True) if is_)
            found.append(Mixup(*what, "counts", against, float(np.exp(np.log(each[known]).mean()))))
            continue
        found += [Mixup(*what, flows[n], "counts", float(1 / each[n])) for n in np.flatnonzero(off)]
    return found

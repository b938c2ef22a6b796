"""What can be learnt directly from the events of a store; the rest is inferred, or keeps its prior."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import pyarrow as pa

from calibration.balance import BOOKS
from calibration.direct.lead_times import untold
from calibration.times import DAY
from twin.schema import Scenario

if TYPE_CHECKING:
    from calibration.quality import Quality


class Learnt(NamedTuple):
    """Whether something can be estimated directly from these data, and why (not)."""

    what: str
    possible: bool
    why: str


def learnable(table: pa.Table, found: Quality, scenario: Scenario | None) -> Iterator[Learnt]:
    """Yield what can be estimated directly; the rest is left to simulation or to the prior."""
    kinds = found.kinds
    frame = table.select(
        ["kind", "site", "partner", "lot", "value", "device", "quality", "event_time"]
    ).to_pandas()
    kind, outside = frame["kind"], frame["partner"] == ""
    asked = (kind == "order") & outside
    sales = asked & _marked(frame, "sale")
    if asked.sum() > sales.sum():
        yield Learnt("demand", True, f"{asked.sum() - sales.sum():,} orders of customers")
    elif sales.any():
        yield Learnt("demand", True, "sales only: what was asked for while out of stock is missing")
    else:
        yield Learnt("demand", False, "no orders of customers (order without a partner)")
    yield _lead_times(frame)
    started = ((kind == "make") & frame["value"].notna()).sum()
    yield Learnt("yield", bool(started), f"{started:,} makes say how many were started")
    books = (frame["device"] == BOOKS) & (kind == "count")
    looks = int(kinds.get("count", 0) - books.sum())
    yield Learnt("shrink", looks > 0, f"{looks:,} counts of what is there" if looks
                 else "no counts by a device or a person: loss cannot be told from sales")  # fmt: skip
    both = looks > 0 and books.any()
    yield Learnt("record error", both, f"{books.sum():,} counts of the books" if both
                 else f"no counts by '{BOOKS}' beside counts of what is there")  # fmt: skip
    down = kinds.get("status", 0)
    yield Learnt("time between failures", down > 0, f"{down:,} status events")
    numbered = any(one.missing or one.events > 1 for one in found.devices)
    yield Learnt("loss of messages", numbered, "by gaps in the devices' numbers" if numbered
                 else "no devices with sequence numbers")  # fmt: skip
    yield Learnt("delay of messages", found.timed > 0, f"{found.timed:,} events taken in live"
                 if found.timed else "recorded afterwards: when each arrived is not known")  # fmt: skip
    links = ((kind == "order") & ~outside).sum()
    yield Learnt("ordering rules", links > 0, f"{links:,} orders between sites: site by site"
                 if links else "no orders between sites: only jointly, from their effects")  # fmt: skip
    if scenario is not None:
        heard = set(table["site"].unique().to_pylist())
        silent = [site.name for site in scenario.sites if site.name not in heard]
        yield Learnt("every site", not silent, "all are heard of" if not silent
                     else f"nothing from {', '.join(silent)}: only jointly, by what others saw")  # fmt: skip


def _lead_times(frame: pd.DataFrame) -> Learnt:
    what = "lead times"
    kind, between = frame["kind"], (frame["partner"] != "") & ~_marked(frame, "input")
    ships = (kind == "ship") & between
    reporting = set(frame.loc[ships, "site"])  # of others' dispatches the order is the first sign
    asked = (kind == "order") & between & ~frame["partner"].isin(reporting)
    sent = set(frame.loc[ships | asked, "lot"]) - {""}
    got = set(frame.loc[kind == "receive", "lot"]) - {""}
    receipts = (frame["kind"] == "receive").sum()
    if not receipts:
        return Learnt(what, False, "no receipts")
    if pairs := len(sent & got):
        lost = _never_told(frame[ships | asked], frame[kind == "receive"])
        away = len(sent - got) - lost
        why = f"{pairs:,} lots sent and received, {away:,} still on the way (censored)"
        if lost:
            why += f"; receipts of {lost:,} more are missing, for they must have come: left out"
        return Learnt(what, True, why)
    return Learnt(what, False, f"{receipts:,} receipts, but no lot pairs one with its shipment")


def _never_told(sent: pd.DataFrame, got: pd.DataFrame) -> int:
    """Return how many lots must have come though nobody said so, see :func:`untold`."""
    there = got.groupby("lot", observed=True)["event_time"].min()
    last = max(sent["event_time"].max(), got["event_time"].max()) / DAY
    lots = sent[sent["lot"] != ""].drop_duplicates("lot")
    trips = pd.DataFrame({
        "sent": lots["event_time"] / DAY, "got": lots["lot"].astype(str).map(there) / DAY,
    })  # fmt: skip
    ways = trips.groupby([lots["site"], lots["partner"]], observed=True)
    return sum(int(untold(way, last).sum()) for _, way in ways)


def _marked(frame: pd.DataFrame, mark: str) -> pd.Series[bool]:
    texts = frame["quality"].cat.categories
    return frame["quality"].isin([text for text in texts if mark in str(text).split()])

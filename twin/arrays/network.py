"""What is fixed: tables of what hangs together with what."""

from __future__ import annotations

from typing import NamedTuple

from twin.arrays.types import Floats, Ints, Table

SHIP, MAKE, BUY = 0, 1, 2
SINK_CLAIM, LINK_CLAIM = 0, 1
SPLIT_BY_CLASS, SPLIT_FAIR = 0, 1
SEES = ("orders", "customers", "demand")


class NetRow(NamedTuple):
    """Columns of ``Network.row``, ``(n + 1,)`` each; ``_off`` are CSR offsets."""

    in_off: int  # links into each row are consecutive
    out_off: int
    sink_off: int  # sinks of each row are consecutive
    claim_off: int  # who claims a row's stock, by (class, name)
    split: int  # rule by which scarce stock is split
    rank_first: int  # 1 if promises are made by rank
    customers_first: int
    refill_lead: int  # longest information delay + mean lead time of the row's own links


class NetLink(NamedTuple):
    """Columns of ``Network.link``, ``(m + 1,)`` each."""

    to: int
    link_row: int  # row that ships (-1: none)
    kind: int  # SHIP, MAKE or BUY
    input_off: int
    priority: int  # place in the priority order, -1 for shares
    fallback: int
    plain_order: int  # 1 if orders need no rounding at all
    mail_off: int  # first mail slot
    mail_len: int  # information delay (0: no mail)
    lead: int  # constant lead time, -1 if random
    transit_off: int  # first transit slot
    transit_len: int  # slots (0: arrives in the same sweep)
    fifo: int  # 1 if goods must not overtake
    closable: int  # 1 if its lane closes at some time (own clock)
    special: int  # random, zero, stretched or interruptible lead time
    link_limit_off: int


class Rate(NamedTuple):
    """Columns of ``Network.rate``, ``(m,)`` each."""

    share: int  # nominal share of its row's orders
    yield_: int
    order_min: int
    order_multiple: int
    order_max: int  # inf if none
    limit: int  # units per period of the link alone (capacity, outside supplier)
    batch: int
    wip_cap: int  # inf if none


class Claim(NamedTuple):
    """Columns of ``Network.claim``."""

    claim_kind: int  # SINK_CLAIM or LINK_CLAIM
    claim_index: int
    claim_class: int  # claims of one class share in proportion


class Input(NamedTuple):
    """Columns of ``Network.input``."""

    input_row: int
    input_claim: int  # claim of the input on its component


class Segment(NamedTuple):
    """Columns of ``Network.seg``: rows of one level, policy and forecaster."""

    seg_lo: int
    seg_hi: int
    seg_policy: int
    seg_forecaster: int


class Level(NamedTuple):
    """Columns of ``Network.level``, downstream first."""

    level_off: int  # segments of each level
    level_row: int  # rows of each level


class Stage(NamedTuple):
    """Columns of ``Network.stage``: stages of the material sweep, upstream first."""

    stage_off: int  # positions in stage_row
    stage_group: int  # group of components, -1 for independent rows
    send_off: int  # links dispatched after each stage, one place later (0: outside supply)
    stage_special: int  # 1 if it sends on special links, likewise


class Group(NamedTuple):
    """Columns of ``Network.group``: rows that share components or limits."""

    group_row_off: int
    group_link_off: int
    group_limit_off: int


class LimitClaim(NamedTuple):
    """Columns of ``Network.limit_claim``."""

    limit_claim_link: int
    limit_of_claim: int


class NetSink(NamedTuple):
    """Columns of ``Network.sink``, ``(s + 1,)`` each."""

    sink_row: int
    sink_rank_order: int  # sinks of each row in order of (rank, name)
    promise_order: int  # all sinks by (rank, name)
    lost: int  # 1 if unmet demand is lost
    patience: int  # -1 if endless
    tolerance: int
    curve_off: int  # first slot of the curve rings
    curve_len: int
    asked_off: int  # first slot of the rings of what was asked
    quote_off: int


class Quote(NamedTuple):
    """Columns of ``Network.quote``: cut points that order-driven sinks promise from."""

    quote_row: int
    quote_lead: int


class Network(NamedTuple):
    """What hangs together with what: tables of ``int32`` columns, and what has its own length."""

    n_rows: int
    n_links: int
    n_sinks: int
    n_levels: int
    n_stages: int
    row: Ints
    link: Ints
    rate: Table
    out_link: Ints
    out_usage: Floats
    claim: Ints
    claim_usage: Floats
    input: Ints
    input_usage: Floats
    seg: Ints
    level: Ints
    stage: Ints
    stage_row: Ints
    send_link: Ints
    group: Ints
    group_row: Ints
    group_link: Ints
    link_limit_claim: Ints
    limit_claim_off: Ints
    limit_claim: Ints
    limit_claim_usage: Floats
    limit_stock: Floats  # capacity per period
    order_group_off: Ints  # customer orders+1: sinks that form one order
    order_group_sink: Ints
    sink: Ints
    quote: Ints
    quote_usage: Floats


NET_ROW = NetRow(*range(len(NetRow._fields)))
NET_LINK = NetLink(*range(len(NetLink._fields)))
RATE = Rate(*range(len(Rate._fields)))
CLAIM = Claim(*range(len(Claim._fields)))
INPUT = Input(*range(len(Input._fields)))
SEGMENT = Segment(*range(len(Segment._fields)))
LEVEL = Level(*range(len(Level._fields)))
STAGE = Stage(*range(len(Stage._fields)))
GROUP = Group(*range(len(Group._fields)))
LIMIT_CLAIM = LimitClaim(*range(len(LimitClaim._fields)))
NET_SINK = NetSink(*range(len(NetSink._fields)))
QUOTE = Quote(*range(len(Quote._fields)))

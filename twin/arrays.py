"""The arrays of the kernel: what is fixed, what is decided, what changes, what is counted.

State, parameters and sums are tables of columns; a column is C-ordered ``(things, replications)``
with replications innermost and contiguous, stored flat (length ``things * K``): element-wise
phases run over one flat slab, link phases over ``row -> link -> replication``. A table is one
array, so that a phase takes few arguments (numba compiles a function with 300 array arguments in
six seconds, one with thirty in a fifth of a second) and columns at the end can be left
out. Index arrays are ``int32``, flags ``int8``.

``n`` stock points (rows), ``m`` supply links, ``s`` sinks, ``K`` replications of the block.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Flags = NDArray[np.int8]
Floats = NDArray[np.float64]
Streams = NDArray[np.uint64]
Table = NDArray[np.float64]
"""Columns side by side, ``(columns, things * K)``; the column numbers are named below."""

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


class Theta(NamedTuple):
    """Columns of ``Rules.theta``: float parameters, ``(n, K)`` flat each, most common first."""

    level: int
    reorder_point: int
    lot: int
    safety_factor: int
    safety_stock: int  # NaN: from the safety factor
    cover: int  # protection interval
    lead: int  # mean lead time + information delay
    lead_variance: int
    forecast_smoothing: int
    error_smoothing: int
    cards: int
    wip_cap: int
    smoothing: int
    adjustment: int
    supply_line: int
    forced_order: int


class Rule(NamedTuple):
    """Columns of ``Rules.row``, ``(n + 1,)`` each; offsets are into the one pool of rings."""

    review: int
    phase: int
    forced_until: int
    lot_rule: int
    lot_periods: int
    window: int
    window_off: int
    sees: int
    age: int
    age_off: int
    plan_off: int
    ramp_start: int
    ramp_length: int
    line_off: int  # rows downstream of a CONWIP row
    shelf_life: int  # 0: none
    shelf_off: int


class Error(NamedTuple):
    """Columns of ``Rules.error``, ``(n,)`` each: what makes books wrong."""

    shrink: int
    misplacement: int
    scan_error: int


class Rules(NamedTuple):
    """Parameters of decisions: ``theta`` is ``(columns, n * K)``, the rest one value a row."""

    theta: Table
    rec: int  # column of Rows that decisions read: record, or on_hand if the books are right
    row: Ints
    error: Table
    driven: Flags  # 1 while the row is order-driven
    line_row: Ints
    line_weight: Floats
    row_stream: Streams
    link_stream: Streams


class Rows(NamedTuple):
    """Columns of the state of the stock points, ``(n, K)`` flat each; optional ones last."""

    on_hand: int
    on_order: int
    backlog: int
    incoming: int  # this period's orders of own customers
    order: int  # good units ordered this period
    forecast: int
    variance: int  # of the one-period forecast error
    signal: int
    accepted: int  # exploded accepted customer demand
    wanted: int  # exploded customer demand
    record: int  # what the books believe is on hand
    misplaced: int
    lost: int  # shrink, expiry and destruction of this period
    need: int  # backed by customer orders
    inbound: int  # good units on the way and at the gate (kept for lines only)
    in_total: int  # everything that came in (shelf life)
    out_total: int  # everything that went out (shelf life)


class Links(NamedTuple):
    """Columns of the state of the supply links, ``(m, K)`` flat each, in started units."""

    owed: int
    on_way: int
    moved: int  # dispatched this period
    placed: int  # ordered this period
    mailed: int
    last_due: int  # latest due period of anything sent (first in, first out)
    good_total: int  # good units ordered so far (shares)
    cancelled: int  # unshipped orders taken back so far
    gate: int
    clock: int  # periods the lane was open
    need: int
    carry: int  # remainder of a yield in integer mode


class Sinks(NamedTuple):
    """Columns of the state of the sinks, ``(s, K)`` flat each."""

    owed: int
    demand: int
    accepted: int
    delivered: int
    lost: int
    served: int  # allotted in this stage of the material sweep
    ordered_total: int
    closed_total: int


class Work(NamedTuple):
    """Scratch space of the material sweep and of promises."""

    want: Floats  # m
    allowed: Floats  # m, in disturbed periods
    claim: Floats  # claims
    later: Floats  # claims, for customers_first
    stock: Floats  # n, for groups
    left: Floats  # (K,)
    total: Floats  # (K,)
    limit_left: Floats  # limits
    limit_grant: Floats  # claims on limits
    promise: Floats
    none: Floats  # empty: no demand factors


class RowSums(NamedTuple):
    """Columns of the sums over all periods so far, ``(n, K)`` flat each; optional ones last."""

    on_hand: int
    backlog: int
    order: int
    order_squared: int
    incoming: int
    incoming_squared: int
    net_squared: int
    error_abs: int
    error: int
    error_squared: int
    signal: int
    lost: int  # shrink
    expired: int
    destroyed: int
    wrong_record: int


class LinkSums(NamedTuple):
    """Columns of the sums over all periods so far, ``(m, K)`` flat each."""

    shipped: int
    on_way: int
    orders: int  # orders > 0
    dispatches: int  # dispatches > 0
    placed: int  # units ordered
    purchase: int  # money of orders at their price breaks
    gate: int


class SinkSums(NamedTuple):
    """Columns of the sums over all periods so far; orders are kept at an order's first sink."""

    demand: int
    accepted: int
    delivered: int
    lost: int
    filled: int
    on_time: int
    due: int  # demand whose tolerance is over
    owed: int
    short: int  # periods with unmet demand
    orders: int
    orders_complete: int


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
RULE = Rule(*range(len(Rule._fields)))
ERROR = Error(*range(len(Error._fields)))
THETA = Theta(*range(len(Theta._fields)))
ROW = Rows(*range(len(Rows._fields)))
LINK = Links(*range(len(Links._fields)))
SINK = Sinks(*range(len(Sinks._fields)))
ROW_SUM = RowSums(*range(len(RowSums._fields)))
LINK_SUM = LinkSums(*range(len(LinkSums._fields)))
SINK_SUM = SinkSums(*range(len(SinkSums._fields)))


class EffectRow(NamedTuple):
    """Columns of ``Effects.row``, ``(n, K)`` flat each."""

    work: int  # share of wanted work a row can do
    can_order: int
    dock: int  # 1 while arrivals wait at the gate
    destroy: int  # share of stock lost at once
    upload: int  # factor on the books


class EffectLink(NamedTuple):
    """Columns of ``Effects.link``, ``(m, K)`` flat each."""

    capacity: int  # share of capacity
    closed: int
    stopped: int
    stretch: int


class Effects(NamedTuple):
    """What disruptions do in this period; neutral values when idle."""

    row: Table
    link: Table
    demand: Floats  # s
    limit: Floats  # shared limits
    device: Floats  # devices: factor on readings, NaN: no reading


FX_ROW = EffectRow(*range(len(EffectRow._fields)))
FX_LINK = EffectLink(*range(len(EffectLink._fields)))


class Events(NamedTuple):
    """Disruptions: ``start`` and ``happens`` are ``(events, K)`` flat, the rest ``(events,)``."""

    kind: Flags
    start: Ints
    happens: Floats
    duration: Ints
    ramp: Ints
    severity: Floats
    factor: Floats
    target_off: Ints
    target: Ints
    target_kind: Ints  # capacity losses: 0 link, 1 shared limit
    target_factor: Floats


class Devices(NamedTuple):
    """Adopted devices, ``(d,)``; corrections wait in ``(slots, K)`` rings."""

    row: Ints
    kind: Flags
    period: Ints
    phase: Ints
    noise: Floats
    bias: Floats
    read_rate: Floats
    loss: Floats
    delay: Ints
    corrects: Flags  # 1 if a reading corrects the record
    ring_off: Ints
    ring: Floats
    reading: Floats  # (d, K) last reading
    read_at: Floats  # (d, K) period of the last reading, -1 before
    stream: Streams


class Prices(NamedTuple):
    """Price breaks of links, CSR."""

    off: Ints  # m+1
    quantity: Floats
    price: Floats
    incremental: Flags  # m


class History(NamedTuple):
    """Chosen series: ``(chosen, periods, things * K)`` and the columns they copy."""

    row_column: Ints
    rows: Floats
    link_column: Ints
    links: Floats
    sink_column: Ints
    sinks: Floats


class Switches(NamedTuple):
    """Which optional phases a scenario needs; what it does not use is never entered."""

    disruptions: int
    records: int  # the books can be wrong: record is an array of its own
    losses: int
    shelf_life: int
    devices: int
    lost_sales: int
    quotes: int
    mail: int
    forecasts: int
    visibility: int
    need: int
    driven: int
    lines: int
    forced: int
    shares: int
    prices: int
    integer: int
    careful: int  # receipts need more than yield x units (scrap in whole units, shelf life)
    clocks: int
    patience: int
    history: int


class World(NamedTuple):
    """Everything one block of replications needs."""

    network: Network
    rules: Rules
    rows: Table
    links: Table
    sinks: Table
    row_sums: Table
    link_sums: Table
    sink_sums: Table
    rings: Floats  # one pool of ragged slots, ``(slots, K)`` flat
    work: Work
    effects: Effects
    events: Events
    devices: Devices
    prices: Prices
    demand: Any  # twin.demand.DemandTables
    leads: Any  # twin.distributions.LeadTables
    lead_table: Ints  # m: lead time table of each random link, -1 if constant
    visits: NDArray[np.int64]  # how often each phase was entered

"""The arrays of the kernel: what is fixed, what is decided, what changes, what is counted.

All state, parameter and sum arrays are C-ordered ``(things, replications)`` with replications
innermost and contiguous, stored flat (length ``things * K``): element-wise phases run over one
flat slab, link phases over ``row -> link -> replication``. Index arrays are ``int64``.
``n`` stock points (rows), ``m`` supply links, ``s`` sinks, ``K`` replications of the block.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Streams = NDArray[np.uint64]

SHIP, MAKE, BUY = 0, 1, 2
SINK_CLAIM, LINK_CLAIM = 0, 1
SPLIT_BY_CLASS, SPLIT_FAIR = 0, 1
SEES = ("orders", "customers", "demand")


class Network(NamedTuple):
    """What hangs together with what; lengths in the comments, CSR offsets end in ``_off``."""

    level_off: Ints  # levels+1: segments of each level, downstream first
    level_row: Ints  # levels+1: rows of each level
    seg_lo: Ints  # segments: rows of one level, policy and forecaster
    seg_hi: Ints
    seg_policy: Ints
    seg_forecaster: Ints
    in_off: Ints  # n+1: links into each row are consecutive
    out_off: Ints  # n+1
    out_link: Ints
    out_usage: Floats
    sink_off: Ints  # n+1: sinks of each row are consecutive
    claim_off: Ints  # n+1: who claims a row's stock, by (class, name)
    claim_kind: Ints
    claim_index: Ints
    claim_usage: Floats
    claim_class: Ints
    split: Ints  # n: rule by which scarce stock is split
    rank_first: Ints  # n: 1 if promises are made by rank
    customers_first: Ints  # n
    refill_lead: Ints  # n: longest information delay + mean lead time of the row's own links
    to: Ints  # m
    link_row: Ints  # m: row that ships (-1: none)
    kind: Ints  # m
    input_off: Ints  # m+1
    input_row: Ints
    input_usage: Floats
    input_claim: Ints  # claim of each input on its component
    share: Floats  # m: nominal share of its row's orders
    priority: Ints  # m: place in the priority order, -1 for shares
    fallback: Ints  # m
    yield_: Floats  # m
    order_min: Floats  # m
    order_multiple: Floats  # m
    order_max: Floats  # m: inf if none
    plain_order: Ints  # m: 1 if orders need no rounding at all
    limit: Floats  # m: units per period of the link alone (capacity, outside supplier)
    batch: Floats  # m
    wip_cap: Floats  # m: inf if none
    mail_off: Ints  # m: first mail slot
    mail_len: Ints  # m: information delay (0: no mail)
    lead: Ints  # m: constant lead time, -1 if random
    transit_off: Ints  # m: first transit slot
    transit_len: Ints  # m: slots (0: arrives in the same sweep)
    fifo: Ints  # m: 1 if goods must not overtake
    closable: Ints  # m: 1 if its lane closes at some time (own clock)
    special: Ints  # m: random, zero, stretched or interruptible lead time
    link_limit_off: Ints  # m+1
    link_limit_claim: Ints
    stage_off: Ints  # material stages+1: positions in stage_row; upstream first
    stage_row: Ints
    stage_group: Ints  # material stages: group of components, -1 for independent rows
    send_off: Ints  # material stages+2: links dispatched after each stage (0: outside supply)
    send_link: Ints
    stage_special: Ints  # material stages+1: 1 if it sends on special links
    group_row_off: Ints  # groups+1
    group_row: Ints
    group_link_off: Ints  # groups+1: links that take from the group's rows
    group_link: Ints
    group_limit_off: Ints  # groups+1: shared limits of the group are consecutive
    limit_claim_off: Ints  # limits+1
    limit_claim_link: Ints
    limit_claim_usage: Floats
    limit_of_claim: Ints
    limit_stock: Floats  # limits: capacity per period
    order_group_off: Ints  # customer orders+1: sinks that form one order
    order_group_sink: Ints
    sink_row: Ints  # s
    sink_rank_order: Ints  # s: sinks of each row in order of (rank, name)
    promise_order: Ints  # s: all sinks by (rank, name)
    lost: Ints  # s: 1 if unmet demand is lost
    patience: Ints  # s: -1 if endless
    tolerance: Ints  # s
    curve_off: Ints  # s: first slot of the curve rings
    curve_len: Ints  # s: 0 if on time means at once
    quote_off: Ints  # s+1: cut points each order-driven sink promises from
    quote_row: Ints
    quote_usage: Floats
    quote_lead: Ints


class Rules(NamedTuple):
    """Parameters of decisions; floats are ``(n, K)`` flat, integers and rates ``(n,)``."""

    level: Floats
    reorder_point: Floats
    lot: Floats
    safety_factor: Floats
    safety_stock: Floats  # NaN: from the safety factor
    cover: Floats  # protection interval
    lead: Floats  # mean lead time + information delay
    lead_variance: Floats
    cards: Floats
    wip_cap: Floats
    smoothing: Floats
    adjustment: Floats
    supply_line: Floats
    forced_order: Floats
    forecast_smoothing: Floats
    error_smoothing: Floats
    review: Ints
    phase: Ints
    forced_until: Ints
    lot_rule: Ints
    lot_periods: Ints
    window: Ints
    window_off: Ints
    sees: Ints
    age: Ints
    age_off: Ints
    plan_off: Ints
    driven: Ints  # 1 while the row is order-driven
    ramp_start: Ints
    ramp_length: Ints
    line_off: Ints  # n+1: rows downstream of a CONWIP row
    line_row: Ints
    line_weight: Floats
    shrink: Floats
    misplacement: Floats
    scan_error: Floats
    shelf_life: Ints  # 0: none
    shelf_off: Ints
    row_stream: Streams
    link_stream: Streams


class Rows(NamedTuple):
    """State of the stock points, ``(n, K)`` flat."""

    on_hand: Floats
    record: Floats  # the same array as on_hand when the books cannot be wrong
    misplaced: Floats
    on_order: Floats
    backlog: Floats
    incoming: Floats  # this period's orders of own customers
    order: Floats  # good units ordered this period
    forecast: Floats
    variance: Floats  # of the one-period forecast error
    signal: Floats
    accepted: Floats  # exploded accepted customer demand
    wanted: Floats  # exploded customer demand
    need: Floats  # backed by customer orders
    inbound: Floats  # good units on the way and at the gate (kept for lines only)
    lost: Floats  # shrink, expiry and destruction of this period
    in_total: Floats  # everything that came in (shelf life)
    out_total: Floats  # everything that went out (shelf life)


class Links(NamedTuple):
    """State of the supply links, ``(m, K)`` flat, in started units."""

    owed: Floats
    on_way: Floats
    gate: Floats
    mailed: Floats
    moved: Floats  # dispatched this period
    placed: Floats  # ordered this period
    good_total: Floats  # good units ordered so far (shares)
    cancelled: Floats  # unshipped orders taken back so far
    need: Floats
    carry: Floats  # remainder of a yield in integer mode
    last_due: Floats  # latest due period of anything sent (first in, first out)
    clock: Floats  # periods the lane was open


class Sinks(NamedTuple):
    """State of the sinks, ``(s, K)`` flat."""

    owed: Floats
    demand: Floats
    accepted: Floats
    delivered: Floats
    lost: Floats
    served: Floats  # allotted in this stage of the material sweep
    ordered_total: Floats
    closed_total: Floats


class Work(NamedTuple):
    """Scratch space of the material sweep and of promises."""

    want: Floats  # m
    claim: Floats  # claims
    later: Floats  # claims, for customers_first
    stock: Floats  # n, for groups
    left: Floats  # (K,)
    total: Floats  # (K,)
    limit_left: Floats  # limits
    limit_grant: Floats  # claims on limits
    promise: Floats
    none: Floats  # empty: no demand factors


class Rings(NamedTuple):
    """Ragged slots, ``(slots, K)`` flat."""

    transit: Floats
    mail: Floats
    window: Floats
    age: Floats
    plan: Floats
    shelf: Floats
    curve: Floats
    asked: Floats


class RowSums(NamedTuple):
    """Sums over all periods so far, ``(n, K)`` flat."""

    on_hand: Floats
    backlog: Floats
    order: Floats
    order_squared: Floats
    incoming: Floats
    incoming_squared: Floats
    net_squared: Floats
    lost: Floats  # shrink
    expired: Floats
    destroyed: Floats
    error_abs: Floats
    error: Floats
    error_squared: Floats
    signal: Floats
    wrong_record: Floats


class LinkSums(NamedTuple):
    """Sums over all periods so far, ``(m, K)`` flat."""

    shipped: Floats
    on_way: Floats
    gate: Floats
    orders: Floats  # orders > 0
    dispatches: Floats  # dispatches > 0
    placed: Floats  # units ordered
    purchase: Floats  # money of orders at their price breaks


class SinkSums(NamedTuple):
    """Sums over all periods so far, ``(s, K)`` flat; orders are kept at an order's first sink."""

    demand: Floats
    accepted: Floats
    delivered: Floats
    lost: Floats
    filled: Floats
    on_time: Floats
    due: Floats  # demand whose tolerance is over
    owed: Floats
    short: Floats  # periods with unmet demand
    orders: Floats
    orders_complete: Floats


class Effects(NamedTuple):
    """What disruptions do in this period, ``(things, K)`` flat; neutral values when idle."""

    work: Floats  # n: share of wanted work a row can do
    can_order: Floats  # n
    dock: Floats  # n: 1 while arrivals wait at the gate
    destroy: Floats  # n: share of stock lost at once
    upload: Floats  # n: factor on the books
    capacity: Floats  # m: share of capacity
    closed: Floats  # m
    stopped: Floats  # m
    stretch: Floats  # m
    demand: Floats  # s
    limit: Floats  # shared limits
    device: Floats  # devices: factor on readings, NaN: no reading


class Events(NamedTuple):
    """Disruptions: ``start`` and ``happens`` are ``(events, K)`` flat, the rest ``(events,)``."""

    kind: Ints
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
    kind: Ints
    period: Ints
    phase: Ints
    noise: Floats
    bias: Floats
    read_rate: Floats
    loss: Floats
    delay: Ints
    corrects: Ints  # 1 if a reading corrects the record
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
    incremental: Ints  # m


class History(NamedTuple):
    """Chosen series: ``(chosen, periods, things * K)`` and the fields they copy."""

    row_field: Ints
    rows: Floats
    link_field: Ints
    links: Floats
    sink_field: Ints
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
    rows: Rows
    links: Links
    sinks: Sinks
    work: Work
    rings: Rings
    row_sums: RowSums
    link_sums: LinkSums
    sink_sums: SinkSums
    effects: Effects
    events: Events
    devices: Devices
    prices: Prices
    demand: Any  # twin.demand.DemandTables
    leads: Any  # twin.distributions.LeadTables
    lead_table: Ints  # m: lead time table of each random link, -1 if constant
    visits: Ints  # how often each phase was entered

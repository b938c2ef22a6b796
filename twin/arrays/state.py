"""What is decided, what changes and what is counted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.arrays.network import Network
from twin.arrays.types import Flags, Floats, Ints, Streams, Table


class Theta(NamedTuple):
    """Columns of ``Rules.theta``: float parameters, ``(sets, K)`` flat each, most common first.

    Stock points with equal parameters share a set (``NetRow.parameters``).
    """

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


class Error(NamedTuple):
    """Columns of ``Books.error``, ``(n,)`` each: what makes books wrong."""

    shrink: int
    misplacement: int
    scan_error: int


class Rules(NamedTuple):
    """Parameters of decisions."""

    theta: Table
    rec: int  # column of Rows that decisions read: record, or on_hand if the books are right
    row: Ints  # Stock.row
    form: Ints  # Stock.form
    driven: Flags  # 1 while the row is order-driven; empty where no family has a decoupling point
    ramp: Ints  # (2, n): start and length of a ramp; empty likewise
    line_row: Ints
    line_weight: Floats


class Books(NamedTuple):
    """What makes books wrong, and the luck of it; empty where they are right."""

    error: Table
    stream: Streams


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
    """Columns of the state of the supply links, ``(m, K)`` flat, in started units; some optional."""

    owed: int
    on_way: int
    moved: int  # dispatched this period
    placed: int  # ordered this period
    good_total: int  # good units ordered so far (shares)
    last_due: int  # latest due period of anything sent (first in, first out)
    mailed: int
    gate: int
    clock: int  # periods the lane was open
    cancelled: int  # unshipped orders taken back so far
    need: int
    carry: int  # remainder of a yield in integer mode


class Sinks(NamedTuple):
    """Columns of the state of the sinks, ``(s, K)`` flat each; optional ones last."""

    owed: int
    demand: int
    delivered: int
    ordered_total: int
    closed_total: int
    served: int  # allotted in this stage of the material sweep (groups, disturbed periods)
    accepted: int  # as demand where all is accepted
    lost: int


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
    turn: Ints  # place of this period in a ring of n slots, by n


class RowSums(NamedTuple):
    """Columns of the sums over all periods so far, ``(n, K)`` flat each; optional ones last.

    What was ordered in all follows from the links (:meth:`twin.simulation.Simulation.sums`).
    """

    on_hand: int
    backlog: int
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
    """Columns of the sums over all periods so far, ``(m, K)`` flat each; optional ones last."""

    shipped: int
    on_way: int
    orders: int  # orders > 0
    dispatches: int  # dispatches > 0
    placed: int  # units ordered
    purchase: int  # money of orders at their price breaks
    gate: int


class SinkSums(NamedTuple):
    """Columns of the sums over all periods so far, ``(s, K)`` flat each; optional ones last.

    What was accepted and delivered in all is in the curves (``Sinks``).
    """

    demand: int
    filled: int
    on_time: int
    due: int  # demand whose tolerance is over
    owed: int
    short: int  # periods with unmet demand
    lost: int
    gave_up: int  # accepted and then given up: closed, not delivered


class OrderSums(NamedTuple):
    """Columns of the sums over all customer orders so far, ``(orders, K)`` flat each."""

    orders: int
    orders_complete: int


ERROR = Error(*range(len(Error._fields)))
THETA = Theta(*range(len(Theta._fields)))
ROW = Rows(*range(len(Rows._fields)))
LINK = Links(*range(len(Links._fields)))
SINK = Sinks(*range(len(Sinks._fields)))
ROW_SUM = RowSums(*range(len(RowSums._fields)))
LINK_SUM = LinkSums(*range(len(LinkSums._fields)))
SINK_SUM = SinkSums(*range(len(SinkSums._fields)))
ORDER_SUM = OrderSums(*range(len(OrderSums._fields)))


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
    demand_seen: int  # and not only what was accepted of it
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
    special: int  # some lead times are not constant, or zero
    bought: int  # all outside supply is bought, with constant lead times
    plain_orders: int  # every row orders over one link that takes any amount
    plain: int  # material moves in the plain way in every period
    history: int


class World(NamedTuple):
    """Everything one block of replications needs."""

    network: Network
    rules: Rules
    books: Books
    rows: Table
    links: Table
    sinks: Table
    row_sums: Table
    link_sums: Table
    sink_sums: Table
    order_sums: Table
    rings: Floats  # one pool of ragged slots, ``(slots, K)`` flat
    work: Work
    effects: Effects
    events: Events
    devices: Devices
    prices: Prices
    demand: Any  # twin.demand.DemandTables
    leads: Any  # twin.distributions.LeadTables
    lead_table: Ints  # m: lead time table of each random link, -1 if constant; or empty
    link_stream: Streams  # m: luck of lead times; or empty
    visits: NDArray[np.int64]  # how often each phase was entered

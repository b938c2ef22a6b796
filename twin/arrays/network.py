"""What is fixed: tables of what hangs together with what."""

from __future__ import annotations

from typing import NamedTuple

from twin.arrays.types import Floats, Ints, Table

SHIP, MAKE, BUY = 0, 1, 2
SPLIT_BY_CLASS, SPLIT_FAIR = 0, 1
SEES = ("orders", "customers", "demand")


class NetRow(NamedTuple):
    """Columns of ``Stock.row``, ``(n + 1,)`` each; ``_off`` are CSR offsets; optional ones last."""

    in_off: int  # links into each row are consecutive
    sink_off: int  # sinks of each row are consecutive
    claim_off: int  # who claims a row's stock, by (class, name)
    row_form: int
    parameters: int  # place of its policy's parameters in Rules.theta
    ring_off: int  # first slot of its own rings
    line_off: int  # rows downstream of a CONWIP row


class RowForm(NamedTuple):
    """Columns of ``Stock.form``: what many stock points have in common, kept once."""

    split: int  # rule by which scarce stock is split
    rank_first: int  # 1 if promises are made by rank
    customers_first: int
    refill_lead: int  # longest information delay + mean lead time of the row's own links
    review: int
    phase: int
    forced_until: int
    lot_rule: int
    lot_periods: int
    window: int
    sees: int
    age: int
    shelf_life: int  # 0: none
    age_at: int  # places in the row's own rings; the window comes first
    plan_at: int
    shelf_at: int


class NetLink(NamedTuple):
    """Columns of ``Supply.link``, ``(m + 1,)`` each; optional ones last."""

    to: int
    link_form: int
    input_off: int
    transit_off: int  # first transit slot
    mail_off: int  # first mail slot
    link_limit_off: int


class LinkForm(NamedTuple):
    """Columns of ``Supply.form``: what many supply links have in common, kept once."""

    kind: int  # SHIP, MAKE or BUY
    priority: int  # place in the priority order, -1 for shares
    fallback: int
    plain_order: int  # 1 if orders need no rounding at all
    mail_len: int  # information delay (0: no mail)
    lead: int  # constant lead time, -1 if random
    transit_len: int  # slots (0: arrives in the same sweep)
    fifo: int  # 1 if goods must not overtake
    closable: int  # 1 if its lane closes at some time (own clock)
    special: int  # random, zero, stretched or interruptible lead time


class Rate(NamedTuple):
    """Columns of ``Supply.rate``: the same for numbers that need not be whole."""

    share: int  # nominal share of its row's orders
    yield_: int
    order_min: int
    order_multiple: int
    order_max: int  # inf if none
    limit: int  # units per period of the link alone (capacity, outside supplier)
    batch: int
    wip_cap: int  # inf if none


class Claim(NamedTuple):
    """Columns of ``Stock.claim``; classes are left out where all rows share in proportion."""

    claim_index: int  # a link, or a sink as -1 - its number
    claim_class: int  # claims of one class share in proportion


class Input(NamedTuple):
    """Columns of ``Supply.input``; the optional one last."""

    input_row: int
    input_claim: int  # claim of the input on its component (groups)


class Segment(NamedTuple):
    """Columns of ``Sweep.seg``: rows of one level, policy and forecaster."""

    seg_lo: int
    seg_hi: int
    seg_policy: int
    seg_forecaster: int


class Level(NamedTuple):
    """Columns of ``Sweep.level``, downstream first."""

    level_off: int  # segments of each level
    level_row: int  # rows of each level


class Stage(NamedTuple):
    """Columns of ``Sweep.stage``: stages of the material sweep, upstream first."""

    stage_off: int  # positions in stage_row
    stage_group: int  # group of components, -1 for independent rows
    send_off: int  # links dispatched after each stage, one place later (0: outside supply)
    stage_special: int  # 1 if it sends on special links, likewise


class Group(NamedTuple):
    """Columns of ``Ties.group``: rows that share components or limits."""

    group_row_off: int
    group_link_off: int
    group_limit_off: int


class LimitClaim(NamedTuple):
    """Columns of ``Ties.limit_claim``."""

    limit_claim_link: int
    limit_of_claim: int


class NetSink(NamedTuple):
    """Columns of ``Customers.sink``, ``(s + 1,)`` each; those for promises last."""

    sink_row: int
    sink_form: int
    curve_off: int  # first slot of the curve's ring; then what was asked, where demand can be lost
    sink_rank_order: int  # sinks of each row in order of (rank, name)
    promise_order: int  # all sinks by (rank, name)
    quote_off: int


class SinkForm(NamedTuple):
    """Columns of ``Customers.form``: what many sinks have in common, kept once."""

    lost: int  # 1 if unmet demand is lost
    patience: int  # -1 if endless
    tolerance: int
    curve_len: int


class Quote(NamedTuple):
    """Columns of ``Customers.quote``: cut points that order-driven sinks promise from."""

    quote_row: int
    quote_lead: int


class Stock(NamedTuple):
    """Stock points and who claims what they hold."""

    row: Ints
    form: Ints
    claim: Ints
    usage: Floats  # units of the row in one of the claim; empty where all are 1


class Supply(NamedTuple):
    """Supply links and what they take."""

    link: Ints
    form: Ints
    rate: Table
    input: Ints
    usage: Floats  # units of the input in one started; empty where all are 1


class Sweep(NamedTuple):
    """The order of things: levels downstream first, stages of material upstream first."""

    seg: Ints
    level: Ints
    stage: Ints
    stage_row: Ints
    send_link: Ints


class Ties(NamedTuple):
    """Rows that must be split together, and the limits that links share."""

    group: Ints
    group_row: Ints
    group_link: Ints
    link_limit_claim: Ints
    limit_claim_off: Ints
    limit_claim: Ints
    limit_claim_usage: Floats
    limit_stock: Floats  # capacity per period


class Customers(NamedTuple):
    """Sinks, the orders that they form and what they are promised from."""

    sink: Ints
    form: Ints
    order_off: Ints  # customer orders+1: sinks that form one order
    order_sink: Ints
    quote: Ints
    quote_usage: Floats


class Network(NamedTuple):
    """What hangs together with what: tables of ``int32`` columns, and what has its own length."""

    n_rows: int
    n_links: int
    n_sinks: int
    n_levels: int
    n_stages: int
    n_slots: int  # in the pool of rings
    stock: Stock
    supply: Supply
    sweep: Sweep
    ties: Ties
    customers: Customers


NET_ROW = NetRow(*range(len(NetRow._fields)))
NET_LINK = NetLink(*range(len(NetLink._fields)))
ROW_FORM = RowForm(*range(len(RowForm._fields)))
LINK_FORM = LinkForm(*range(len(LinkForm._fields)))
RATE = Rate(*range(len(Rate._fields)))
CLAIM = Claim(*range(len(Claim._fields)))
INPUT = Input(*range(len(Input._fields)))
SEGMENT = Segment(*range(len(Segment._fields)))
LEVEL = Level(*range(len(Level._fields)))
STAGE = Stage(*range(len(Stage._fields)))
GROUP = Group(*range(len(Group._fields)))
LIMIT_CLAIM = LimitClaim(*range(len(LimitClaim._fields)))
NET_SINK = NetSink(*range(len(NetSink._fields)))
SINK_FORM = SinkForm(*range(len(SinkForm._fields)))
QUOTE = Quote(*range(len(Quote._fields)))

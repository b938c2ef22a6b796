"""Devices: what reports, and what its reading does to the record.

To add one: write a jitted reader with this signature, decorate it (quantity and unit in the
decorator) and add its line to :func:`read`. A reader returns what the device reports of the truth.
"""

from __future__ import annotations

import math

from twin import rng
from twin.arrays import (
    ROW,
    Devices,
    Effects,
    Table,
)
from twin.jit import inner
from twin.registry import Registry

DEVICES = Registry()


@DEVICES.add("cycle_count", quantity="on hand", unit="units", corrects_record=True)
@inner
def cycle_count(d: int, j: int, z: float, dev: Devices, rows: Table, shelf: int) -> float:
    """A person counts: what was misplaced is found, then everything on hand is counted."""
    rows[ROW.on_hand, j] += rows[ROW.misplaced, j]
    if shelf:
        rows[ROW.in_total, j] += rows[ROW.misplaced, j]
    rows[ROW.misplaced, j] = 0.0
    return rows[ROW.on_hand, j] * (1.0 + dev.bias[d]) * max(0.0, 1.0 + dev.noise[d] * z)


@DEVICES.add("rfid_shelf", quantity="on hand", unit="units", corrects_record=True)
@inner
def rfid_shelf(d: int, j: int, z: float, dev: Devices, rows: Table, shelf: int) -> float:
    """An RFID shelf reads a share of the tags and corrects for it by its known read rate."""
    seen = dev.read_rate[d] * rows[ROW.on_hand, j]
    return seen * (1.0 + dev.bias[d]) * max(0.0, 1.0 + dev.noise[d] * z) / dev.read_rate[d]


@DEVICES.add("scale", quantity="on hand", unit="units", corrects_record=True)
@inner
def scale(d: int, j: int, z: float, dev: Devices, rows: Table, shelf: int) -> float:
    """A scale under the bin weighs everything on hand."""
    return rows[ROW.on_hand, j] * (1.0 + dev.bias[d]) * max(0.0, 1.0 + dev.noise[d] * z)


@DEVICES.add("pos_feed", quantity="sales", unit="units/period", corrects_record=False)
@inner
def pos_feed(d: int, j: int, z: float, dev: Devices, rows: Table, shelf: int) -> float:
    """A point-of-sale feed reports the orders of the stock point's own customers."""
    return rows[ROW.incoming, j]


@inner
def read(kind: int, d: int, j: int, z: float, dev: Devices, rows: Table, shelf: int) -> float:
    """Let one device read; one line per registered kind, in order."""
    if kind == 0:
        return cycle_count(d, j, z, dev, rows, shelf)
    if kind == 1:
        return rfid_shelf(d, j, z, dev, rows, shelf)
    if kind == 2:
        return scale(d, j, z, dev, rows, shelf)
    return pos_feed(d, j, z, dev, rows, shelf)


@inner
def observe(
    t: int, K: int, dev: Devices, rows: Table, fx: Effects, seed: int, k0: int, disturbed: int,
    integer: int, shelf: int,
) -> None:
    """Phase 6: devices read the truth; corrections take effect from the next period on."""
    for d in range(dev.row.size):
        if (t - dev.phase[d]) % dev.period[d] != 0:
            continue
        n = dev.delay[d] + 1
        for k in range(K):
            fault = fx.device[d * K + k] if disturbed else 1.0
            if math.isnan(fault):
                continue
            j = dev.row[d] * K + k
            stream = dev.stream[d]
            z = 0.0
            if dev.noise[d] > 0.0:
                z = rng.normal_quantile(rng.uniform(seed, stream, rng.READING, t, k0 + k))
            value = fault * read(dev.kind[d], d, j, z, dev, rows, shelf)
            if dev.loss[d] > 0.0:
                u = rng.uniform(seed, stream, rng.READING_LOSS, t, k0 + k)
                if u < dev.loss[d]:
                    continue
            if integer:
                value = math.floor(value + 0.5)
            dev.reading[d * K + k] = value
            dev.read_at[d * K + k] = t
            if dev.corrects[d]:
                slot = (dev.ring_off[d] + (t + n) % n) * K + k
                dev.ring[slot] = value - rows[ROW.record, j]

"""What a poor network does to events: losses, delays, repetitions, silent and forged devices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from calibration.arrivals import arrival
from calibration.balance import BOOKS
from calibration.errors import TelemetryError
from calibration.events import FIELDS
from calibration.times import DAY
from twin.arguments import whole
from twin.problems import show


def distort(
    events: pd.DataFrame,
    *,
    loss: float = 0.0,
    delay: float = 0.0,
    duplicates: float = 0.0,
    shuffle: bool = False,
    dead: float = 0.0,
    spoofed: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Return canonical events as a poor network would have brought them, in order of arrival.

    Parameters
    ----------
    loss
        Share of the devices' messages that never arrive (their running numbers then have gaps).
    delay
        Mean days by which any message comes late, exponentially distributed. Of recorded events
        it counts from their arrival (:func:`calibration.arrivals.arrival`).
    duplicates
        Share of messages that come twice.
    shuffle
        Bring them in any order, whatever their time of arrival.
    dead
        Share of the devices that fall silent for good at a random time.
    spoofed
        Forged readings, as a share of the readings: they bear a device's name but not its source.
    seed
        The luck.

    Raises
    ------
    TelemetryError
        If a share is not from 0 to 1 or the delay is negative.
    RunError
        If the seed is not one.
    """
    _check(loss=loss, duplicates=duplicates, dead=dead, spoofed=spoofed, delay=delay)
    rng = np.random.Generator(np.random.PCG64(whole("seed", seed)))
    found, reading = events, readings(events)
    names = np.unique(found["device"][reading])
    dying = names[rng.random(names.size) < dead]
    span = found["event_time"].min(), found["event_time"].max()
    ends = dict(zip(dying, rng.uniform(*span, dying.size), strict=True))
    over = found["device"].map(ends).fillna(np.inf).to_numpy(np.float64)
    gone = reading & ((rng.random(len(found)) < loss) | (found["event_time"] > over))
    forged = found[reading & (rng.random(len(found)) < spoofed)].copy()
    forged["event_id"] = [f"forged-{n}" for n in range(len(forged))]
    forged["source"] = "forged"
    for column in ("qty", "value"):
        forged[column] *= 2 * rng.random(len(forged))
    found = pd.concat([found[~gone], forged])
    again = found[rng.random(len(found)) < duplicates]
    found = pd.concat([found, again], ignore_index=True)
    found = found.astype({f.name: f.dtype for f in FIELDS})
    return _arrived(found, delay, shuffle, rng)


def readings(events: pd.DataFrame) -> pd.Series[bool]:
    """Return which events are readings of devices: what can be lost, fall silent or be forged."""
    return (events["device"] != "") & (events["device"] != BOOKS) & (events["kind"] != "status")


def _arrived(
    found: pd.DataFrame, delay: float, shuffle: bool, rng: np.random.Generator
) -> pd.DataFrame:
    """Return events in the order in which they arrive, late by some days in the mean."""
    came = arrival(found)
    if delay:
        came += rng.exponential(delay * DAY, len(found)).astype(np.int64)
        found["ingest_time"] = came
    if shuffle:
        return found.sample(frac=1.0, random_state=rng, ignore_index=True)
    return found.iloc[np.lexsort((found["event_id"], found["source"], came))].reset_index(drop=True)


def _check(delay: float, **shares: float) -> None:
    for name, value in shares.items():
        if not 0.0 <= value <= 1.0:
            msg = f"{name} = {show(value)}; must be a share from 0 to 1: correct it"
            raise TelemetryError(msg)
    if not 0.0 <= delay < np.inf:
        msg = f"delay = {show(delay)}; must be 0 or more days: correct it"
        raise TelemetryError(msg)

"""What devices are worth: noise, bias, delay and loss of their readings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.balance import BOOKS
from calibration.direct import DRAWS, Estimate, Floats, generator, refs, variance_between
from calibration.direct.records import Stretches, stretches
from calibration.periods import add_up
from calibration.times import period_length
from twin.compile.events import place_devices
from twin.schema import Scenario
from twin.topology import build

_LEAST = 5
_EMPTY = 0.5  # of what comes or goes in a period: from a shelf with less nothing can vanish
_FINE = 1e-4  # sd below which nothing is known of a device
_SURE = (0.005, 0.995)  # ends of the interval that must leave out the scenario's bias
_RANGE = {"loss": (0.0, 1.0), "noise": (0.0, 1.0), "bias": (-1.0, 1.0)}


def estimate(events: pd.DataFrame, scenario: Scenario, *, seed: int = 0) -> list[Estimate]:
    """Return delay, loss, bias and noise of each device that counts or senses.

    * delay: mean of the time of intake less the time of the event, in periods;
    * loss: gaps in the running numbers over all messages there should have been, beta-binomial;
    * bias and noise: from count to count the reading must change by what came less what went. Its
      change over that flow is 1 + bias, whatever vanishes per period; what is left, over the size
      of both counts, is the noise, once the luck of what vanishes (units that vanish one by one
      vary as their mean) is taken off its square. The books, which the device may itself correct,
      are not asked.

    Parameters
    ----------
    events
        Canonical events.
    scenario
        Its calendar says what a period is.
    seed
        The luck of the draws.
    """
    told = events[(events["device"] != "") & (events["device"] != BOOKS)]
    told = told[told["kind"].isin(["count", "sense"])].drop_duplicates(["source", "event_id"])
    found = []
    for device, rows in told.groupby("device", observed=True):
        rows = rows.sort_values("event_time")
        found += [_delay(str(device), rows, scenario, seed)]
        found += _loss(str(device), rows, seed)
        if (rows["kind"] == "count").all() and len(rows[["site", "item"]].drop_duplicates()) == 1:
            others = (events["kind"] == "count") & (events["device"] != device)
            point = str(rows["site"].iloc[0]), str(rows["item"].iloc[0])
            between = stretches(add_up(events[~others], scenario), point)
            found += _errors(str(device), between, rows, seed)
    return found + _declared(found, scenario)


def _declared(found: list[Estimate], scenario: Scenario) -> list[Estimate]:
    """Return estimates for the entries of the scenario: the mean of all devices that one places.

    Those that know it better count for more (:func:`_weights`).
    """
    entry = {one.name: scenario.devices.index(one.device) for one in place_devices(build(scenario))}
    groups: dict[tuple[int, str], list[Estimate]] = {}
    for one in found:
        name, _, device = one.name.partition(" of ")
        if device in entry and name in ("loss", "noise", "bias"):
            groups.setdefault((entry[device], name), []).append(one)
    means = [_mean(i, name, each) for (i, name), each in sorted(groups.items())]
    biases = {f"devices[{i}].bias": one.bias for i, one in enumerate(scenario.devices)}
    return [_told_apart(one, biases.get(one.key, np.nan)) for one in means]


def _mean(entry: int, name: str, each: list[Estimate]) -> Estimate:
    weights, limits = _weights(each), _RANGE[name]
    return Estimate.of(
        f"{name} of devices[{entry}]",
        np.clip(weights @ np.array([x.value for x in each]), *limits),
        np.clip(weights @ np.array([x.draws for x in each]), *limits),
        sum(x.n for x in each), key=f"devices[{entry}].{name}", refs=each[0].refs,
        method=f"mean of {len(each)} devices",
    )  # fmt: skip


def _weights(each: list[Estimate]) -> Floats:
    """Return weights of estimates of the same thing, summing to 1, by how well each knows it."""
    values = np.array([x.value for x in each])
    own = np.array([x.draws.var() for x in each]) + _FINE**2
    w = 1 / (own + np.maximum(variance_between(values, own), 0.0))
    return np.asarray(w / w.sum())


def _told_apart(one: Estimate, declared: float) -> Estimate:
    """Return the estimate of a bias without its key, if it may as well be what the scenario has.

    Few counts of a stock that hardly moves know a bias to half the stock only, and a loss that is
    not logged looks much the same: what cannot be told apart from none is no reason to assume one.
    """
    low, high = np.quantile(one.draws, _SURE)
    if not low <= declared <= high:  # not of what is no bias: NaN
        return one
    return replace(one, key="", note="not told apart from that of the scenario, which stays")


def _delay(device: str, rows: pd.DataFrame, scenario: Scenario, seed: int) -> Estimate:
    late = (rows["ingest_time"] - rows["event_time"]).to_numpy(np.float64)
    late = np.maximum(late, 0.0) / period_length(scenario.calendar)
    picks = generator(seed, "delay", device).integers(0, late.size, (DRAWS, late.size))
    return Estimate.of(
        f"delay of {device}", late.mean(), late[picks].mean(axis=1), late.size, refs=refs(rows),
        method="time of intake less time of event, bootstrap",
    )  # fmt: skip


def _loss(device: str, rows: pd.DataFrame, seed: int) -> list[Estimate]:
    numbers = np.unique(rows["seq"].dropna().to_numpy(np.int64))
    if numbers.size < 2:
        return []
    due = int(numbers[-1] - numbers[0]) + 1
    lost = due - numbers.size
    draws = generator(seed, "loss", device).beta(lost + 0.5, numbers.size + 0.5, DRAWS)
    return [
        Estimate.of(
            f"loss of {device}", lost / due, draws, due, refs=refs(rows),
            method=f"beta-binomial: {lost} numbers missing of {due}",
        )
    ]  # fmt: skip


def _errors(device: str, between: Stretches, rows: pd.DataFrame, seed: int) -> list[Estimate]:
    if between.length.size < _LEAST:
        return []
    size = np.sqrt(between.first**2 + between.last**2)
    least = _EMPTY * np.abs(between.flow).sum() / between.length.sum()
    some = np.minimum(between.first, between.last) > least
    if some.sum() < _LEAST:
        return []
    change = ((between.last - between.first) / np.maximum(size, 1e-9))[some]
    causes = np.column_stack([between.flow, between.length])[some] / size[some, None]
    luck = between.length[some] / size[some] ** 2

    def solve(picks: npt.NDArray[np.int64]) -> tuple[float, float]:
        found, *_ = np.linalg.lstsq(causes[picks], change[picks], rcond=None)
        left = change[picks] - causes[picks] @ found
        square = (left**2).mean() - max(0.0, -float(found[1])) * luck[picks].mean()
        return float(found[0]) - 1, float(np.sqrt(max(0.0, square)))

    n = change.size
    drawn = generator(seed, "errors", device).integers(0, n, (DRAWS, n))
    bias, noise = solve(np.arange(n))
    draws = np.array([solve(picks) for picks in drawn])
    how = "change of the count against the flows, bootstrap"
    return [
        Estimate.of(f"bias of {device}", bias, draws[:, 0], n, refs=refs(rows), method=how),
        Estimate.of(f"noise of {device}", noise, draws[:, 1], n, refs=refs(rows), method=how),
    ]

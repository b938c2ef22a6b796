"""What devices are worth: to whom, how good they must be, and where a few of them belong.

::

    twin study value-of-information --scenario small-business --out devices
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from twin.edits import apply
from twin.errors import RunError
from twin.kpis import KPIS
from twin.names import nearest
from twin.result import number, words
from twin.schema import Device, Scenario
from twin.schema.base import param
from twin.statistics import interval
from twin.study.findings import Chart, Findings, Sheet
from twin.study.ready import ready
from twin.study.ready.base import Bench, Options
from twin.study.ready.value_of_information_owners import array, by_owner, device_owners
from twin.study.ready.value_of_information_places import Asked, Placement
from twin.study.ready.value_of_information_worth import COST, SERVICE, Quality, Sweep, Worth
from twin.study.ready.words import ENDS, NOISE, columns, differing, said, sign, told
from twin.sums import Floats

QUESTION = "Who pays for devices and who gains, how good must they be, and where do a few belong?"

WEEK = {"day": 7, "week": 1}
"""Periods of a week."""

SURE = {1: "worth it", -1: "not worth it", 0: "not told apart from worthless"}

NAMED = 3
"""Most owners that a sentence names."""

CHAIN = "the whole chain"


Share = Annotated[float, Field(ge=0, le=1)]
Delay = Annotated[int, Field(ge=0, le=90)]


class ValueOfInformation(Options):
    """Devices: who adopts them, how good they are, where a few are placed."""

    metric: str | None = param(
        None,
        "KPI by which devices are worth something; default: running_cost, or on_time where they "
        "save no cost and more comes on time",
    )
    noise: list[Share] = param(
        lambda: [0.0, 0.02, 0.05, 0.1, 0.2], "noises of all devices", unit="share"
    )
    delay: list[Delay] = param(lambda: [0, 1, 3, 7, 14], "delays of all devices", unit="periods")
    loss: list[Share] = param(
        lambda: [0.0, 0.2, 0.5, 0.8, 1.0], "shares of lost readings", unit="share"
    )
    uptime: list[Share] = param(
        lambda: [0.2, 0.5, 0.8, 0.9, 1.0], "shares of the time that devices work", unit="share"
    )
    stretch: int | None = param(
        None, "periods that devices work or fail at a time; default: a week", unit="periods", ge=1
    )
    budget: int = param(4, "most devices that are placed one by one; 0: none", ge=0, le=1000)
    candidates: int = param(
        12, "places that the search goes on with after its first round", ge=1, le=10_000
    )
    draws: int = param(16, "random orders that placing is compared with", ge=2, le=10_000)

    @field_validator("metric")
    @classmethod
    def _is_a_kpi(cls, given: str | None) -> str | None:
        known = [n for n, e in KPIS.items() if e.extra["better"] in ("lower", "higher")]
        if given is not None and given not in known:
            msg = f"'{given}' is no KPI that is better lower or higher; {nearest(given, known)}"
            raise ValueError(msg)
        return given


@ready("value-of-information", ValueOfInformation)
def value_of_information(options: ValueOfInformation, bench: Bench) -> Findings:
    """Devices: who pays and who gains, how good they must be, where a few of them belong."""
    scenario = bench.scenario
    owners = device_owners(scenario)
    if not owners:
        msg = (
            f"scenario '{scenario.name}' has no devices whose information could be worth anything; "
            "add some, in a shell with --set 'devices[+]=[{kind: cycle_count, period: 7}]'"
        )
        raise RunError(msg)
    bench.note("who adopts devices")
    adoption = Adoption(owners, options, bench)
    answers, sheets, charts = adoption.answers(), adoption.sheets(), adoption.charts()
    bench.note("how good devices are")
    quality = _quality(options, bench)
    whole, *by_quality = _of_quality(quality, options.metric is None)
    answers.append(whole)
    if options.budget:
        bench.note("where devices are placed")
        asked = Asked(options.budget, options.candidates, options.draws, options.replications)
        placement = Placement(asked, bench, quality.worth)
        answers += _of_placement(placement)
        sheets.append(placement.sheet())
        charts.append(placement.chart())
    answers += by_quality
    sheets += [quality.sheet(s) for s in quality.sweeps]
    charts += [quality.chart(s) for s in quality.sweeps]
    return Findings(
        "value-of-information", f"Value of information: {scenario.title or scenario.name}",
        QUESTION, tuple(answers), tuple(sheets), tuple(charts), LIMITS,
    )  # fmt: skip


LIMITS = (
    "By one KPI alone worse devices can look better: errors that add stock raise service and cost. "
    "The tables of quality show running costs as well.",
    "Devices correct the books, nothing else: what a planner would do otherwise with a reading is "
    "not in the numbers.",
    "An owner's gain is what the stock points that the owner pays for cost less (bought goods left "
    "out); payments between owners are not known.",
    "Places are chosen one by one; sets that are worth more only together can be missed.",
)


class Adoption:
    """Nobody adopts devices, each owner alone, all of them: what each pays and gains.

    Parameters
    ----------
    owners
        Who may adopt devices.
    options
        What was asked for.
    bench
        Keeps each run as ``adoption_N``.
    """

    def __init__(self, owners: list[str], options: ValueOfInformation, bench: Bench) -> None:
        self.scenario = bench.scenario
        alone = {name: [name] for name in owners} if len(owners) > 1 else {}
        self.adopters = {**alone, "everyone" if len(owners) > 1 else owners[0]: owners}
        runs = {"nobody": [], **self.adopters}
        self.found = {
            label: self._run(n, {o: float(o in adopt) for o in owners}, options, bench)
            for n, (label, adopt) in enumerate(runs.items())
        }

    def _run(
        self, n: int, adoption: dict[str, float], options: ValueOfInformation, bench: Bench
    ) -> dict[str, dict[str, Floats]]:
        scenario = apply(self.scenario, {"adoption": adoption})
        key = [scenario.hash(), scenario.seed, options.replications or scenario.replications]
        kept = bench.keep(f"adoption_{n}", key, by_owner, scenario, options.replications)
        return {o: {name: array(x) for name, x in lines.items()} for o, lines in kept.items()}

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """One row per way of adopting and owner, and one for the whole chain.

        Columns: ``adopts`` (who), ``owner``, ``pays`` for devices, ``gains``, ``net``
        (with intervals) per period, ``on_time`` (change, where the owner has customers).
        """
        rows = []
        for label in self.adopters:
            mine, none = self.found[label], self.found["nobody"]
            every = list(dict.fromkeys([*none, *mine]))
            totals = []
            for owner in every:
                pays = _line(mine, owner, "devices") - _line(none, owner, "devices")
                gains = _line(none, owner, "running") - _line(mine, owner, "running")
                totals.append((pays, gains))
                row = _row(label, owner, pays, gains)
                if "on_time" in mine.get(owner, {}):
                    row |= columns("on_time", mine[owner]["on_time"] - none[owner]["on_time"])
                rows.append(row)
            pays, gains = (np.sum(x, axis=0) for x in zip(*totals, strict=True))
            rows.append(_row(label, CHAIN, pays, gains))
        return pd.DataFrame(rows)

    @property
    def _everyone(self) -> pd.DataFrame:
        """The rows of the owners where everyone adopts."""
        frame = self.frame
        mine = frame[(frame["adopts"] == list(self.adopters)[-1]) & (frame["owner"] != CHAIN)]
        return mine.reset_index(drop=True)

    @property
    def _chain(self) -> pd.DataFrame:
        """The rows of the chain, one per way of adopting."""
        return self.frame[self.frame["owner"] == CHAIN].reset_index(drop=True)

    def answers(self) -> list[str]:
        """Return what adoption is worth to the chain, to whom, and who gains without paying."""
        money, rows = words("money/period", self.scenario), self._chain.to_dict("records")
        chain, alone = rows[-1], sorted(rows[:-1], key=lambda row: -float(row["net"]))
        found = [
            f"If {chain['adopts']} adopts, devices cost {told(chain, 'pays', money)} and all else "
            f"{_less(chain, money)}: by running cost they are {SURE[sign(chain, 'net')]} to the "
            f"chain ({told(chain, 'net', money)})."
        ]
        if alone:
            found.append(f"Adopted by {_alone(alone, money)}.")
        owners = self._everyone.to_dict("records")
        free = [r for r in owners if r["pays"] <= 0 and sign(r, "gains") > 0]
        losing = [r for r in owners if r["pays"] > 0 and sign(r, "net") < 0]
        for odd, name, text in (
            (sorted(free, key=lambda r: -float(r["gains"])), "gains", "gain without paying"),
            (sorted(losing, key=lambda r: float(r["net"])), "net", "pay more than they gain"),
        ):
            who = ", ".join(f"{r['owner']} {told(r, name, money)}" for r in odd[:NAMED])
            rest = f" and {len(odd) - NAMED} more" if len(odd) > NAMED else ""
            found += [f"If {chain['adopts']} adopts, {len(odd)} of {len(owners)} owners {text}: "
                      f"{who}{rest}."] if odd else []  # fmt: skip
        return found

    def sheets(self) -> list[Sheet]:
        """Return the tables: all, the owners where everyone adopts, the chain by who adopts."""
        money = words("money/period", self.scenario)
        units = {f"{name}{end}": money for name in ("pays", "gains", "net") for end in ENDS}
        tables = [
            ("owners", "Who pays and who gains", self._everyone),
            ("adoption", "Who pays and who gains, by who adopts", self.frame),
            ("adopters", "The chain, by who adopts", self._chain),
        ]
        found = []
        for name, title, table in tables[: 3 if len(self.adopters) > 1 else 2]:
            frame, more = differing(table, "points", "on_time")
            found.append(Sheet(name, title, frame, units | more))
        return found

    def charts(self) -> list[Chart]:
        """Return the pictures of owners, and of who adopts."""
        ends = ("net", "net_low", "net_high")
        title = f"What each owner gains, less what it pays, if {list(self.adopters)[-1]} adopts"
        found = [Chart("bars", "owners", title, "owners", "owner", *ends, zero=True)]
        if len(self.adopters) > 1:
            title = "What the chain gains, by who adopts"
            found.append(Chart("bars", "adopters", title, "adopters", "adopts", *ends, zero=True))
        return found


def _less(row: Mapping[Any, Any], money: str) -> str:
    """Return by how much all else costs less, or more."""
    ends = [float(row[f"gains{end}"]) for end in ENDS]
    if ends[0] >= 0:
        return f"{said(ends, money)} less"
    return f"{said([-ends[0], -ends[2], -ends[1]], money)} more"


def _line(found: dict[str, dict[str, Floats]], owner: str, name: str) -> Any:
    """Return a line of an owner; nothing for who had neither stock nor devices."""
    return found[owner][name] if owner in found else 0.0


def _row(label: str, owner: str, pays: Floats, gains: Floats) -> dict[str, Any]:
    return {
        "adopts": label, "owner": owner,
        **columns("pays", pays), **columns("gains", gains), **columns("net", gains - pays),
    }  # fmt: skip


# ------------------------------------------------------------------------------ quality and places
def _sweeps(options: ValueOfInformation, scenario: Scenario) -> tuple[Sweep, ...]:
    """Return what is made worse about devices, by its own unit."""
    found = []
    for name in ("noise", "delay", "loss", "uptime"):
        values = tuple(sorted(set(getattr(options, name))))
        field = Device.model_fields.get(name)
        extra: Any = field.json_schema_extra if field is not None else {"unit": "share"}
        if values:
            found.append(Sweep(name, values, words(extra["unit"], scenario)))
    return tuple(found)


def _quality(options: ValueOfInformation, bench: Bench) -> Quality:
    """Return what all devices are worth, by the KPI that was asked for or that they are good for."""
    scenario = bench.scenario
    worth = Worth(scenario, options.metric or COST)
    stretch = options.stretch or WEEK[scenario.calendar.period]
    found = Quality(_sweeps(options, scenario), stretch, options.replications, bench, worth)
    cost = interval(found.gain("own"))[1]
    service = replace(worth, metric=SERVICE)
    if options.metric is None and not cost > 0 and interval(found.gain("own", service))[1] > 0:
        found.worth = service
    return found


def _of_quality(quality: Quality, chosen: bool) -> list[str]:
    worth = quality.worth
    metrics = dict.fromkeys([COST, worth.metric] if chosen else [worth.metric])
    both = [replace(worth, metric=metric) for metric in metrics]
    brought = [f"{said(interval(quality.gain('own', w))[:3], w.unit)} by {w.metric}" for w in both]
    found = [f"All devices as they are bring {' and '.join(brought)} against none."]
    for sweep in quality.sweeps:
        rows = quality.frame(sweep).to_dict("records")
        rows = rows[::-1] if sweep.name == "uptime" else rows  # from good to bad
        first, last = (quality.told(row, sweep) for row in (rows[0], rows[-1]))
        gone = next((row[sweep.name] for row in rows if sign(row, "worth") <= 0), None)
        verdict = " at every value tried" if gone is None else f", but no longer at {number(gone)}"
        found.append(
            f"By their {sweep.name} ({sweep.unit}): {worth.metric} is clearly better with them"
            f"{verdict}: {first}; {last}."
        )
    return found


def _alone(rows: Sequence[Mapping[Any, Any]], money: str) -> str:
    """Return at which owner alone devices bring most and at which least, the most first."""
    most, least = (f"{r['adopts']} ({told(r, 'net', money)})" for r in (rows[0], rows[-1]))
    if len(rows) == 1:
        return f"{rows[0]['adopts']} alone they bring {told(rows[0], 'net', money)}"
    if rows[0]["net"] - rows[-1]["net"] <= NOISE:
        return f"one owner alone they bring the same whoever it is ({told(rows[0], 'net', money)})"
    return f"one owner alone they bring most at {most} and least at {least}"


def _of_placement(placement: Placement) -> list[str]:
    k, unit = len(placement.chosen), placement.worth.unit
    names = [placement.devices[d].name for d in placement.chosen]
    frame = placement.frame
    greedy = frame[(frame["way"] == "greedy") & (frame["devices"] == k)].iloc[0]
    every = interval(placement.all)[:3]
    lead = placement.lead(k)
    sure = "clearly more" if lead[1] > 0 else "not clearly more"
    return [
        f"With {k} of {len(placement.devices)} devices, place them at {', '.join(names)}: they bring "
        f"{told(greedy, 'worth', unit)}, {sure} than as many placed by chance (by "
        f"{said(lead, unit)}); all devices bring {said(every, unit)} under the same luck, another one "
        "than that of the sentences before."
    ]

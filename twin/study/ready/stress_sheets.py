"""Tables and pictures of a stress test."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from twin.kpis import KPIS
from twin.result import words
from twin.schema import Scenario
from twin.study.findings import Chart, Sheet
from twin.study.ready.stress_runs import ENDS, Curves

MANY = 25
"""Places in a picture; the tables hold all of them."""

UNITS = {
    "out": "periods", "exposure": "share", "first": "share", "profit_lost": "money",
    "running_cost": "money", "backlog_cost": "money", "lost_sales": "units",
    "late_units": "units", "short": "periods", "lasts": "periods", "lp_tts": "periods", "lp_lost": "units",
    "worth": "money/period", "more": "periods", "cost": "money/period", "since": "periods",
    **{name: str(KPIS[name].extra["unit"]) for name in
       ("loss_area", "tts", "ttr", "survived", "unrecovered", "unserved")},
}  # fmt: skip

FIRST = ("place", "kind", "out", "exposure", "first", "profit_lost")
"""What the table of places begins with: a page shows no more than fits."""

RECOVERY = ("place", "tts", "ttr", "short")
LOSSES = ("place", "loss_area", "lost_sales", "late_units")

BOUNDS = ("place", "out", "lasts", "lp_tts", "unserved", "lp_lost")

PLACES = (
    "One row per site and lane, the worst first. out: how long it is out. exposure: risk exposure "
    "index, profit lost over the most that any place costs (service lost, where profit would "
    "mislead); first: how sure it is the worst. tts: "
    "time to survive, over the replications that fell (survived: share that did not); ttr: time "
    "to recover; short: out less tts. late_units: loss_area times demand. unserved, lasts, lp_tts, "
    "lp_lost: see the linear programmes. worth: value of what goes through it while calm."
)

PROGRAMMES = (
    "lp_tts and lp_lost are what the best that anyone could do survives and loses (empty: for ever). "
    "lasts: whole windows of performance that every replication survives, at most the outage; never "
    "above lp_tts. unserved: units that fall due in the outage and are not delivered by its end, and "
    "units lost in it, against full service; never below lp_lost."
)


def shown(
    scenario: Scenario,
    table: pd.DataFrame,
    drawn: Curves,
    buffers: pd.DataFrame,
    swept: pd.DataFrame | None,
) -> tuple[tuple[Sheet, ...], tuple[Chart, ...]]:
    """Return the sheets and the charts of a stress test.

    Parameters
    ----------
    scenario
        The scenario, for its units.
    table
        One row per outage, the worst first.
    drawn
        Performance of the worst places.
    buffers
        What stock behind them does; may be empty.
    swept
        Outages of other lengths, if any were asked for.
    """
    table, unit = _ordered(table), _units(scenario)
    top = table.head(MANY)
    sheets = [
        Sheet("places", "Sites and lanes, the worst first", table, unit, PLACES),
        Sheet("recovery", "Survival and recovery", _columns(table, RECOVERY), unit),
        Sheet("losses", "What is lost", _columns(table, LOSSES), unit),
        Sheet(
            "programmes", "Beside the linear programmes", _columns(table, BOUNDS), unit, PROGRAMMES
        ),
        Sheet("worst", f"The worst {len(top)} of {len(table)} places", top, unit),
        Sheet("service", "Service of the worst places after the outage begins", _long(drawn), unit),
    ]
    charts = [*_of_places(len(table)), _of_service()]
    if len(buffers):
        sheets.append(Sheet("buffers", "Stock held against the outage", buffers, unit))
        charts.append(_of_buffers())
    if swept is not None:
        kept = swept[swept["place"].isin(top["place"])]
        sheets += [
            Sheet("lengths", "Every place out for different times", swept, unit),
            Sheet("lengths_worst", f"The same of the worst {len(top)} places", kept, unit),
        ]
        charts.append(_of_lengths())
    return tuple(sheets), tuple(charts)


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with what matters most first."""
    first = list(_columns(table, FIRST))
    return table[[*first, *(name for name in table if name not in first)]]


def _columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return columns of a table with the ends of their intervals."""
    return table[[f"{n}{end}" for n in names for end in ENDS if f"{n}{end}" in table]]


def _units(scenario: Scenario) -> dict[str, str]:
    return {f"{n}{end}": words(unit, scenario) for n, unit in UNITS.items() for end in ENDS}


def _long(drawn: Curves) -> pd.DataFrame:
    """Return curves as one row per place and period."""
    parts = [
        pd.DataFrame({"place": name, "since": range(len(curve["mean"])), **curve})
        for name, curve in drawn.items()
    ]
    return pd.concat(parts, ignore_index=True).rename(columns={"mean": "service"})


def _of_places(n: int) -> list[Chart]:
    most = f", the worst {MANY}" if n > MANY else ""
    return [
        Chart(
            "bars", "exposure", f"Risk exposure of each place{most}", "worst", "place",
            "exposure", "exposure_low", "exposure_high", group="kind", zero=True,
            caption="Profit lost while a place is out for its time to recover, over the most that "
            "any place costs; service lost where the answers above say so.",
        ),
        Chart(
            "points", "exposure_and_worth", "Exposure against the value of what goes through",
            "places", "worth", "exposure", "exposure_low", "exposure_high", group="kind",
            label="place", log_x=True,
            caption="Places high up on the left are cheap and dangerous: no list by spend shows "
            "them.",
        ),
        Chart(
            "bars", "survival", f"Time to survive{most}", "worst", "place", "tts", "tts_low",
            "tts_high", group="kind", zero=True,
            caption="From the outage until service falls; what outlasts every outage has no bar.",
        ),
    ]  # fmt: skip


def _of_service() -> Chart:
    return Chart(
        "lines", "service", "Service of the worst places", "service", "since", "service",
        "worst", "best", group="place",
        caption="Mean over the replications; the band goes from the worst to the best of them. "
        "1: as if nothing had happened.",
    )  # fmt: skip


def _of_buffers() -> Chart:
    return Chart(
        "lines", "buffers", "What stock behind a place saves", "buffers", "more", "loss_area",
        "loss_area_low", "loss_area_high", group="place", zero=True,
        caption="Service lost in the same outage when so many periods of demand more are held.",
    )  # fmt: skip


def _of_lengths() -> Chart:
    return Chart(
        "grid", "lengths", "Service lost by length of the outage", "lengths_worst", "out",
        "loss_area", group="place",
        caption="The more a cell stands out from the page, the more service is lost.",
    )  # fmt: skip

"""The answers of a stress test as sentences, every number of them computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from twin.result import number, words
from twin.study.ready.stress_buffers import SURVIVES
from twin.study.ready.stress_runs import Test, costs_profit, judged_by
from twin.study.ready.words import NOISE

QUESTION = (
    "Which site or lane hurts most when it is out for as long as it takes to come back, which of "
    "them nobody would suspect, and what would cover it?"
)

LIMITS = (
    "One place is out at a time, wholly, and comes back at once; the scenario's own disruptions "
    "are left out. Nobody reacts but by the policies and the fallbacks of the scenario.",
    "Times to recover are what was given, for all places alike unless 'own' names them.",
    "The linear programmes know no lead times, lots or rules and start from the mean stock on hand "
    "and on the way: they bound what any policy could do ('lasts' and 'unserved'). The mean time to "
    "survive may lie above, by luck and by what a window of performance takes to notice.",
    "Intervals are over luck within the model; they know nothing of what the model leaves out.",
)


def answers(test: Test, table: pd.DataFrame, buffers: pd.DataFrame) -> tuple[str, ...]:
    """Return the answers, the most important first.

    Parameters
    ----------
    test
        The stress test.
    table
        One row per outage, the worst first.
    buffers
        What stock behind the worst places does; may be empty.
    """
    say = _Say(test, table, buffers)
    return tuple([*say.biggest(), *say.hidden(), *say.covered(), *say.coordination(), *say.calm()])


class _Say:
    """The sentences of one stress test."""

    def __init__(self, test: Test, table: pd.DataFrame, buffers: pd.DataFrame) -> None:
        self.test, self.table, self.buffers = test, table, buffers
        self.periods = words("periods", test.scenario)
        self.money = words("money", test.scenario)
        self.uncovered = table[table["short"] > 0]
        self.behind = self.uncovered[~self.uncovered["sells"]]
        self.by = judged_by(table)

    def biggest(self) -> list[str]:
        """Return the place that costs most, and the one that customers do not see."""
        worst = self.table.iloc[0]
        if not costs_profit(self.table).any() and not (self.table["loss_area"] > NOISE).any():
            return [
                f"No outage is felt ({len(self.table)} tried): nothing is lost and nothing is late. "
                "Ask for longer ones ('duration', 'own')."
            ]
        found = [f"The biggest exposure is {self._cost(worst)}"]
        if worst["sells"] and len(self.behind):
            found.append(
                f"Of the places where no customer is served it is {self._cost(self.behind.iloc[0])}"
            )
        return [*found, *self._by_service()]

    def _by_service(self) -> list[str]:
        """Return why places are not ranked by profit, if they are not."""
        if self.by == "profit_lost":
            return []
        if not costs_profit(self.table).any():
            return ["No outage clearly costs profit; places are ranked by lost service."]
        most = self.table.sort_values("loss_area").iloc[-1]
        return [
            f"An outage of {most['place']}, which loses most service, would gain "
            f"{number(-most['profit_lost'])} {self.money} of profit: too little is paid here for what "
            "is late (see 'backlog_cost', 'lost_sale_cost'). Places are ranked by lost service."
        ]

    def _cost(self, row: Any) -> str:
        sure = f" (the worst in {100 * row['first']:.0f} % of resamples)"
        sure = sure if row[f"{self.by}_low"] < row[f"{self.by}_high"] else ""
        profit = f"{self._ends(row, 'profit_lost')} {self.money} of profit and "
        return (
            f"{row['place']}: out for {self._many(row['out'])} it costs "
            f"{profit if self.by == 'profit_lost' else ''}"
            f"{self._ends(row, 'loss_area')} {self.periods} of service{sure}. "
            f"{self._survival(row)}"
        )

    def _survival(self, row: Any) -> str:
        if np.isnan(row["tts"]):
            return "It outlasts every such outage."
        back = "does not recover"
        if not np.isnan(row["ttr"]):
            level = number(100 * self.test.recovery)
            after = f"{self._ends(row, 'ttr')} {self.periods}"
            back = f"is back at {level} % of undisturbed service for good after {after}"
            if row["unrecovered"] > 0:
                share = number(100 * row["unrecovered"])
                back += f", without the {share} % of its runs that end before they are"
        return f"It survives {self._ends(row, 'tts')} {self.periods} and {back}."

    def hidden(self) -> list[str]:
        """Return the dangerous place that no list by value shows."""
        table = self.table[self.table["worth"] > 0]
        if len(table) < 4 or not len(self.behind):
            return []
        half = float(table["worth"].median())
        cheap = self.behind[(self.behind["worth"] < half) & (self.behind["worth"] > 0)]
        most = table["worth"].max()
        cheap = cheap[cheap["exposure_low"].fillna(cheap["exposure"]) > cheap["worth"] / most]
        found = []
        if len(cheap):
            row = cheap.iloc[0]
            share = row["worth"] / most
            found.append(
                f"Hidden: {row['place']} moves {100 * share:.2g} % of the value of the busiest "
                f"place, yet its exposure is {self._ends(row, 'exposure', 100)} % of the largest: "
                f"it survives {number(row['tts'])} of {self._many(row['out'])}."
            )
        rank = table["worth"].rank().corr(table["exposure"].rank())
        if np.isfinite(rank):
            found.append(
                f"Value and exposure go together with a rank correlation of {rank:.2f} over "
                f"{len(table)} places (1: a list by value shows the danger, 0: it shows nothing)."
            )
        return found

    def covered(self) -> list[str]:
        """Return what stock would cover the worst places where stock can be held."""
        if not len(self.buffers):
            short, able = len(self.behind), "stock point whose policy could hold more."
            if short > 1:
                return [f"Of the {short} places without customers that survive less than their outage "
                        f"none sends to a {able}"]  # fmt: skip
            one = "The one place without customers that survives less than its outage sends to no"
            return [f"{one} {able}"] if short else []
        names = dict.fromkeys(self.buffers["place"])
        return [self._cover(n, self.buffers[self.buffers["place"] == n]) for n in names]

    def _cover(self, name: str, rows: pd.DataFrame) -> str:
        before = self.table[self.table["place"] == name].iloc[0]
        enough = rows[rows["survived"] >= SURVIVES]
        row = (enough if len(enough) else rows).iloc[0 if len(enough) else -1]
        money = words("money/period", self.test.scenario)
        did = "would cover" if len(enough) else "would not wholly cover"
        return (
            f"Stock for {self._many(row['more'], 'more ')} at {row['points']} {did} an outage of "
            f"{name}, which is {self._many(before['short'])} short: service lost falls from "
            f"{self._ends(before, 'loss_area')} to {self._ends(row, 'loss_area')} {self.periods}, "
            f"for {self._ends(row, 'cost')} {money} while nothing happens."
        )

    def coordination(self) -> list[str]:
        """Return where better planning, without more stock, would do."""
        free = self.uncovered[(self.uncovered["lp_lost"] < 0.5) & ~self.uncovered["sells"]]
        if not len(free):
            return []
        names = ", ".join(free["place"].head(3))
        more = f" and {len(free) - 3} more" if len(free) > 3 else ""
        return [
            f"{len(free)} of the {len(self.uncovered)} places that survive too briefly would lose "
            f"nothing if stock and sources were planned at once ({names}{more}): their loss is one "
            "of rules, not of stock."
        ]

    def calm(self) -> list[str]:
        """Return how many outages customers hardly ever notice."""
        safe = int((self.table["survived"] >= SURVIVES).sum())
        return [
            f"{safe} of {len(self.table)} places survive their outage in {100 * SURVIVES:.0f} % of the "
            "luck or more: service never falls below the level of failure."
            if len(self.table) > 1
            else f"{'It' if safe else 'Not even it'} survives its outage."
        ]

    def _many(self, n: float, word: str = "") -> str:
        """Return a number of periods: ``1 day``, ``12.5 days``, ``3 more days``."""
        told, one = number(n), self.test.scenario.calendar.period
        return f"{told} {word}{one if told == '1' else self.periods}"

    def _ends(self, row: Any, name: str, times: float = 1.0) -> str:
        value, low, high = (times * row[f"{name}{end}"] for end in ("", "_low", "_high"))
        if np.isnan(low) or low == high:
            return number(value)
        return f"{number(value)} [{number(low)} to {number(high)}]"

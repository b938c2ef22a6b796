"""What an optimisation can be asked, declared once for those who fill in a form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from twin.errors import RunError
from twin.kpis import KPIS
from twin.optimise.goal import AIM, Goal
from twin.optimise.options import CHOICES, known
from twin.schema import Model
from twin.schema.base import Name, param
from twin.validate import checked

_BOUND = re.compile(r"\s*(\w[\w ]*?)\s*(>=|<=|≥|≤)\s*([-+.\deE]+)\s*(%?)\s*")


class Asked(Model):
    """Where to decouple, how much to hold and which source first, so that it costs the least."""

    require: str = param(
        "", "bounds that must be kept, such as on time >= 95 %; several with commas between them"
    )
    levers: list[str] = param(lambda: list(CHOICES), "what may change")
    aim: str = param(AIM, "what is made as good as can be")
    budget: int | None = param(
        None, "most candidates that are tried; default: by the number of levers", ge=1
    )
    families: list[Name] | None = param(
        None, "families whose decoupling points may move; default: all"
    )
    penalty: float = param(
        Goal.penalty, "cost of each unit that is not on time, on top of the aim", unit="money/unit",
        ge=0,
    )  # fmt: skip
    replications: int | None = param(
        None, "draws of luck of the last comparison; default: the scenario's", ge=1, le=1_000_000
    )
    seed: int | None = param(None, "the luck; default: the scenario's", ge=0, le=2**63 - 1)


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as arguments of :func:`twin.optimise.optimise`.

    Parameters
    ----------
    given
        Value by name of :class:`Asked`; what is left out is not among the arguments.

    Raises
    ------
    ScenarioError, RunError
        If an option is unknown or not allowed.
    """
    asked = checked(Asked, given, "optimise")
    known(asked.levers)
    told = {key: getattr(asked, key) for key in given}
    if "require" in told:
        texts = [text for text in asked.require.split(",") if text.strip()]
        told["require"] = bounds(texts, "require")
    Goal(asked.aim, told.get("require", {}), asked.penalty)  # says what is wrong with it
    return told


def bounds(texts: Sequence[str], name: str) -> dict[str, float]:
    """Return bounds that were typed, by KPI: ``on_time>=0.95``, ``on time >= 95 %``.

    Parameters
    ----------
    texts
        One each.
    name
        What they were typed for, for messages.

    Raises
    ------
    RunError
        If one cannot be read, or is an upper bound of what should be high.
    """
    found = {}
    for text in texts:
        parts = _BOUND.fullmatch(text)
        number = _number(parts[3], parts[4]) if parts else None
        if parts is None or number is None:
            msg = f"{name} '{text}': must be KPI>=NUMBER or KPI<=NUMBER, such as 'on_time>=0.95'"
            raise RunError(msg)
        kpi, sign = (
            parts[1].replace(" ", "_").lower(),
            parts[2].replace("≥", ">=").replace("≤", "<="),
        )
        if kpi in KPIS and (sign == ">=") != (KPIS[kpi].extra["better"] == "higher"):
            right = ">=" if sign == "<=" else "<="
            more = "more" if right == ">=" else "less"
            msg = (
                f"{name} '{text}': {more} {kpi} is better, write '{kpi}{right}{parts[3]}{parts[4]}'"
            )
            raise RunError(msg)
        found[kpi] = number
    return found


def _number(text: str, percent: str) -> float | None:
    try:
        return float(text) / (100 if percent else 1)
    except ValueError:
        return None

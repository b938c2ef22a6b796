"""What a study file may say: every key declared once, with its default, unit, range and meaning."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import field_validator, model_validator

from twin.schema import Disruption, Model
from twin.schema.base import Name, param

COLUMNS = (
    "point", "base", "metric", "unit", "mean", "low", "high", "half_width", "n", "replications",
    "reached", "replication", "value",
)  # fmt: skip
"""Columns of the results beside the factors, whose names they therefore may not be."""


class Factor(Model):
    """One thing that is varied: a value by dotted key, a decoupling point, or a choice of changes."""

    key: str | list[str] | None = param(
        None, "dotted key that takes the value, as `--set` has it; or several"
    )
    family: Name | None = param(
        None, "product family whose decoupling point is moved, instead of 'key'"
    )
    options: dict[str, dict[str, Any]] | None = param(
        None, "changes by dotted key for each label, instead of 'key' and 'values'"
    )
    values: list[Any] | None = param(
        None, "values to take (of a family: stages; left out: every valid position)"
    )
    low: float | None = param(None, "lowest value of a range, instead of 'values'")
    high: float | None = param(None, "highest value of a range")
    whole: bool = param(False, "whole numbers only")
    log: bool = param(False, "spread the range evenly in its logarithm")
    levels: int = param(2, "values of a range in a grid and one at a time", ge=2, le=1000)

    @model_validator(mode="after")
    def _one_subject(self) -> Factor:
        given = [name for name in ("key", "family", "options") if getattr(self, name) is not None]
        if len(given) != 1:
            msg = f"has {' and '.join(given) or 'neither'}; give one of key, family, options"
            raise ValueError(msg)
        if self.key == [] or self.options == {} or self.values == []:
            msg = "an empty list varies nothing; fill it or leave the factor out"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _one_source_of_values(self) -> Factor:
        ranged = self.low is not None or self.high is not None
        if ranged and (self.low is None or self.high is None or self.low >= self.high):
            msg = f"a range from {self.low} to {self.high}; give low and high with low < high"
            raise ValueError(msg)
        sources = ranged + (self.values is not None) + (self.options is not None)
        if sources > 1 or (sources == 0 and self.family is None):
            msg = "give its values, a range (low, high) or options, and one of them only"
            raise ValueError(msg)
        if self.whole and ranged and math.ceil(self.low or 0) > math.floor(self.high or 0):
            msg = f"whole: no whole number lies from {self.low} to {self.high}; widen the range"
            raise ValueError(msg)
        if self.log and not (self.low is not None and self.low > 0):
            msg = "log: only a range above 0 has a logarithm; set low above 0 or leave log out"
            raise ValueError(msg)
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Dotted keys that take the factor's value; none if it is a choice of changes."""
        if self.family is not None:
            return (f"families.{self.family}.decoupling_point",)
        return (
            () if self.key is None else (self.key,) if isinstance(self.key, str) else (*self.key,)
        )


class Design(Model):
    """Which combinations of the factors' values are run; the base comes first in any case."""

    kind: Literal["grid", "latin_hypercube", "sobol", "list", "one_at_a_time"] = param(
        "grid", "how the combinations are chosen"
    )
    points: int | None = param(
        None, "combinations drawn (latin_hypercube, sobol: a power of 2)", ge=1, le=1_000_000
    )
    runs: list[dict[str, Any]] | None = param(
        None, "the combinations (list): value by factor; what is left out stays as in the base"
    )

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Design:
        needs = {"latin_hypercube": "points", "sobol": "points", "list": "runs"}.get(self.kind)
        for name in ("points", "runs"):
            given = getattr(self, name) is not None
            if self.runs == []:
                msg = "an empty list runs nothing but the base; fill it, or use `twin run`"
                raise ValueError(msg)
            if given != (name == needs):
                what = f"'{self.kind}' does not use '{name}', remove it"
                what = f"'{self.kind}' needs '{name}'; add it" if name == needs else what
                raise ValueError(what)
        if self.kind == "sobol" and self.points is not None and self.points & (self.points - 1):
            msg = f"points = {self.points}; Sobol points balance in powers of 2 only (64, 128, ...)"
            raise ValueError(msg)
        return self


class Until(Model):
    """Replications are added in blocks until the interval of one KPI is narrow enough.

    The number is looked at after each block and the run stops at the first interval that happens
    to be narrow; such intervals cover a little less often than 95 % (Chow & Robbins 1965, Ann.
    Math. Statist. 36: 457-462: exactly 95 % only as the target goes to 0). ``minimum`` guards
    against stopping on a few replications that happen to be alike.
    """

    kpi: str = param(..., "KPI whose interval is looked at")
    half_width: float = param(..., "half width of its 95 % interval to reach, in its unit", gt=0)
    minimum: int = param(32, "fewest replications", ge=8, le=1_000_000)
    maximum: int = param(512, "most replications, reached or not", ge=8, le=1_000_000)
    block: int = param(32, "replications added at a time", ge=1, le=10_000)

    @model_validator(mode="after")
    def _in_order(self) -> Until:
        if self.minimum > self.maximum:
            msg = f"minimum = {self.minimum}; must be at most maximum ({self.maximum})"
            raise ValueError(msg)
        return self


class StudyFile(Model):
    """A study: a scenario, what is varied about it, and what is wanted of each run."""

    name: Name = param("study", "short name")
    title: str = param("", "one line for people")
    description: str = param("", "the question, and what is assumed")
    scenario: str = param("", "base scenario: a file beside this one, or a name of `twin list`")
    set: dict[str, Any] = param(dict, "changes of the scenario for all runs, by dotted key")
    disruptions: list[Disruption] = param(
        list, "disruptions added for all runs; factors reach them as disruptions.NAME.duration"
    )
    factors: dict[Name, Factor] = param(..., "what is varied, by a name of your choice")
    design: Design = param(lambda: Design(), "which combinations are run")
    base: dict[str, Any] = param(
        dict, "value by factor of the base run; what is left out stays as the scenario has it"
    )
    replications: int | None = param(
        None, "draws of luck of each run; default: the scenario's", ge=1, le=1_000_000
    )
    until: Until | None = param(None, "a precision to reach, instead of 'replications'")
    outputs: list[str] = param(
        lambda: ["running_cost", "on_time"], "KPIs that are kept (`twin run SCENARIO --all`)"
    )
    seed: int | None = param(
        None, "the luck, the same for all runs; default: the scenario's", ge=0, le=2**63 - 1
    )
    part: int | None = param(
        None, "design points per file of results; default: by their size", ge=1, le=100_000
    )

    @field_validator("factors")
    @classmethod
    def _factors_have_names_of_their_own(cls, given: dict[str, Factor]) -> dict[str, Factor]:
        if not given:
            msg = "is empty; give at least one factor, or use `twin run`"
            raise ValueError(msg)
        for name in given:
            if name in COLUMNS:
                msg = f"'{name}' is a column of the results already; choose another name"
                raise ValueError(msg)
        return given

    @model_validator(mode="after")
    def _luck_is_shared(self) -> StudyFile:
        if self.replications is not None and self.until is not None:
            msg = "gives both replications and until; keep one"
            raise ValueError(msg)
        for key in ("seed", "replications"):
            if key in self.set:
                msg = f"set[{key}]: give '{key}' as a key of the study itself, for all runs alike"
                raise ValueError(msg)
        if not self.outputs:
            msg = "outputs is empty; name at least one KPI"
            raise ValueError(msg)
        return self

"""What calibration leaves in a scenario: a sample of the values it is not sure of."""

from __future__ import annotations

from pydantic import model_validator

from twin.schema.base import Model, param


class Posterior(Model):
    """Draws of estimated values: each replication of a run takes one, so that bands carry both."""

    draws: dict[str, list[float | str]] = param(
        dict, "values by dotted key, one per draw; replication k takes draw k mod their number"
    )
    prior: dict[str, tuple[float, float]] = param(
        dict, "range in which each was looked for, by dotted key"
    )
    data: str = param("", "hash of the events that it rests on")
    seed: int = param(0, "the luck of the calibration", ge=0)
    version: str = param("", "version of the twin that made it")

    @property
    def size(self) -> int:
        """Number of draws."""
        return len(next(iter(self.draws.values()), ()))

    @model_validator(mode="after")
    def _equally_long(self) -> Posterior:
        sizes = {len(values) for values in self.draws.values()}
        if len(sizes) > 1 or 0 in sizes:
            msg = f"lists of {', '.join(map(str, sorted(sizes)))} draws; all need the same number, at least 1"
            raise ValueError(msg)
        return self

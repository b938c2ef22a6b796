"""What may be hidden at a stock point, and where it is looked for.

The range of every hidden quantity is the slider range that the scenario's schema declares for it,
wider where what was seen of the stock point lies beyond it (who keeps stock for a month).
What a policy takes for its protection interval is looked for about the one that
its lead time gives. Quantities in units grow with the stock point: their range ends where the largest safety factor of
its slider would put them (levels), at the longest review period's demand (lots), or at the mean
demand (losses: no more is lost than is asked for, and than counts leave room for).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import qmc

from calibration.infer.alike import asin, exp, log, sin
from twin.schema.behaviour import Forecast, Policy, StockRule

Floats = npt.NDArray[np.float64]

SHRINK = "shrink"
COVER = "policy.cover"
SHARED = (SHRINK,)
"""Hidden quantities that the kernel keeps once for all replications (see simulate)."""

_LOG_RATIO = 20.0
_COVERS = (0.5, 1.5)
_BEYOND = 1.25  # of what was seen: as far as a range reaches at least


class Scale(NamedTuple):
    """Size of a stock point: mean and sd of demand per period (units), lead time and review.

    ``cover`` is the protection interval that its policy is thought to reckon with, in periods;
    ``lost`` the most units a period that counts let vanish. What was seen of it, in units, 0 where
    nothing was: ``position``, the mean inventory position after ordering, ``most``, the highest, and
    ``order``, the largest order. ``noise`` is the sd of what its forecast sees.
    """

    mean: float
    sd: float
    lead: float
    review: int = 1
    cover: float = 0.0
    lost: float = math.inf
    position: float = 0.0
    most: float = 0.0
    order: float = 0.0
    noise: float = 0.0

    def level(self, factor: float) -> float:
        """Return mean demand over the protection interval plus ``factor`` safety stocks, units."""
        interval = self.lead + self.review
        return float(self.mean * interval + factor * self.sd * np.sqrt(interval))

    @property
    def factor(self) -> float:
        """The safety factor that keeps the position that was seen, by a forecast that is right."""
        if self.noise <= 0 or self.position <= 0:
            return 0.0
        interval = max(1.0, self.cover)
        return float((self.position - self.mean * interval) / (self.noise * np.sqrt(interval)))


class Hidden(NamedTuple):
    """One hidden quantity: its place below a stock rule, and the range it is looked for in.

    Of several stock points together, that of the stock point and a space come first.
    """

    name: str
    low: float
    high: float

    @property
    def place(self) -> str:
        """The place below a stock rule alone."""
        return self.name.rpartition(" ")[2]

    @property
    def log(self) -> bool:
        """Whether the range is looked at evenly in its logarithm: where its ends are far apart."""
        return bool(self.low > 0 and self.high / self.low >= _LOG_RATIO)

    def values(self, u: Floats) -> Floats:
        """Return the values at shares ``u`` (0 to 1) of the range, same shape."""
        if self.log:
            return np.asarray(self.low * exp(math.log(self.high / self.low) * u))
        return np.asarray(self.low + (self.high - self.low) * u)

    def shares(self, values: Floats) -> Floats:
        """Return where in the range values lie, 0 to 1, same shape."""
        if self.log:
            return np.asarray(log(values / self.low) / math.log(self.high / self.low))
        return np.asarray((values - self.low) / (self.high - self.low))


class Kind(NamedTuple):
    """One way of ordering: the policy as in a scenario, and what is hidden of it."""

    policy: Mapping[str, Any]
    hidden: tuple[str, ...]
    forecast: bool = False


KINDS: Mapping[str, Kind] = {
    "base_stock": Kind({"kind": "base_stock"}, ("policy.level",)),
    "base_stock_forecast": Kind(
        {"kind": "base_stock"}, ("policy.safety_factor", "forecast.smoothing"), True
    ),
    "s_S": Kind({"kind": "s_S"}, ("policy.reorder_point", "policy.lot")),
    "s_S_forecast": Kind(
        {"kind": "s_S"}, ("policy.safety_factor", "policy.lot", "forecast.smoothing"), True
    ),
    "r_Q": Kind({"kind": "r_Q"}, ("policy.reorder_point", "policy.lot")),
    "r_Q_forecast": Kind(
        {"kind": "r_Q"}, ("policy.safety_factor", "policy.lot", "forecast.smoothing"), True
    ),
    "human": Kind(
        {"kind": "human"},
        ("policy.level", "policy.smoothing", "policy.adjustment", "policy.supply_line"),
    ),
    "order_driven": Kind({"kind": "order_driven"}, ()),
}
"""The ways of ordering that are told apart, by name."""


@dataclass(frozen=True)
class Prior:
    """Independent hidden quantities of one kind of ordering at one stock point.

    Attributes
    ----------
    kind
        A key of :data:`KINDS`.
    hidden
        The quantities, in the order of the columns of all arrays of values.
    fixed
        Value of what is known and would else be hidden, by name.
    box
        Part of each range that is looked into, as shares of it; empty: all. Shares of a prior with
        a box are shares of the box.
    """

    kind: str
    hidden: tuple[Hidden, ...]
    fixed: Mapping[str, float] = field(default_factory=dict)
    box: tuple[tuple[float, float], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(h.name for h in self.hidden)

    @property
    def shared(self) -> list[int]:
        """Columns that the kernel keeps once for all replications."""
        return [i for i, h in enumerate(self.hidden) if h.place in SHARED]

    def whole(self, shares: Floats) -> Floats:
        """Return shares of the whole ranges at shares of the box, both ``(N, d)``."""
        if not self.box:
            return shares
        low, high = np.array(self.box).T
        return np.asarray(low + (high - low) * shares)

    def values(self, shares: Floats) -> Floats:
        """Return values at shares, both ``(N, d)``."""
        at = self.whole(shares)
        columns = [h.values(at[:, i]) for i, h in enumerate(self.hidden)]
        return np.stack(columns, axis=1) if columns else np.empty(shares.shape)

    def shares(self, values: Floats) -> Floats:
        """Return the shares at which values lie, both ``(N, d)``."""
        columns = [h.shares(values[:, i]) for i, h in enumerate(self.hidden)]
        at = np.stack(columns, axis=1) if columns else np.empty(values.shape)
        if not self.box:
            return at
        low, high = np.array(self.box).T
        return np.asarray((at - low) / (high - low))

    def design(self, n: int, seed: int, per: int = 1) -> Floats:
        """Return ``n`` shares that fill the ranges evenly (scrambled Sobol points), ``(n, d)``.

        Columns that are shared change only every ``per`` rows.
        """
        d = len(self.hidden)
        if d == 0:
            return np.empty((n, 0))
        found = _sobol(n, d, seed)
        if per > 1 and self.shared:
            slow = _sobol(-(-n // per), len(self.shared), seed + 1)
            found[:, self.shared] = np.repeat(slow, per, axis=0)[:n]
        return found


def prior_of(
    kind: str,
    scale: Scale,
    *,
    also: Sequence[str] = (SHRINK,),
    fixed: Mapping[str, float] | None = None,
) -> Prior:
    """Return the prior of a kind of ordering at a stock point.

    Parameters
    ----------
    kind
        A key of :data:`KINDS`.
    scale
        Size of the stock point.
    also
        What is hidden besides the policy: ``shrink``, ``policy.cover`` (of those that forecast).
    fixed
        Value of what is known after all, by name; it is not looked for.
    """
    known = dict(fixed or {})
    names = [n for n in (*KINDS[kind].hidden, *also) if n not in known]
    names = [n for n in names if n != COVER or KINDS[kind].forecast]
    return Prior(kind, tuple(_hidden(name, scale) for name in names), known)


def to_angle(shares: Floats) -> Floats:
    """Return shares of a range as angles, 0 to a quarter turn, where draws are adjusted; same shape.

    In the middle that is nearly a line, and what is moved beyond an end comes back from it
    (:func:`from_angle`), so that no share leaves its range and none is far from all others.
    """
    return np.asarray(asin(np.sqrt(np.clip(shares, 0.0, 1.0))))


def from_angle(x: Floats) -> Floats:
    """Return the shares of the range that belong to angles; same shape."""
    return np.asarray(sin(x) ** 2)


def slider(name: str) -> tuple[float, float]:
    """Return the slider range that the schema declares for a hidden quantity."""
    low, high = _field(name).json_schema_extra["slider"]
    return float(low), float(high)


def bounds(name: str) -> tuple[float, float]:
    """Return what the schema allows a hidden quantity to be."""
    limits = _field(name).metadata
    low = next(float(x.ge) for x in limits if hasattr(x, "ge"))
    return low, next(float(x.le) for x in limits if hasattr(x, "le"))


def _field(name: str) -> Any:
    owner, _, key = name.rpartition(".")
    model: Any = {"policy": Policy, "forecast": Forecast}.get(owner, StockRule)
    return model.model_fields[key]


def _hidden(name: str, scale: Scale) -> Hidden:
    low, high = (0.0, 0.0) if name == COVER else slider(name)
    if name in ("policy.level", "policy.reorder_point"):
        high = max(scale.level(slider("policy.safety_factor")[1]), _BEYOND * scale.most)
    elif name == "policy.lot":
        low, high = (scale.mean * periods for periods in slider("policy.review"))
        high = max(high, _BEYOND * scale.order)
    elif name == "policy.safety_factor":
        least, most = bounds(name)
        low = max(least, min(low, _BEYOND * scale.factor))
        high = min(most, max(high, _BEYOND * scale.factor))
    elif name == COVER:
        low, high = _COVERS[0] * scale.cover, _COVERS[1] * scale.cover
    elif name == SHRINK:
        high = min(high, scale.mean, scale.lost)
    return Hidden(name, float(low), float(high))


def _sobol(n: int, d: int, seed: int) -> Floats:
    points = qmc.Sobol(d, rng=np.random.default_rng(seed)).random_base2(
        max(0, (n - 1).bit_length())
    )
    return np.asarray(points[:n], dtype=np.float64)

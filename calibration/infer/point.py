"""All that is inferred of one stock point: way of ordering, values, fit, and a held-out check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibration.infer.abc import Inference, Weighted, choose
from calibration.infer.cut import Cut
from calibration.infer.identify import Identified, borrow, identify, kept
from calibration.infer.misfit import LEVEL, REPLICATES, misfit
from calibration.infer.prior import KINDS, Hidden, Prior, prior_of
from calibration.infer.rounds import SIMULATIONS, learn_here
from calibration.infer.simulate import PER, Problem, reference, simulate
from calibration.infer.summaries import SUMMARIES, WARM, Series, blurred
from calibration.posterior import DRAWS, Finding
from calibration.scores import crps

Floats = npt.NDArray[np.float64]

HELD_OUT = 0.2
"""Share of the record, at its end, that the held-out check predicts."""

THIN = 30
"""Orders below which a stock point borrows from others of its class."""

_AGAIN = 7_919  # from the luck of the first attempt to that of the second
_LENDERS = 3
_OF_EACH = 512  # simulations of each kind of ordering, to choose among them
_PLAIN = 0.005  # p-value above which nothing hidden is needed
_TIE = 0.8  # kinds at least this likely, next to the likeliest, are a tie
_CLEAR = 0.5  # a kind at least this likely needs no remark
_BAND = (0.05, 0.95)
_FAILS = (0.05, 2.0)  # coverage of the held-out part, and CRPS over that of a guess
_TOUCH = 1e-6  # share of mean demand that still counts as inside a band of no width


class HeldOut(NamedTuple):
    """How well the last part of the record was predicted from what came before it.

    Attributes
    ----------
    periods
        Periods predicted.
    coverage
        Share of them whose stock by the books lay in its 90 % band.
    crps, baseline
        Mean CRPS of that stock, and of a guess from the stock seen before, both in units.
    orders
        Place of the units ordered in all among the predictions, 0 to 1.
    """

    periods: int
    coverage: float
    crps: float
    baseline: float
    orders: float

    @property
    def fails(self) -> bool:
        """Whether nearly nothing lay in its band, and a guess was far better."""
        return self.coverage <= _FAILS[0] and 0 < _FAILS[1] * self.baseline < self.crps


@dataclass(frozen=True)
class PointResult:
    """What was inferred of one stock point; plain data, so that it can be kept and taken up.

    Attributes
    ----------
    name
        ``site/item``.
    reason
        Why nothing could be inferred; then all else is empty.
    kind, kinds
        The likeliest way of ordering, and how likely each is.
    review, phase
        Periods between orders, and the first of them.
    identified
        What is known of each hidden quantity.
    orders
        Orders that it placed.
    draws
        Posterior draws by place below a stock rule, spread as the prior where not identified;
        those of equal number belong together.
    ranges
        Range of the prior, by the same places.
    p_value, worst
        Of the misfit check, and the summaries that fit worst with their distance in sd.
    pit
        Place of each summary among replicates, by name: the second witness.
    tenths
        What places of a right model do (:class:`calibration.infer.misfit.Misfit`), ``(10, 2)``.
    held_out
        The held-out check.
    forecast
        Forecast settings that the policy needs, as in a scenario.
    cover
        Protection interval that the scenario gives; None: it follows from the lead time.
    notes
        What to be careful about.
    """

    name: str
    reason: str = ""
    kind: str = ""
    kinds: Mapping[str, float] = field(default_factory=dict)
    review: int = 1
    phase: int = 0
    identified: Sequence[Identified] = ()
    orders: int = 0
    draws: Mapping[str, Sequence[float]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    p_value: float = float("nan")
    worst: Sequence[tuple[str, float]] = ()
    pit: Mapping[str, float] = field(default_factory=dict)
    tenths: Sequence[Sequence[float]] = ()
    held_out: HeldOut | None = None
    forecast: Mapping[str, Any] = field(default_factory=dict)
    cover: float | None = None
    notes: Sequence[str] = ()

    @property
    def misfits(self) -> bool:
        """Whether the model does not fit, so that its values must not be trusted.

        By the misfit check, or as what came after the first part of the record lies outside all that
        was predicted of it: a rule whose value is beyond where it was looked for passes the former.
        """
        return self.p_value <= LEVEL or (self.held_out is not None and self.held_out.fails)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data = dict(vars(self))
        data["identified"] = [row._asdict() for row in self.identified]
        data["held_out"] = None if self.held_out is None else self.held_out._asdict()
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PointResult:
        """Return the result that :meth:`to_dict` wrote."""
        known = dict(data)
        known["identified"] = [Identified(**row) for row in data["identified"]]
        known["held_out"] = None if data["held_out"] is None else HeldOut(**data["held_out"])
        known["ranges"] = {k: (v[0], v[1]) for k, v in data["ranges"].items()}
        known["worst"] = [(w[0], w[1]) for w in data["worst"]]
        return cls(**known)

    def finding(self, first: int, below: bool = False) -> Finding:
        """Return its stock rule and draws.

        Parameters
        ----------
        first
            Number of the record's first period.
        below
            Whether it lies below the decoupling point: if it orders what it is asked for, that is
            why, and what it would do by itself was not seen and stays as the scenario has it.
        """
        site, _, item = self.name.partition("/")
        rule: dict[str, Any] = {"where": {"site": site, "item": item}}
        if not (below and self.kind == "order_driven"):
            rule["policy"] = dict(KINDS[self.kind].policy) | {
                "review": self.review,
                "phase": (self.phase + first) % self.review,
            }
        rule["forecast"] = dict(self.forecast)
        for place, values in self.draws.items():
            owner, _, key = place.rpartition(".")
            (rule[owner] if owner else rule)[key] = float(np.mean(values))
        if not KINDS[self.kind].forecast:
            del rule["forecast"]
        elif self.cover is not None:
            rule["policy"]["cover"] = self.cover
        return Finding(rule, self.draws, self.ranges)


def pooled(points: Sequence[PointResult], classes: Sequence[str], seed: int) -> list[PointResult]:
    """Let stock points with few orders borrow from others of their class that order the same way.

    Parameters
    ----------
    points
        All results.
    classes
        Class of each stock point, such as its stage.
    seed
        Of the draws.
    """
    return [
        _borrowing(point, [
            other for other, theirs in zip(points, classes, strict=True)
            if theirs == mine and other.kind == point.kind and other.orders >= THIN
        ], seed) if point.draws and 0 < point.orders < THIN else point
        for point, mine in zip(points, classes, strict=True)
    ]  # fmt: skip


def _borrowing(point: PointResult, others: Sequence[PointResult], seed: int) -> PointResult:
    """Return a thin stock point's result, drawn towards at least :data:`_LENDERS` others."""
    others = [other for other in others if list(other.draws) == list(point.draws)]
    if len(others) < _LENDERS:
        return point
    prior = Prior(point.kind, tuple(Hidden(n, *point.ranges[n]) for n in point.draws))
    mine, *theirs = (_sample(one) for one in (point, *others))
    found = borrow(mine, theirs)
    values = prior.values(found.draws(DRAWS, seed))
    return replace(
        point,
        identified=identify(prior, found),
        draws=dict(zip(prior.names, values.T.tolist(), strict=True)),
        notes=[
            *point.notes,
            f"{point.orders} orders only: drawn towards {len(others)} others alike",
        ],
    )


def _sample(point: PointResult) -> Weighted:
    """Return the draws of a result as shares of their ranges."""
    hidden = [Hidden(n, *point.ranges[n]) for n in point.draws]
    columns = [h.shares(np.array(point.draws[h.name])) for h in hidden]
    return Weighted(np.clip(np.stack(columns, axis=1), 0, 1), np.full(DRAWS, 1 / DRAWS))


def infer(
    cut: Cut,
    *,
    seed: int,
    simulations: int = SIMULATIONS,
    kinds: Sequence[str] = tuple(KINDS),
    tick: Callable[[int], None] | None = None,
) -> PointResult:
    """Infer what is hidden of one stock point.

    Parameters
    ----------
    cut
        The stock point by itself (:func:`calibration.infer.cut.cut`).
    seed
        The luck.
    simulations
        Of each round.
    kinds
        Ways of ordering to choose among, keys of :data:`calibration.infer.prior.KINDS`.
    tick
        Called with the number of simulations done after each block; may raise to stop.

    What does not fit is tried once more, with other luck and twice as many simulations: it may have
    been the learning that missed. A model that is wrong does not fit then either. Where orders allow
    another review period, that is tried then.
    """
    found = _attempt(cut, seed, simulations, kinds, tick)
    if not found.misfits:
        return found
    again = _attempt(cut.instead or cut, seed + _AGAIN, 2 * simulations, kinds, tick)
    return again if not again.misfits or again.p_value > found.p_value else found


def _attempt(
    cut: Cut, seed: int, simulations: int, kinds: Sequence[str],
    tick: Callable[[int], None] | None,
) -> PointResult:  # fmt: skip
    if cut.problem is None or cut.observed is None or cut.scale is None:
        return PointResult(cut.name, reason=cut.reason)
    problem = cut.problem
    observed = blurred(problem.look(cut.observed), seed)[0]
    priors = {kind: _prior(kind, cut) for kind in kinds}
    likely = _likely(problem, priors, observed, seed, tick)
    most = max(likely.values())
    close = [kind for kind in kinds if likely[kind] >= _TIE * most]
    best = min(close, key=lambda kind: (len(priors[kind].hidden), -likely[kind]))  # the plainest
    prior = priors[best]
    end = int(len(problem.demand) * (1 - HELD_OUT))
    whole, before = learn_here(
        problem, prior, observed, seed=seed, end=end, simulations=simulations, tick=tick
    )
    result = PointResult(
        name=cut.name,
        kind=best,
        kinds=likely,
        review=problem.review,
        phase=problem.phase,
        orders=int((cut.observed.order > 0).sum()),
        ranges={h.name: (h.low, h.high) for h in prior.hidden},
        held_out=_held_out(cut, problem, before, end, seed + 2),
        forecast=dict(cut.forecast),
        cover=cut.cover,
        notes=_notes(cut, likely[best]),
    )
    return _with_posterior(result, problem, whole, observed, seed)


def _with_posterior(
    result: PointResult, problem: Problem, inference: Inference, observed: Floats, seed: int
) -> PointResult:
    """Return a result with draws, what they tell, and how well replicates of them fit."""
    prior, names = inference.prior, list(SUMMARIES)
    posterior = inference.posterior(observed)
    made = reference(problem, prior, posterior.draws(REPLICATES, seed), seed=seed + 1, per=1)
    fit = misfit(observed, made)
    drawn = kept(prior, posterior, DRAWS, seed)
    return replace(
        result,
        identified=identify(prior, posterior),
        draws=dict(zip(prior.names, drawn.T.tolist(), strict=True)),
        p_value=fit.p_value,
        worst=[(names[i], gap) for i, gap in fit.worst],
        pit=dict(zip(names, fit.pit.tolist(), strict=True)),
        tenths=fit.tenths.tolist(),
    )


def _prior(kind: str, cut: Cut) -> Prior:
    assert cut.problem is not None
    assert cut.scale is not None
    forecast = cut.problem.settings.get("forecast", {})
    averaged = forecast.get("kind") == "moving_average"
    fixed = {"forecast.smoothing": 1.0} if averaged and KINDS[kind].forecast else {}
    return prior_of(kind, cut.scale, also=cut.also, fixed=fixed)


def _likely(
    problem: Problem,
    priors: Mapping[str, Prior],
    observed: Floats,
    seed: int,
    tick: Callable[[int], None] | None,
) -> dict[str, float]:
    """Return how likely each kind of ordering is; the first that fits with nothing hidden is it."""
    if len(priors) == 1:
        return dict.fromkeys(priors, 1.0)
    for kind, prior in priors.items():
        if not prior.hidden:
            made = reference(problem, prior, np.empty((REPLICATES, 0)), seed=seed, tick=tick)
            if misfit(observed, made).p_value > _PLAIN:
                return {other: float(other == kind) for other in priors}
    tables = {
        kind: reference(problem, prior, prior.design(_OF_EACH, seed, PER), seed=seed, tick=tick)
        for kind, prior in priors.items()
    }
    return choose(tables, observed, seed=seed)


def _held_out(cut: Cut, problem: Problem, inference: Inference, end: int, seed: int) -> HeldOut:
    """Predict the last part of the record with what its first part says."""
    assert cut.observed is not None
    seen = blurred(problem.look(cut.observed, end), seed)[0]
    posterior: Weighted = inference.posterior(seen)
    prior = inference.prior
    values = prior.values(posterior.draws(REPLICATES, seed))
    made = simulate(problem, prior, values, seed=seed)
    return predicted(made, cut.observed, end, float(problem.demand.mean()))


def predicted(made: Series, observed: Series, end: int, mean: float) -> HeldOut:
    """Return how well simulations, ``(T, N)``, predict a record, ``(T, 1)``, from period ``end`` on.

    ``mean`` is that of demand, in units: what is less than a millionth of it is nothing.
    """
    book, seen = made.book[end:], observed.book[end:, 0]
    low, high = np.quantile(book, _BAND, axis=1)
    touch = _TOUCH * max(1.0, mean)
    inside = (seen >= low - touch) & (seen <= high + touch)
    baseline = np.broadcast_to(observed.book[WARM:end, 0], (len(seen), end - WARM))
    ordered = float(observed.order[end:].sum())
    total = made.order[end:].sum(axis=0)
    place = (
        (total < ordered - touch).sum() + 0.5 * (np.abs(total - ordered) <= touch).sum()
    ) / len(total)
    return HeldOut(
        len(seen), float(inside.mean()), float(crps(book, seen).mean()),
        float(crps(baseline, seen).mean()), float(place),
    )  # fmt: skip


def _notes(cut: Cut, likely: float) -> list[str]:
    found = list(cut.notes)
    if likely < _CLEAR:
        found.append(f"the way of ordering is not clear: the likeliest has {likely:.0%}")
    return found

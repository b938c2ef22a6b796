"""A small neural network that learns which functions of the summaries tell about hidden values.

Semi-automatic summaries (Fearnhead & Prangle 2012, J. R. Statist. Soc. B 74: 419-474): the best
summary of a hidden quantity is its posterior mean, and least squares learns just that. A line comes
first, in a narrow range it says nearly all; what it leaves is learned by two hidden layers, trained
by Adam (Kingma & Ba 2015, arXiv 1412.6980) under a cosine schedule. A unit bends as
``x / sqrt(1 + x^2)``: root and quotient are rounded exactly on every processor, tanh is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.infer.alike import asinh, least_squares, product
from twin.jit import njit

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

UNITS = 64
STEPS = 2000
"""Batches that a network learns from, however many rows there are."""
_BATCH = 256
_RATE = 4e-3
_DECAY = (0.9, 0.999)
_FAR = 5.0  # where the line's own terms end
_RIDGE = 1e-6


@dataclass(frozen=True)
class Regression:
    """Learned statistics: ``(N, p)`` summaries in, ``(N, d)`` estimates out.

    Attributes
    ----------
    middle, spread
        What the summaries are standardised with, ``(p,)``; long tails are drawn in (arcsinh).
    line, scale
        Coefficients of the line ``(2 p + 1, d)``, and the sd of what it leaves ``(d,)``.
    weights
        Matrices of the three layers, then their offsets, one after the other.
    """

    middle: Floats
    spread: Floats
    line: Floats
    scale: Floats
    weights: Singles

    def __call__(self, summaries: Floats) -> Floats:
        """Return the estimates for summaries, ``(N, d)``."""
        z = (summaries - self.middle) / self.spread
        near = asinh(z)
        rest = _outputs(near.astype(np.float32), len(self.scale), self.weights)
        return np.asarray(product(_terms(z, near), self.line) + self.scale * rest)


def fit(
    summaries: Floats,
    targets: Floats,
    *,
    seed: int,
    start: Regression | None = None,
    steps: int = STEPS,
) -> Regression:
    """Learn the mean of targets given summaries.

    Parameters
    ----------
    summaries, targets
        ``(N, p)`` and ``(N, d)``.
    seed
        Of first weights and order of the batches.
    start
        A network for the same kind of targets to go on from: fewer steps will do.
    steps
        Batches to learn from.
    """
    rng = np.random.default_rng(seed)
    middle, spread = _middle(summaries) if start is None else (start.middle, start.spread)
    z = (summaries - middle) / spread
    near = asinh(z)
    terms = _terms(z, near)
    line = least_squares(terms, targets, np.full(len(z), 1 / len(z)), _RIDGE)
    left = targets - product(terms, line)
    scale = np.maximum(left.std(axis=0), 1e-9)
    x, y = near.astype(np.float32), (left / scale).astype(np.float32)
    weights = _first(x.shape[1], y.shape[1], rng) if start is None else start.weights.copy()
    if y.shape[1]:  # nothing hidden, nothing to learn
        _train(x, y, weights, _batches(len(x), steps, rng), _rates(steps))
    return Regression(middle, spread, line, scale, weights)


def _first(p: int, d: int, rng: np.random.Generator) -> Singles:
    """Return weights to begin with."""
    pairs = ((p, UNITS), (UNITS, UNITS), (UNITS, d))
    matrices = [rng.normal(size=pair).ravel() / pair[0] ** 0.5 for pair in pairs]
    return np.concatenate([*matrices, np.zeros(2 * UNITS + d)]).astype(np.float32)


def _batches(n: int, steps: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return the rows of each batch, ``(steps, batch)``: every row once, then again."""
    batch = min(_BATCH, n)
    each = n // batch
    orders = [rng.permutation(n)[: each * batch] for _ in range(-(-steps // each))]
    return np.concatenate(orders).reshape(-1, batch)[:steps]


def _rates(steps: int) -> Singles:
    """Return the step's size at each step: half a cosine, times Adam's correction for its start."""
    a, b = _DECAY
    return np.array(
        [
            _RATE * 0.5 * (1 + math.cos(math.pi * n / steps))
            * math.sqrt(1 - b**n) / (1 - a**n)
            for n in range(1, steps + 1)
        ],
        np.float32,
    )  # fmt: skip


@njit
def _parts(weights: Singles, p: int, d: int) -> tuple[Singles, ...]:
    """Return three matrices and three offsets, which share memory with all weights."""
    u = UNITS
    a, b, c = p * u, p * u + u * u, p * u + u * u + u * d
    return (
        weights[:a].reshape(p, u), weights[a:b].reshape(u, u), weights[b:c].reshape(u, d),
        weights[c : c + u], weights[c + u : c + 2 * u], weights[c + 2 * u :],
    )  # fmt: skip


@njit
def _add_product(found: Singles, a: Singles, b: Singles) -> None:
    """Add the product of ``(n, m)`` and ``(m, d)``."""
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            part = a[i, k]
            for j in range(b.shape[1]):
                found[i, j] += part * b[k, j]


@njit
def _add_slopes(found: Singles, a: Singles, b: Singles) -> None:
    """Add the product of ``(n, m)``, transposed, and ``(n, d)``."""
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            part = a[i, k]
            for j in range(b.shape[1]):
                found[k, j] += part * b[i, j]


@njit
def _layer(found: Singles, x: Singles, matrix: Singles, offset: Singles, bent: bool) -> None:
    """Set one layer's output, ``(n, out)``, from its input, ``(n, in)``."""
    found[:] = offset
    _add_product(found, x, matrix)
    if bent:
        for i in range(found.shape[0]):
            for j in range(found.shape[1]):
                found[i, j] /= np.sqrt(np.float32(1) + found[i, j] * found[i, j])


@njit
def _unbend(slopes: Singles, bent: Singles) -> None:
    """Take slopes, ``(n, units)``, from a layer's bent outputs to what they were before."""
    for i in range(bent.shape[0]):
        for j in range(bent.shape[1]):
            flat = np.float32(1) - bent[i, j] * bent[i, j]
            slopes[i, j] *= flat * np.sqrt(flat)


@njit
def _outputs(x: Singles, d: int, weights: Singles) -> Singles:
    """Return what the network says, ``(n, d)``."""
    first, second, third, one, two, three = _parts(weights, x.shape[1], d)
    a, b = np.empty((len(x), UNITS), np.float32), np.empty((len(x), UNITS), np.float32)
    found = np.empty((len(x), d), np.float32)
    _layer(a, x, first, one, True)
    _layer(b, a, second, two, True)
    _layer(found, b, third, three, False)
    return found


@njit
def _train(
    x: Singles, y: Singles, weights: Singles, batches: npt.NDArray[np.int64], rates: Singles
) -> None:
    """Improve the weights in place, a step for each batch of rows."""
    slopes, mean, square = np.empty_like(weights), np.zeros_like(weights), np.zeros_like(weights)
    keep, keep_square = np.float32(_DECAY[0]), np.float32(_DECAY[1])
    new, new_square = np.float32(1 - _DECAY[0]), np.float32(1 - _DECAY[1])
    tiny = np.float32(1e-8)
    for step in range(len(batches)):
        _find_slopes(slopes, x[batches[step]], y[batches[step]], weights)
        for i in range(len(weights)):
            g = slopes[i]
            mean[i] = keep * mean[i] + new * g
            square[i] = keep_square * square[i] + new_square * (g * g)
            weights[i] -= rates[step] * mean[i] / (np.sqrt(square[i]) + tiny)


@njit
def _find_slopes(slopes: Singles, x: Singles, y: Singles, weights: Singles) -> None:
    """Set the slopes of the mean squared error in each weight."""
    n, d = y.shape
    first, second, third, one, two, three = _parts(weights, x.shape[1], d)
    slopes[:] = 0
    to_first, to_second, to_third, to_one, to_two, to_three = _parts(slopes, x.shape[1], d)
    a, b = np.empty((n, UNITS), np.float32), np.empty((n, UNITS), np.float32)
    error = np.empty((n, d), np.float32)
    _layer(a, x, first, one, True)
    _layer(b, a, second, two, True)
    _layer(error, b, third, three, False)
    back_a, back_b = np.zeros((n, UNITS), np.float32), np.zeros((n, UNITS), np.float32)
    for i in range(n):
        for j in range(d):
            error[i, j] = (error[i, j] - y[i, j]) * np.float32(2 / n)
    _add_product(back_b, error, np.ascontiguousarray(third.T))
    _unbend(back_b, b)
    _add_product(back_a, back_b, np.ascontiguousarray(second.T))
    _unbend(back_a, a)
    _add_slopes(to_first, x, back_a)
    _add_slopes(to_second, a, back_b)
    _add_slopes(to_third, b, error)
    for i in range(n):
        to_one += back_a[i]
        to_two += back_b[i]
        to_three += error[i]


def _middle(summaries: Floats) -> tuple[Floats, Floats]:
    """Return median and normal-consistent quartile distance of each column."""
    low, middle, high = np.quantile(summaries, (0.25, 0.5, 0.75), axis=0)
    spread = np.maximum((high - low) / 1.349, 0.1 * summaries.std(axis=0))
    return middle, np.where(spread > 1e-9, spread, 1.0)


def _terms(z: Floats, near: Floats) -> Floats:
    """Return what the line is made of: a constant, standardised summaries, and these drawn in."""
    return np.concatenate([np.ones((len(z), 1)), np.clip(z, -_FAR, _FAR), near], axis=1)

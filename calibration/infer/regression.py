"""A small neural network that learns which functions of the summaries tell about hidden values.

Semi-automatic summaries (Fearnhead & Prangle 2012, J. R. Statist. Soc. B 74: 419-474): the best
summary of a hidden quantity is its posterior mean, and least squares learns just that. A line comes
first, in a narrow range it says nearly all; what it leaves is learned by two hidden layers of tanh
units, trained by Adam (Kingma & Ba 2015, arXiv 1412.6980) under a cosine schedule.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float64]
_Weights = list[npt.NDArray[np.float32]]

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
        Matrices of the three layers, then their offsets.
    """

    middle: Floats
    spread: Floats
    line: Floats
    scale: Floats
    weights: _Weights

    def __call__(self, summaries: Floats) -> Floats:
        """Return the estimates for summaries, ``(N, d)``."""
        z = (summaries - self.middle) / self.spread
        rest = _layers(np.arcsinh(z).astype(np.float32), self.weights)[-1]
        return np.asarray(_terms(z) @ self.line + self.scale * rest, dtype=np.float64)


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
    line = _line(z, targets)
    left = targets - _terms(z) @ line
    scale = np.maximum(left.std(axis=0), 1e-9)
    x, y = np.arcsinh(z).astype(np.float32), (left / scale).astype(np.float32)
    sizes = (x.shape[1], UNITS, UNITS, y.shape[1])
    weights = _first(sizes, rng) if start is None else [w.copy() for w in start.weights]
    batch = min(_BATCH, len(x))
    adam = _Adam(weights, steps)
    order, at = rng.permutation(len(x)), 0
    with threadpool_limits(1, "blas"):  # so small products take eight times as long on two threads
        for _ in range(steps if y.shape[1] else 0):  # nothing hidden, nothing to learn
            if at + batch > len(x):
                order, at = rng.permutation(len(x)), 0
            rows = order[at : at + batch]
            at += batch
            adam.step(_slopes(x[rows], y[rows], weights))
    return Regression(middle, spread, line, scale, weights)


class _Adam:
    """Adam with a rate that falls to nothing along half a cosine."""

    def __init__(self, weights: _Weights, steps: int) -> None:
        self.weights, self.steps, self.n = weights, steps, 0
        self.mean = [np.zeros_like(w) for w in weights]
        self.square = [np.zeros_like(w) for w in weights]

    def step(self, slopes: _Weights) -> None:
        self.n += 1
        a, b = _DECAY
        rate = _RATE * 0.5 * (1 + np.cos(np.pi * self.n / self.steps))
        unbias = np.sqrt(1 - b**self.n) / (1 - a**self.n)
        for w, g, mean, square in zip(self.weights, slopes, self.mean, self.square, strict=True):
            mean += (1 - a) * (g - mean)
            square += (1 - b) * (g * g - square)
            w -= np.float32(rate * unbias) * mean / (np.sqrt(square) + np.float32(1e-8))


def _first(sizes: tuple[int, ...], rng: np.random.Generator) -> _Weights:
    pairs = list(itertools.pairwise(sizes))
    matrices = [
        rng.normal(size=pair).astype(np.float32) / np.float32(pair[0] ** 0.5) for pair in pairs
    ]
    return matrices + [np.zeros(out, np.float32) for _, out in pairs]


def _layers(x: npt.NDArray[np.float32], weights: _Weights) -> _Weights:
    first = np.tanh(x @ weights[0] + weights[3])
    second = np.tanh(first @ weights[1] + weights[4])
    return [x, first, second, second @ weights[2] + weights[5]]


def _slopes(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32], weights: _Weights) -> _Weights:
    """Return the slopes of the mean squared error in each weight."""
    x, first, second, out = _layers(x, weights)
    error = (out - y) * np.float32(2 / len(x))
    back2 = (error @ weights[2].T) * (1 - second**2)
    back1 = (back2 @ weights[1].T) * (1 - first**2)
    return [
        x.T @ back1, first.T @ back2, second.T @ error,
        back1.sum(axis=0), back2.sum(axis=0), error.sum(axis=0),
    ]  # fmt: skip


def _middle(summaries: Floats) -> tuple[Floats, Floats]:
    """Return median and normal-consistent quartile distance of each column."""
    low, middle, high = np.quantile(summaries, (0.25, 0.5, 0.75), axis=0)
    spread = np.maximum((high - low) / 1.349, 0.1 * summaries.std(axis=0))
    return middle, np.where(spread > 1e-9, spread, 1.0)


def _terms(z: Floats) -> Floats:
    """Return what the line is made of: a constant, standardised summaries, and these drawn in."""
    near = np.clip(z, -_FAR, _FAR)
    return np.concatenate([np.ones((len(z), 1)), near, np.arcsinh(z)], axis=1)


def _line(z: Floats, targets: Floats) -> Floats:
    """Return the coefficients of a least-squares line with a small ridge."""
    x = _terms(z)
    gram = x.T @ x / len(x) + _RIDGE * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, x.T @ targets / len(x)))

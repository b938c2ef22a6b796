"""Minimising without derivatives: the CMA evolution strategy in a box.

Hansen 2016, *The CMA Evolution Strategy: A Tutorial*, arXiv 1604.00772: weighted recombination,
rank-one and rank-μ updates and cumulative step-size adaptation, with the parameters of its table 1.
It looks at the order of the candidates alone, so any order of better and worse will do.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Cma:
    """A search distribution over the unit box.

    Parameters
    ----------
    start
        Where to begin, ``(d,)``, shares from 0 to 1.
    sigma
        First standard deviation of a step.
    seed
        Luck of the search.
    finest
        Smallest standard deviation worth having in each direction, ``(d,)``: half a step of what
        is rounded to whole numbers, so that neighbours are still tried; 0 else.
    """

    def __init__(self, start: Floats, sigma: float, seed: int, finest: Floats) -> None:
        d = start.size
        self.mean, self.sigma = start.astype(float), sigma
        self.finest = finest
        self.luck = np.random.default_rng(seed)
        self.size = max(6, 4 + int(3 * math.log(d)))
        weights = math.log((self.size + 1) / 2) - np.log(np.arange(1, self.size // 2 + 1))
        self.weights = weights / weights.sum()
        self.mu = 1.0 / float(np.sum(self.weights**2))
        self.c_sigma = (self.mu + 2) / (d + self.mu + 5)
        self.damping = 1 + 2 * max(0.0, math.sqrt((self.mu - 1) / (d + 1)) - 1) + self.c_sigma
        self.c_path = (4 + self.mu / d) / (d + 4 + 2 * self.mu / d)
        self.c_one = 2 / ((d + 1.3) ** 2 + self.mu)
        c_mu = 2 * (0.25 + self.mu - 2 + 1 / self.mu) / ((d + 2) ** 2 + self.mu)
        self.c_mu = min(1 - self.c_one, c_mu)
        self.expected = math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d))
        self.covariance, self.p_sigma, self.p_path = np.eye(d), np.zeros(d), np.zeros(d)
        self.generation = 0

    @property
    def spread(self) -> Floats:
        """Standard deviation in each direction, ``(d,)``."""
        return np.asarray(self.sigma * np.sqrt(np.diag(self.covariance)))

    def ask(self) -> Floats:
        """Return the next candidates, ``(size, d)``, mirrored into the box."""
        values, self.basis = np.linalg.eigh(self.covariance)
        self.scale = np.sqrt(np.maximum(values, 1e-20))
        z = self.luck.standard_normal((self.size, self.mean.size))
        steps = self.sigma * (z * self.scale) @ self.basis.T
        steps += np.where(self.spread < self.finest, self.finest, 0.0) * self.luck.standard_normal(
            steps.shape
        )
        inside = np.mod(self.mean + steps, 2.0)
        return np.asarray(np.minimum(inside, 2.0 - inside))

    def tell(self, ordered: Floats) -> None:
        """Learn from the candidates, ``(size, d)``, the best first."""
        d = self.mean.size
        self.generation += 1
        steps = (ordered[: self.weights.size] - self.mean) / self.sigma
        step = self.weights @ steps
        self.mean = self.mean + self.sigma * step
        white = (self.basis / self.scale) @ (self.basis.T @ step)
        fade = math.sqrt(self.c_sigma * (2 - self.c_sigma) * self.mu)
        self.p_sigma = (1 - self.c_sigma) * self.p_sigma + fade * white
        length = float(np.linalg.norm(self.p_sigma))
        settled = 1 - (1 - self.c_sigma) ** (2 * self.generation)
        slow = length / math.sqrt(settled) < (1.4 + 2 / (d + 1)) * self.expected
        fade = math.sqrt(self.c_path * (2 - self.c_path) * self.mu)
        self.p_path = (1 - self.c_path) * self.p_path + slow * fade * step
        lost = (1 - slow) * self.c_path * (2 - self.c_path)
        self.covariance = (
            (1 - self.c_one - self.c_mu + self.c_one * lost) * self.covariance
            + self.c_one * np.outer(self.p_path, self.p_path)
            + self.c_mu * (steps.T * self.weights) @ steps
        )
        grow = (self.c_sigma / self.damping) * (length / self.expected - 1)
        self.sigma = min(1.0, self.sigma * math.exp(min(1.0, grow)))

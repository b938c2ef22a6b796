"""The selection keeps its word: it is right at least as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from twin.optimise.ranking import CONFIDENCE, select

REPEATS = 400
CHANCE = 1.645 * (CONFIDENCE * (1 - CONFIDENCE) / REPEATS) ** 0.5
"""How far below its promise a right procedure falls once in twenty times."""


def chosen(means, delta, most, seed, shared=0.7):
    """Choose among normal finalists with partly shared luck and spread 1."""

    def sample(which, k0, n):
        luck = np.random.default_rng((seed, k0))
        own = luck.standard_normal((len(means), n))
        values = np.array(means)[:, None] + shared**0.5 * luck.standard_normal(n)
        return (values + (1 - shared) ** 0.5 * own)[list(which)]

    return select(sample, len(means), delta=delta, first=16, most=most)


@pytest.mark.parametrize(("means", "delta"), [((0, 0.2, 0.2, 0.2), 0.2), ((0, 0.1), 0.1),
                                              ((0, 0.1, 0.2, 0.5, 0.5), 0.1)])  # fmt: skip
def test_the_best_is_chosen_at_least_as_often_as_is_said(means, delta):
    found = [chosen(means, delta, 10**6, seed) for seed in range(REPEATS)]
    assert all(f.confidence == CONFIDENCE and f.delta == delta for f in found)
    assert np.mean([f.chosen == 0 for f in found]) >= CONFIDENCE - CHANCE


@pytest.mark.parametrize("most", [16, 48, 160])
def test_with_few_replications_the_difference_it_can_tell_grows_until_it_is_right(most):
    means = (0, 0.05, 0.1, 0.2)
    found = [chosen(means, 0.001, most, seed) for seed in range(REPEATS)]
    assert all(max(f.replications) <= most and f.delta > 0.001 for f in found)
    right = [f.chosen == 0 or means[f.chosen] < f.delta for f in found]
    assert np.mean(right) >= CONFIDENCE - CHANCE


def test_a_clearly_worse_finalist_is_dropped_early():
    found = chosen((0, 0.02, 5), 0.01, 10**6, 1)
    assert 10 * found.replications[2] < found.replications[0]

"""Learning rounds alike on every processor: the same seed, the same draws."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from calibration.infer import regression
from calibration.infer.alike import asinh, exp, least_squares, log, product, solve

PROGRAM = """
import numpy as np
from calibration.infer.prior import Scale, prior_of
from calibration.infer.rounds import learn_here
from calibration.infer.simulate import Problem, reference
from calibration.infer.summaries import blurred

demand = np.random.default_rng(2).poisson(8, 150).astype(float)
problem = Problem("shop/tea", demand, [2, 3, 5], opening=20.0, settings={"forecast": {}})
prior = prior_of("base_stock_forecast", Scale(8.0, 3.0, 3.0))
observed = reference(problem, prior, np.full((1, len(prior.hidden)), 0.3), seed=9, per=1)[0]
whole, early = learn_here(problem, prior, observed, seed=1, end=120, simulations=256)
for one in (whole, early):
    found = one.posterior(observed)
    print(found.shares.tobytes().hex(), found.weights.tobytes().hex())
"""
OLD = {  # a processor of 2008, to the two libraries that ask for its kind
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
}


def test_an_older_processor_draws_the_same_posterior():
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROGRAM],
            env={**os.environ, **more}, stdout=subprocess.PIPE, text=True,
        )
        for more in ({}, OLD)
    ]  # fmt: skip
    told = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert len(told[0]) > 1000
    assert told[0] == told[1]


def test_sums_and_functions_are_those_of_the_libraries_but_for_rounding():
    rng = np.random.default_rng(4)
    a, b, w = rng.normal(size=(50, 7)), rng.normal(size=(50, 3)), rng.dirichlet(np.ones(50))
    np.testing.assert_allclose(product(a.T.copy(), b), a.T @ b, rtol=1e-12)
    root = np.sqrt(w)[:, None]
    line = np.linalg.lstsq(a * root, b * root, rcond=None)[0]
    np.testing.assert_allclose(least_squares(a, b, w, 1e-15), line, rtol=1e-9)
    grams = np.array([x.T @ x for x in rng.normal(size=(5, 9, 4))])
    right = rng.normal(size=(5, 4))
    known = np.linalg.solve(grams, right[..., None])[..., 0]
    np.testing.assert_allclose(solve(grams, right), known, rtol=1e-9)
    for ours, theirs in ((log, np.log), (exp, np.exp), (asinh, np.arcsinh)):
        np.testing.assert_allclose(ours(np.abs(a)), theirs(np.abs(a)), rtol=1e-14)


@pytest.mark.parametrize("part", range(6))
def test_the_network_descends_the_slopes_of_its_error(part):
    rng = np.random.default_rng(part)
    x, y = (rng.normal(size=(40, n)).astype(np.float32) for n in (5, 2))
    weights = regression._first(5, 2, rng)
    slopes = np.empty_like(weights)
    regression._find_slopes(slopes, x, y, weights)
    aim = np.zeros_like(weights)
    regression._parts(aim, 5, 2)[part][...] = 1
    aim *= rng.normal(size=aim.shape).astype(np.float32)
    step = np.float32(1e-2)

    def error(by: np.float32) -> float:
        away = regression._outputs(x, 2, weights + by * aim).astype(float) - y
        return float((away**2).sum() / len(x))

    seen = (error(step) - error(-step)) / (2 * float(step))
    assert float(slopes @ aim) == pytest.approx(seen, rel=0.02, abs=1e-3)

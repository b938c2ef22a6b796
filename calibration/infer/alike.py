"""Arithmetic that rounds alike on every processor, so that a seed means one posterior everywhere.

The library that numpy calls for products, and its own logarithms and exponentials, are written for
each kind of processor: their last digits differ. Learning, and picking the nearest simulations, turn
a last digit into other draws. Here every sum has one order, compiled without licence to change it,
and every function is the C library's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from twin.jit import njit

Floats = npt.NDArray[np.float64]

# Any shape. Compiled where it is declared: two threads that met there would both compile, and warn.
_each: Callable[..., Any] = numba.vectorize(["float64(float64)"], nopython=True, cache=True)


@_each
def log(x: float) -> float:
    """Return the natural logarithm."""
    return math.log(x)


@_each
def exp(x: float) -> float:
    """Return the exponential."""
    return math.exp(x)


@_each
def sin(x: float) -> float:
    """Return the sine."""
    return math.sin(x)


@_each
def asin(x: float) -> float:
    """Return the inverse sine."""
    return math.asin(x)


@_each
def asinh(x: float) -> float:
    """Return the inverse hyperbolic sine, which draws long tails in."""
    return math.asinh(x)


@njit
def product(a: Floats, b: Floats) -> Floats:
    """Return the matrix product of ``(n, m)`` and ``(m, d)``, ``(n, d)``."""
    found = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                found[i, j] += a[i, k] * b[k, j]
    return found


@njit
def least_squares(x: Floats, y: Floats, weights: Floats, ridge: float) -> Floats:
    """Return coefficients ``(p, d)`` of weighted least squares, by elimination (LDL^T).

    Parameters
    ----------
    x, y
        ``(n, p)`` and ``(n, d)``.
    weights
        Of the rows, ``(n,)``, of sum 1.
    ridge
        Added to the diagonal, so that columns that say the same share what they explain; positive.
    """
    p, d = x.shape[1], y.shape[1]
    both = np.zeros((p, p + d))
    for n in range(len(x)):
        for i in range(p):
            part = weights[n] * x[n, i]
            for j in range(i, p):
                both[i, j] += part * x[n, j]
            for j in range(d):
                both[i, p + j] += part * y[n, j]
    for i in range(p):
        both[i, i] += ridge
    return _solved(both, p)


@njit
def solve(gram: Floats, right: Floats) -> Floats:
    """Return the solutions, ``(n, p)``, of n positive definite systems ``(n, p, p)``, ``(n, p)``."""
    n, p = right.shape
    found, both = np.empty((n, p)), np.empty((p, p + 1))
    for k in range(n):
        both[:, :p], both[:, p] = gram[k], right[k]
        found[k] = _solved(both, p)[:, 0]
    return found


@njit
def _solved(both: Floats, p: int) -> Floats:
    """Return the solution of positive definite rows, upper half and right sides, ``(p, p + d)``."""
    for i in range(p):
        for k in range(i):
            part = both[k, i] / both[k, k]
            for j in range(i, both.shape[1]):
                both[i, j] -= part * both[k, j]
    found = both[:, p:].copy()
    for i in range(p - 1, -1, -1):
        for k in range(i + 1, p):
            found[i] -= both[i, k] * found[k]
        found[i] /= both[i, i]
    return found

"""All luck of the engine: counter-based random numbers, keyed by the names of things.

A draw is a pure function of seed, name of the thing, purpose, period and replication (Philox4x32-10
of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). There is
no state, so the order of draws, the number of threads, the size of a block and the order of rows
change nothing. Everything is drawn by inversion: one uniform number per draw, monotone in it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from twin.errors import ScenarioError
from twin.jit import njit

Whole: TypeAlias = int | np.integer[Any]

# For small functions of plain numbers only (never of arrays). Left to itself the compiler keeps the
# Philox rounds as a call, which does not vectorise (six times slower), and a call inside a loop
# over an array leaves reference counting around it.
inlined = numba.njit(cache=True, error_model="numpy", nogil=True, inline="always")

DEMAND = 1
LEAD_TIME = 2
SHRINK = 3
SCAN = 4
READING = 5
READING_LOSS = 6
HAPPENS = 7
ADOPTION = 8

# All words are kept in uint64: a mix of signed and unsigned 64 bits would be float64 to numba.
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_TOP = np.uint64(24)
_TOP_MASK = np.uint64(0xFFFFFF)
_BYTE = np.uint64(0xFF)
_MUL0 = np.uint64(0xD2511F53)
_MUL1 = np.uint64(0xCD9E8D57)
_BUMP0 = np.uint64(0x9E3779B9)
_BUMP1 = np.uint64(0xBB67AE85)
_FIVE = np.uint64(5)
_SIX = np.uint64(6)
_ROOM = np.uint64(26)
_ONE = np.uint64(1)
_UNIT = 2.0**-53


def stream_of(name: str) -> int:
    """Return the random stream of a thing: a stable 56-bit hash of its name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest(), "little")


def streams_of(names: Iterable[str]) -> NDArray[np.uint64]:
    """Return the random streams of several things.

    Parameters
    ----------
    names
        One name per thing; the same name twice is the same stream.

    Returns
    -------
    ndarray of uint64, shape (things,)

    Raises
    ------
    ScenarioError
        If two different names have the same hash (a chance of 7e-6 for a million names).
    """
    known: dict[int, str] = {}
    found = []
    for name in names:
        stream = stream_of(name)
        if known.setdefault(stream, name) != name:
            msg = (
                f"'{known[stream]}' and '{name}' would share one random stream "
                f"({stream:#x}); streams must differ: rename one of them"
            )
            raise ScenarioError(msg)
        found.append(stream)
    return np.array(found, dtype=np.uint64)


@inlined
def _rounds(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Ten Philox4x32 rounds; every word lies in the low 32 bits, so no product overflows."""
    for _ in range(10):
        p0 = _MUL0 * c0
        p1 = _MUL1 * c2
        c0 = (p1 >> _HALF) ^ c1 ^ k0
        c1 = p1 & _LOW
        c2 = (p0 >> _HALF) ^ c3 ^ k1
        c3 = p0 & _LOW
        k0 = (k0 + _BUMP0) & _LOW
        k1 = (k1 + _BUMP1) & _LOW
    return c0, c1, c2, c3


@inlined
def _unit(w0: np.uint64, w1: np.uint64) -> float:
    """Join two words to an odd multiple of 2**-53: never 0, never 1, symmetric about 1/2."""
    bits = ((w0 >> _FIVE) << _ROOM) | (w1 >> _SIX) | _ONE
    return float(np.int64(bits)) * _UNIT


@inlined
def philox(
    seed: Whole, t: Whole, k: Whole, stream: Whole, purpose: Whole
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return four random 32-bit words (held in uint64).

    Parameters
    ----------
    seed
        Key, 64 bits.
    t, k
        Period and replication, 32 bits each.
    stream
        Stream of the thing, 56 bits (:func:`stream_of`).
    purpose
        One of the constants of this module, 8 bits.
    """
    key = np.uint64(seed)
    name = np.uint64(stream)
    last = ((np.uint64(purpose) & _BYTE) << _TOP) | ((name >> _HALF) & _TOP_MASK)
    return _rounds(
        np.uint64(t) & _LOW, np.uint64(k) & _LOW, name & _LOW, last, key & _LOW, key >> _HALF
    )


@inlined
def uniform(seed: Whole, stream: Whole, purpose: Whole, t: Whole, k: Whole) -> float:
    """Return one uniform number in (0, 1), an odd multiple of 2**-53; see :func:`philox`."""
    w0, w1, _, _ = philox(seed, t, k, stream, purpose)
    return _unit(w0, w1)


@njit
def fill_uniforms(
    seed: Whole, stream: Whole, purpose: Whole, t: Whole, k0: Whole, out: NDArray[np.float64]
) -> None:
    """Fill ``out[j]`` with the uniform number of replication ``k0 + j``; see :func:`uniform`."""
    key = np.uint64(seed)
    name = np.uint64(stream)
    last = ((np.uint64(purpose) & _BYTE) << _TOP) | ((name >> _HALF) & _TOP_MASK)
    low, period = name & _LOW, np.uint64(t) & _LOW
    key0, key1, first = key & _LOW, key >> _HALF, np.uint64(k0)
    for j in range(out.size):
        k = (first + np.uint64(j)) & _LOW
        w0, w1, _, _ = _rounds(period, k, low, last, key0, key1)
        out[j] = _unit(w0, w1)


@inlined
def _central(r: float) -> float:
    """Quotient of AS241 for ``|u - 1/2| <= 0.425``, in ``r = 0.425**2 - (u - 1/2)**2``."""
    a = 2.5090809287301226727e3 * r + 3.3430575583588128105e4
    a = (a * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4
    a = (a * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3
    a = (a * r + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
    b = 5.2264952788528545610e3 * r + 2.8729085735721942674e4
    b = (b * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4
    b = (b * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2
    return a / ((b * r + 4.2313330701600911252e1) * r + 1.0)


@inlined
def _tail(r: float) -> float:
    """Quotient of AS241 for the tails, in ``r = sqrt(-log(min(u, 1 - u)))`` up to 5."""
    r -= 1.6
    c = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2
    c = (c * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0
    c = (c * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0
    c = (c * r + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
    d = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4
    d = (d * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1
    d = (d * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0
    return c / ((d * r + 2.05319162663775882187e0) * r + 1.0)


@inlined
def _far_tail(r: float) -> float:
    """Quotient of AS241 for ``r`` above 5, where ``min(u, 1 - u)`` is below 1.4e-11."""
    r -= 5.0
    e = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
    e = (e * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2
    e = (e * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0
    e = (e * r + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
    f = 2.04426310338993978564e-15 * r + 1.42151175831644588870e-7
    f = (f * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4
    f = (f * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1
    return e / ((f * r + 5.99832206555887937690e-1) * r + 1.0)


@inlined
def normal_quantile(u: float) -> float:
    """Return the standard normal quantile of ``u`` in (0, 1), to about 1e-15 (relative).

    Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
    Statistics 37 (1988), routine PPND16.
    """
    q = u - 0.5
    if abs(q) <= 0.425:
        return q * _central(0.180625 - q * q)
    r = math.sqrt(-math.log(min(u, 1.0 - u)))
    x = _tail(r) if r <= 5.0 else _far_tail(r)
    return x if q > 0.0 else -x


@njit
def normal_cdf(x: float) -> float:
    """Return the probability that a standard normal variable is at most ``x``."""
    return 0.5 * math.erfc(-x * 0.7071067811865476)

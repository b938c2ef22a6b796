"""Random numbers: published vectors, names as keys, uniformity, the normal distribution."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from twin import rng
from twin.errors import ScenarioError

SEED = np.uint64(20_260_101)
STREAM = np.uint64(rng.stream_of("store/sku/customers"))

pytestmark = pytest.mark.nojit

# Random123 1.14, tests/kat_vectors, philox4x32 with 10 rounds: counter, key, result
KNOWN = [
    ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff " * 4, "ffffffff " * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_reproduces_the_published_vectors(counter: str, key: str, expected: str) -> None:
    c = [int(x, 16) for x in counter.split()]
    k = [int(x, 16) for x in key.split()]
    stream = np.uint64(c[2] | (c[3] & 0xFFFFFF) << 32)
    seed = np.uint64(k[0] | k[1] << 32)
    words = rng.philox(seed, c[0], c[1], stream, c[3] >> 24)
    assert [int(w) for w in words] == [int(x, 16) for x in expected.split()]


def block(n: int, t: int = 0, k0: int = 0, purpose: int = rng.DEMAND) -> np.ndarray:
    out = np.empty(n)
    rng.fill_uniforms(SEED, STREAM, purpose, t, k0, out)
    return out


def test_a_block_holds_the_single_draws_however_it_is_cut() -> None:
    whole = block(37, t=5, k0=3)
    assert whole.tolist() == [rng.uniform(SEED, STREAM, rng.DEMAND, 5, k) for k in range(3, 40)]
    parts = [block(n, t=5, k0=k0) for k0, n in ((3, 1), (4, 8), (12, 28))]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_uniform_numbers_are_odd_multiples_of_the_unit_inside_the_open_interval() -> None:
    scaled = block(500) * 2.0**53
    assert np.all(scaled % 2 == 1)
    assert 0 < scaled.min() < scaled.max() < 2.0**53
    assert rng._unit(np.uint64(0), np.uint64(0)) == 2.0**-53
    assert rng._unit(np.uint64(2**32 - 1), np.uint64(2**32 - 1)) == 1 - 2.0**-53


@pytest.mark.parametrize("axis", ["replication", "period", "stream"])
def test_numbers_are_uniform_and_uncorrelated_along(axis: str) -> None:
    n = 400
    if axis == "replication":
        u = block(n)
    elif axis == "period":
        u = np.array([block(1, t=t)[0] for t in range(n)])
    else:
        streams = rng.streams_of(f"site/{i}" for i in range(n))
        u = np.array([rng.uniform(SEED, s, rng.DEMAND, 0, 0) for s in streams])
    assert stats.kstest(u, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 3 / np.sqrt(n)


def test_purpose_name_and_seed_each_make_other_numbers() -> None:
    base = rng.uniform(SEED, STREAM, rng.DEMAND, 1, 2)
    other_name = np.uint64(rng.stream_of("store/sku/customers "))
    assert len({
        base,
        rng.uniform(SEED, STREAM, rng.LEAD_TIME, 1, 2),
        rng.uniform(SEED, other_name, rng.DEMAND, 1, 2),
        rng.uniform(SEED + np.uint64(2**40), STREAM, rng.DEMAND, 1, 2),
    }) == 4  # fmt: skip
    purposes = [rng.DEMAND, rng.LEAD_TIME, rng.SHRINK, rng.SCAN, rng.READING]
    purposes += [rng.READING_LOSS, rng.HAPPENS, rng.ADOPTION]
    assert len(set(purposes)) == 8
    assert max(purposes) < 256


def test_a_stream_is_a_stable_hash_of_the_name() -> None:
    # pinned: the hash is part of every scenario's luck
    assert rng.stream_of("a") == 0x0B0E7313BD1289
    assert rng.stream_of("dc/widget") == 0x1C8C4B7D656D8E
    assert rng.streams_of(["a", "b", "a"]).dtype == np.uint64
    assert rng.streams_of(["a", "b", "a"]).tolist() == [rng.stream_of(x) for x in "aba"]


def test_a_collision_of_two_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rng, "stream_of", lambda name: 7)
    with pytest.raises(ScenarioError, match=r"'x' and 'y' would share one random stream"):
        rng.streams_of(["x", "y"])


def test_normal_quantile_and_distribution_match_scipy() -> None:
    u = np.concatenate([np.geomspace(2.0**-53, 0.08, 60), np.linspace(0.02, 1 - 2.0**-53, 101)])
    ours = np.array([rng.normal_quantile(x) for x in u])
    assert np.abs(ours - special.ndtri(u)).max() < 1e-9
    z = np.linspace(-9, 9, 91)
    assert np.allclose([rng.normal_cdf(x) for x in z], special.ndtr(z), rtol=1e-13, atol=0)


def test_normal_quantile_is_monotone_across_its_branches() -> None:
    edges = [0.075, 0.925, np.exp(-25.0)]
    for u in edges:
        near = u + np.arange(-40, 41) * np.spacing(u)
        z = np.array([rng.normal_quantile(x) for x in near])
        assert np.all(np.diff(z) > -1e-14)


PROBE = """
import numpy as np
from twin import rng
out = np.empty(9)
rng.fill_uniforms(np.uint64(2**63 - 1), np.uint64(2**56 - 3), rng.SCAN, 4, 70000, out)
print([x.hex() for x in out.tolist()])
print([float(rng.normal_quantile(x)).hex() for x in (1e-14, 1e-3, *out)])
print([float(rng.normal_cdf(x)).hex() for x in (-7.0, -0.3, 0.0, 2.5)])
"""


def test_the_numbers_are_the_same_with_the_compiler_off() -> None:
    def probe(off: str) -> str:
        env = {**os.environ, "NUMBA_DISABLE_JIT": off}
        command = [sys.executable, "-W", "error", "-c", PROBE]
        root = Path(__file__).parents[1]
        done = subprocess.run(
            command, env=env, cwd=root, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert probe("0") == probe("1")

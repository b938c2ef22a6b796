"""Customer demand: laws, names as keys, multipliers, blocks, memory and compiled form."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.reference.luck import Luck
from twin import demand as module
from twin import rng
from twin.demand import compile_demand, draw_demand, draw_period
from twin.distributions import count_quantile, demand_factors, demand_moments
from twin.schema import Scenario
from twin.topology import Topology, build

SEED = np.uint64(11)
NONE = np.empty(0)
WEEK = {"weekly": [1.0, 1.0, 1.0, 1.0, 1.2, 1.5, 0.3]}
KINDS: dict[str, dict] = {
    "constant": {"kind": "constant", "mean": 8},
    "normal": {"kind": "normal", "mean": 10, "sd": 6},
    "poisson": {"kind": "poisson", "mean": 4.3},
    "negative_binomial": {"kind": "negative_binomial", "mean": 120, "variance_to_mean": 4},
    "intermittent": {
        "kind": "intermittent", "mean": 1.5, "variance_to_mean": 3, "probability": 0.3,
    },
    "lognormal": {"kind": "lognormal", "mean": 20, "cv": 0.7},
    "gamma": {"kind": "gamma", "mean": 20, "cv": 1.2},
    "recorded": {"kind": "recorded", "values": [3, 0, 7.5]},
}  # fmt: skip
RANDOM = [k for k in KINDS if k not in ("constant", "recorded")]


def network(*entries: dict, **given: object) -> Topology:
    """One market that sells what each demand entry asks for."""
    items = sorted({str(d["item"]) for d in entries})
    return build(
        Scenario(
            sites=[{"name": "market", "kind": "market"}],
            items=[{"name": i} for i in items],
            purchases=[{"site": "market", "item": i, "lead_time": 1} for i in items],
            demand=[{"site": "market", **d} for d in entries],
            **given,
        )
    )


def draws(
    top: Topology, n: int, t: int = 0, k0: int = 0, multiplier: np.ndarray = NONE, s: int = 0
) -> np.ndarray:
    tables = compile_demand(top.sinks, top.scenario)
    out = np.empty(n)
    draw_demand(tables, SEED, s, t, k0, multiplier, out)
    return out


def one(kind: str, **given: object) -> Topology:
    return network({"item": "sku", **KINDS[kind], **given}, horizon=60)


@pytest.mark.parametrize("kind", RANDOM)
def test_drawn_demand_has_the_stated_moments(kind: str) -> None:
    n = 100_000
    drawn = draws(one(kind), n)
    mean, variance = demand_moments(one(kind).sinks[0].demand)
    assert drawn.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / n))
    spread = np.sqrt(np.mean((drawn - mean) ** 4) / n)  # standard error of the variance
    assert drawn.var() == pytest.approx(variance, abs=4 * spread)


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        ("lognormal", stats.lognorm(s=np.sqrt(np.log(1.49)), scale=20 / np.sqrt(1.49))),
        ("gamma", stats.gamma(a=1 / 1.44, scale=20 * 1.44)),
    ],
)
def test_continuous_demand_passes_kolmogorov_smirnov(kind: str, law: object) -> None:
    assert stats.kstest(draws(one(kind), 20_000), law.cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("kind", "law"),
    [("poisson", stats.poisson(4.3)), ("negative_binomial", stats.nbinom(40, 0.25))],
)
def test_count_demand_has_the_frequencies_of_its_law(kind: str, law: object) -> None:
    n = 20_000
    drawn = draws(one(kind), n)
    edges = np.unique(law.ppf(np.linspace(0.02, 0.98, 15)))
    expected = np.diff([0.0, *law.cdf(edges), 1.0]) * n
    seen = np.diff([0, *(np.sum(drawn <= e) for e in edges), n])
    assert stats.chisquare(seen, expected).pvalue > 0.01


def test_intermittent_demand_is_nothing_or_a_whole_size() -> None:
    drawn = draws(one("intermittent"), 50_000)
    assert np.mean(drawn == 0) == pytest.approx(0.7, abs=0.01)
    assert np.array_equal(drawn, np.floor(drawn))
    assert drawn[drawn > 0].mean() == pytest.approx(5, abs=0.1)


@pytest.mark.nojit
@pytest.mark.parametrize("kind", KINDS)
def test_no_block_and_no_multiplier_of_one_changes_a_bit(kind: str) -> None:
    top = one(kind, season=WEEK) if kind != "recorded" else one(kind)
    whole = draws(top, 24, t=2, k0=5)
    assert draws(top, 24, t=2, k0=5, multiplier=np.ones(24)).tobytes() == whole.tobytes()
    parts = [draws(top, n, t=2, k0=k0) for k0, n in ((5, 1), (6, 16), (22, 7))]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    luck = Luck(top, int(SEED), 9)
    assert luck.demand(top.sinks[0].name, 2, 1.0) == whole[4]


@pytest.mark.nojit
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("changed", [False, True])
def test_a_whole_period_holds_the_draws_of_its_sinks(width: int, changed: bool) -> None:
    top = network(*({"item": k, **d, "season": WEEK} for k, d in KINDS.items()), horizon=9)
    n = len(top.sinks)
    tables = compile_demand(top.sinks, top.scenario)
    tables.counts.heads["guide_size"][0] = 0  # one count as if there were no room for its table
    factors = np.tile([1.0, 0.5, 2.0], n)[: n * width] if changed else NONE
    out = np.empty(n * width)
    draw_period(tables, SEED, 2, 7, factors, out)
    for s in range(n):
        part = slice(s * width, (s + 1) * width)
        single = draws(top, width, t=2, k0=7, multiplier=factors[part], s=s)
        assert out[part].tolist() == single.tolist()


@pytest.mark.parametrize("kind", RANDOM)
def test_demand_rises_with_its_uniform_number(kind: str) -> None:
    n = 3_000
    u = np.empty(n)
    top = one(kind)
    stream = np.uint64(rng.stream_of(top.sinks[0].name))
    rng.fill_uniforms(SEED, stream, rng.DEMAND, 0, 0, u)
    assert np.all(np.diff(draws(top, n)[np.argsort(u)]) >= -1e-12)


def test_count_demand_is_the_exact_quantile_of_the_scaled_mean() -> None:
    top = one("negative_binomial", season=WEEK)
    factor = demand_factors(top.sinks[0].demand, top.scenario.calendar, 60)
    stream = np.uint64(rng.stream_of(top.sinks[0].name))
    m = np.array([1.0, 0.0, 0.4, 2.5])
    for t in range(8):
        u = [rng.uniform(SEED, stream, rng.DEMAND, t, k) for k in range(4)]
        expected = [count_quantile(120 * factor[t] * m[k], 4.0, u[k]) for k in range(4)]
        assert draws(top, 4, t=t, multiplier=m).tolist() == expected


@pytest.mark.parametrize("kind", ["constant", "normal", "lognormal", "gamma"])
def test_continuous_demand_is_multiplied(kind: str) -> None:
    m = np.array([0.0, 0.5, 3.0])
    seasonal = draws(one(kind, season={"weekly": [7, 0, 0, 0, 0, 0, 0]}), 3, t=4, multiplier=m)
    assert seasonal == pytest.approx(7 * m * draws(one(kind), 3, t=4))  # 5 January is a Monday


@pytest.mark.parametrize("m", [0.0, 0.1, 0.6, 2.0])
def test_the_multiplier_scales_the_mean_of_intermittent_demand(m: float) -> None:
    n = 60_000
    drawn = draws(one("intermittent"), n, multiplier=np.full(n, m))
    assert drawn.mean() == pytest.approx(1.5 * m, abs=4 * drawn.std() / np.sqrt(n))
    chance = 0.3 * min(1.0, 5 * m)
    assert np.mean(drawn > 0) == pytest.approx(chance, abs=0.01)


def test_a_season_scales_intermittent_demand_like_a_multiplier() -> None:
    n = 500
    seasonal = draws(one("intermittent", season={"weekly": [13, 1, 0, 0, 0, 0, 0]}), n, t=5)
    assert np.array_equal(seasonal, draws(one("intermittent"), n, t=5, multiplier=np.full(n, 0.5)))


def test_recorded_demand_is_replayed_and_nothing_after_the_end() -> None:
    top = one("recorded", season=WEEK)
    assert [draws(top, 1, t=t)[0] for t in range(5)] == [3, 0, 7.5, 0, 0]
    assert draws(top, 2, t=2, multiplier=np.array([2.0, 1.0])).tolist() == [15, 7.5]


def test_luck_belongs_to_the_name_of_a_sink_not_to_its_place() -> None:
    b = {"item": "b", **KINDS["negative_binomial"]}
    others = [{"item": i, **KINDS[k]} for i, k in (("a", "poisson"), ("c", "gamma"))]
    alone, among = network(b), network(*others, b)
    place = next(s.index for s in among.sinks if s.name == "market/b/customers")
    assert place > 0
    assert draws(among, 40, s=place).tobytes() == draws(alone, 40).tobytes()
    renamed = network({**b, "customer": "others"})
    assert not np.array_equal(draws(renamed, 40), draws(alone, 40))


def test_many_distinct_factors_move_a_mean_by_less_than_a_thousandth() -> None:
    top = network({"item": "sku", **KINDS["negative_binomial"], "trend": 0.05}, horizon=3000)
    tables = compile_demand(top.sinks, top.scenario)
    assert tables.level_table.size < 410
    table = tables.level_table[tables.level[0]]
    expected = 120 * demand_factors(top.sinks[0].demand, top.scenario.calendar, 3000)
    assert tables.counts.heads["mean"][table] == pytest.approx(expected, rel=5.1e-4)


def test_many_distinct_means_share_tables_on_a_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [{"item": f"i{i}", "mean": 100 + i / 1000} for i in range(40)]
    exact = compile_demand((top := network(*entries)).sinks, top.scenario)
    assert exact.counts.heads.size == 40
    monkeypatch.setattr(module, "MAX_MEANS", 39)
    coarse = compile_demand(top.sinks, top.scenario)
    assert coarse.counts.heads.size <= 2
    means = [t.counts.heads["mean"][t.level_table] for t in (exact, coarse)]
    assert means[1] == pytest.approx(means[0], rel=5.1e-4)


def test_sinks_of_equal_demand_share_pattern_and_table() -> None:
    entries = [{"item": f"i{i}", **KINDS["poisson"], "season": WEEK} for i in range(30)]
    top = network(*entries)
    tables = compile_demand(top.sinks, top.scenario)
    assert tables.factor.shape == (1, 365)
    assert tables.counts.heads.size == len(set(WEEK["weekly"]))


def test_gamma_demand_of_many_shapes_shares_tables_on_a_grid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = [
        {"item": f"i{i}", "kind": "gamma", "mean": 9, "cv": 0.5 + i / 1e5} for i in range(12)
    ]
    top = network(*entries)
    assert compile_demand(top.sinks, top.scenario).gamma.shape == (12, 2, 512)
    monkeypatch.setattr(module, "MAX_GAMMAS", 11)
    assert compile_demand(top.sinks, top.scenario).gamma.shape == (1, 2, 512)


PROBE = """
import numpy as np
from tests.test_demand import KINDS, SEED, compile_demand, draw_demand, network, NONE
top = network(*({"item": k, **d} for k, d in KINDS.items()), horizon=30)
tables = compile_demand(top.sinks, top.scenario)
for s in range(len(top.sinks)):
    for multiplier in (NONE, np.array([1.0, 0.3, 2.0])):
        out = np.empty(3)
        draw_demand(tables, SEED, s, 2, 1000, multiplier, out)
        print(top.sinks[s].name, [x.hex() for x in out.tolist()])
"""

LOOPS = ["_draw_single_counts", "_draw_normal", "_draw_lognormal", "_draw_gamma", "_fill", "_scale"]

COUNT_REFERENCES = """
import os, re, tempfile
os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp()
import numpy as np
from tests.test_demand import LOOPS, NONE, SEED, one, draws
from twin import demand
draws(one("poisson"), 2)
top = one("poisson")
tables = demand.compile_demand(top.sinks, top.scenario)
demand.draw_period(tables, SEED, 0, 0, NONE, np.empty(1))
for name in LOOPS:
    (ir,) = getattr(demand, name).inspect_llvm().values()
    body = next(b for b in re.findall(r"define [^\\n]*\\{.*?\\n\\}", ir, re.S) if name in b[:200])
    print(name, body.count("@NRT_incref"))
print("draw_demand", len(demand.draw_demand.signatures))
"""


def run(code: str, jit_off: str) -> str:
    root = Path(__file__).parents[1]
    env = {**os.environ, "NUMBA_DISABLE_JIT": jit_off, "PYTHONPATH": str(root)}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=env, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def test_every_kind_draws_the_same_bits_with_the_compiler_off() -> None:
    assert run(PROBE, "0") == run(PROBE, "1")


def test_the_loops_over_replications_count_no_references() -> None:
    *loops, signatures, _ = run(COUNT_REFERENCES, "0").split("\n")
    assert loops == [f"{name} 0" for name in LOOPS]
    assert signatures == "draw_demand 1"

"""Paired differences against a base run, tails, and the table of all replications."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import twin
from tests.study.cases import CUT, asked, run, tables
from twin.errors import RunError
from twin.study import Study, cvar

KPIS = ["running_cost", "on_time", "loss_area"]
POINT = {"cut": "store", "length": 2}


@pytest.fixture(scope="module")
def found() -> Study:
    return run(asked(outputs=KPIS, replications=6, base={"cut": "plant", "length": 2}))


def test_differences_are_those_of_twin_compare(found: Study) -> None:
    change = {"families.tables.decoupling_point": "store"}
    base = twin.apply(tables(), {"disruptions.fire.duration": 2})
    wanted = twin.compare(base, set=change, replications=6)
    table = found.differences()
    table = table[(table.cut == "store") & (table.length == 2)].set_index("metric")
    for name in KPIS:
        row = wanted.row(name)
        for key in ("difference", "low", "high", "clear", "n", "unit"):
            assert table[key][name] == row[key], (name, key)


def test_what_one_replication_shows_is_not_clear(found: Study) -> None:
    assert found.differences()["clear"].any()
    once = run(asked(outputs=KPIS, replications=1)).differences()
    assert (once["difference"].abs() > 0).any()
    assert not once["clear"].any()


def test_pairing_is_worth_it(found: Study) -> None:
    """Common luck: the difference of costs is known far better than either cost."""
    cost = found.frame().set_index(["point", "metric"]).half_width
    paired = found.differences(metrics=["running_cost"]).half_width
    assert paired.max() < 0.5 * min(cost[p, "running_cost"] for p in range(4))


def test_a_base_may_be_named_by_its_factors_or_number(found: Study) -> None:
    by_name, by_number = found.differences(base=POINT), found.differences(base=2)
    assert found.frame().set_index("point").cut[2].iloc[0] == "store"
    pd.testing.assert_frame_equal(by_name, by_number)
    both = found.differences(base=0).set_index(["point", "metric"]).difference
    back = by_number.set_index(["point", "metric"]).difference
    assert both[2, "running_cost"] == pytest.approx(-back[0, "running_cost"], rel=1e-12)


@pytest.mark.parametrize("base", [9, {"cut": "plant"}, {"cut": "moon"}, {"kut": "plant"}, "plant"])
def test_a_base_that_is_none_or_several_is_refused(found: Study, base: object) -> None:
    with pytest.raises(RunError):
        found.differences(base=base)


def test_all_replications_can_be_had_one_a_row(found: Study) -> None:
    long = found.frame(replications=True)
    assert len(long) == 4 * len(KPIS) * 6
    mean = long.groupby(["point", "metric"]).value.mean()
    short = found.frame().set_index(["point", "metric"])["mean"]
    assert np.allclose(mean.sort_index(), short.sort_index(), rtol=1e-12)
    assert list(long.replication[:6]) == list(range(6))


def test_the_tail_of_a_cost_is_above_its_mean_and_that_of_service_below(found: Study) -> None:
    frame = found.frame().set_index(["point", "metric"])["mean"]
    for name, sign in (("running_cost", 1), ("on_time", -1)):
        tail = found.tails(name, 0.5).set_index("point")
        values = found.values(1, name)
        assert tail.cvar[1] == cvar(values, 0.5, "high" if sign > 0 else "low")
        assert all(sign * (tail.cvar[p] - frame[p, name]) >= 0 for p in range(4))


def test_a_tail_of_few_values_has_no_interval() -> None:
    found = run({"factors": CUT, "replications": 50, "outputs": ["running_cost"]})
    few, many = found.tails("running_cost", 0.9), found.tails("running_cost", 0.5)
    assert few.low.isna().all()
    assert (many.low < many.cvar).all()
    assert (many.cvar < many.high).all()


def test_everything_is_plain_data_as_well(found: Study) -> None:
    told = json.loads(json.dumps(found.to_json_dict(), allow_nan=False))
    assert len(told["results"]) == 12
    assert told["manifest"]["study"]["factors"]["cut"] == {"family": "tables"}
    assert found.summary().startswith("study: 4 runs, seed 1")

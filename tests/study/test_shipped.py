"""The studies that come along: each runs small, and says what its text promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.study import Study, shipped, study
from twin.study.files import read

NAMES = [name for name, _, _ in shipped()]


def small(name: str, **more: object) -> Study:
    """Run a shipped study with few replications and 200 days."""
    told = read(name).study.model_dump(exclude_unset=True, by_alias=True)
    told |= {"until": None, "replications": 3, "set": {"horizon": 260}, **more}
    return study(told, threads=2)


def test_every_file_in_the_folder_is_shipped_under_its_own_name() -> None:
    folder = Path(__file__).parents[2] / "configs/studies"
    assert sorted(path.stem for path in folder.glob("*")) == NAMES
    for name, title, path in shipped():
        assert title
        assert read(path).study.name == name


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_study_can_be_asked_for_by_name(name: str) -> None:
    assert read(name.replace("-", "_")).study == read(name).study


def test_pull_from_further_up_serves_fewer_in_time_and_outages_serve_fewer() -> None:
    found = small("decoupling-under-outage").frame()
    share = found[found.metric == "on_time"].set_index(["cut", "shock"])["mean"]
    cuts = ["components", "boards", "assembly"]
    calm = [share[cut, "calm"] for cut in cuts]
    assert calm == sorted(calm)
    for cut in ("boards", "assembly", "dc", "market"):
        assert share[cut, "calm"] > share[cut, "45 days"]
    loss = found[found.metric == "loss_area"].set_index(["cut", "shock"])["n"]
    assert loss["boards", "calm"] == 0  # nothing lost where nothing happens: undefined


def test_every_lever_is_pulled_alone() -> None:
    found = small("levers-of-a-shop")
    table = found.frame().drop_duplicates("point").set_index("point")
    base = table.loc[0, list(found.factors)]
    moved = [(row[list(found.factors)] != base).sum() for _, row in table.iloc[1:].iterrows()]
    assert set(moved) == {1}
    costs = found.differences(metrics=["running_cost"]).set_index("point")
    capital = table.index[(table.capital == 0.4)][0]
    assert costs.difference[capital] > 0
    assert costs.clear[capital]

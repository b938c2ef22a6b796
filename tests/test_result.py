"""Results: tables, series, files, text, and that equal runs give equal results."""

from __future__ import annotations

import json
import os
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import twin
import viz
from tests.kpi_cases import factory, serial, shop
from twin.errors import OutputError, RunError, ScenarioError, TwinError
from twin.result import Result


@pytest.fixture(scope="module")
def result() -> Result:
    return twin.run(factory(), record=["rows.on_hand", "sinks.demand", "links.on_way"])


# ----------------------------------------------------------------------------------- tables


def test_the_kpi_table_is_tidy(result: Result) -> None:
    frame = result.kpis
    assert list(frame) == ["kpi", "value", "low", "high", "unit", "better", "group", "n"]
    assert frame.kpi.is_unique
    row = frame.set_index("kpi").loc["inventory"]
    assert row.low < row.value < row.high
    assert row["value"] == pytest.approx(result.per_replication.inventory.mean())


def test_a_kpi_is_at_hand_by_name(result: Result) -> None:
    assert result["fill_rate"] == pytest.approx(result.per_replication.fill_rate.mean())
    with pytest.raises(RunError, match="did you mean 'fill_rate'"):
        result["fil_rate"]


@pytest.mark.parametrize("what", ["stage", "site", "owner", "item"])
def test_places_add_up_to_the_whole(result: Result, what: str) -> None:
    table = getattr(result, f"by_{what}")()
    assert table.index.name == what
    assert table.stock.sum() == pytest.approx(result["inventory"])
    assert table.stock_value.sum() == pytest.approx(result["inventory_value"])
    assert table.cost.sum() == pytest.approx(result["cost_per_period"])
    lines = [c for c in table if c.endswith("_cost")]
    np.testing.assert_allclose(table[lines].sum(axis=1), table.cost)


def test_service_stands_only_where_customers_order(result: Result) -> None:
    fill = result.by_site().fill_rate
    assert fill["store"] == pytest.approx(result["fill_rate"], rel=0.05)
    assert np.isnan(fill["works"])


# ----------------------------------------------------------------------------------- series


def test_a_history_has_dates_down_and_replications_across(result: Result) -> None:
    frame = result.history("rows.on_hand", site="store")
    assert frame.shape == (30, 3)
    assert str(frame.index[1].date()) == "2026-01-02"
    assert frame.to_numpy().mean() == pytest.approx(result.by_site().stock["store"])


def test_a_history_of_several_things_names_them(result: Result) -> None:
    assert set(result.history("rows.on_hand").columns.get_level_values(0)) == {
        "store/table", "works/table", "works/wood",
    }  # fmt: skip
    assert result.history("links.on_way", item="table").shape == (30, 2 * 3)


def test_weeks_and_long_horizons_have_dates() -> None:
    long = shop(calendar={"period": "week"}, horizon=20_000, replications=1)
    dates = twin.run(long, record=["rows.on_hand"]).history("rows.on_hand").index
    assert (dates[1] - dates[0]).days == 7
    assert dates[-1].year == 2026 + 383


def test_bands_are_quantiles_over_replications_of_the_sum_over_things(result: Result) -> None:
    bands = result.bands("rows.on_hand", quantiles=[0, 0.5, 1])
    whole = result.series["rows.on_hand"].sum(axis=1)
    np.testing.assert_allclose(bands[0.5], np.median(whole, axis=1))
    np.testing.assert_allclose(bands[1], whole.max(axis=1))


def test_a_series_that_is_not_there_is_named_with_what_is(result: Result) -> None:
    with pytest.raises(RunError, match=r"was not recorded; did you mean 'rows.on_hand'\?"):
        result.history("rows.onhand")
    with pytest.raises(RunError, match=r"nothing matches 'stor/\*'"):
        result.history("rows.on_hand", site="stor")


def test_small_runs_record_a_light_set_and_large_ones_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sinks.owed" in twin.run(shop()).series
    assert not twin.run(shop(), record=()).series
    monkeypatch.setitem(twin.run.__globals__, "LIGHT", 10 * 4 * 3)
    assert list(twin.run(shop()).series) == ["rows.on_hand", "rows.backlog", "rows.order"]


# ------------------------------------------------------------------------------- sameness


def same(result: Result) -> dict:
    return {k: v for k, v in json.loads(result.to_json()).items() if k != "timing"}


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads() -> None:
    scenario = factory(replications=40)
    one, two = (twin.run(scenario, threads=n).to_json_dict() for n in (1, 3))
    assert one.pop("timing") != two.pop("timing")
    assert json.dumps(one) == json.dumps(two)


def test_another_seed_gives_other_luck() -> None:
    assert same(twin.run(factory())) != same(twin.run(factory(), seed=2))


def test_a_replication_of_many_is_the_same_alone() -> None:
    many, alone = (twin.run(serial(2), replications=n).per_replication for n in (70, 1))
    pd.testing.assert_frame_equal(many.iloc[:1], alone, check_exact=True)


def test_json_has_no_undefined_numbers(result: Result) -> None:
    assert result["tts"] != result["tts"]
    told = json.loads(result.to_json(), parse_constant=lambda x: pytest.fail(x))
    assert {row["kpi"]: row["value"] for row in told["kpis"]}["tts"] is None


def test_the_manifest_tells_what_ran(result: Result) -> None:
    told = result.manifest
    assert told["scenario"] == {"name": "factory", "title": "", "hash": factory().hash()}
    assert (told["seed"], told["replications"]) == (1, 3)
    assert set(told["packages"]) >= {"numpy", "numba"}
    assert set(told["timing"]) == {"started", "seconds", "threads"}


# ------------------------------------------------------------------------------ the call


def test_a_run_takes_changes_by_key_and_by_dotted_key() -> None:
    result = twin.run(shop(), horizon=5, set={"stock[0].policy.level": 1000})
    assert (result.scenario.horizon, result["fill_rate"]) == (5, 1)


def test_a_run_takes_a_name_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    twin.save(shop(), path)
    assert same(twin.run(path)) == same(twin.run(str(path)))
    assert twin.run("beer-game")["total_cost"] == pytest.approx(204)


def test_a_wrong_word_is_told() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'horizon'"):
        twin.run(shop(), horizn=5)


def test_progress_ends_at_all_of_it_even_with_an_undisrupted_twin() -> None:
    told: list[tuple[int, int]] = []
    twin.run(serial(1), progress=lambda *x: told.append(x))
    assert told == sorted(told)
    assert told[-1] == (2 * 2 * 250, 2 * 2 * 250)


def test_a_cancelled_run_stops() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(RunError, match="cancelled"):
        twin.run(shop(), cancelled=stop)


def test_resilience_needs_its_undisrupted_twin() -> None:
    assert np.isnan(twin.run(serial(1), baseline=False)["loss_area"])


def test_a_run_too_large_for_resilience_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(twin.run.__globals__, "HEAVY", 10)
    result = twin.run(serial(1))
    assert np.isnan(result["tts"])
    assert "resilience KPIs are left out" in result.summary()


# ----------------------------------------------------------------------------- text, files


def test_the_summary_is_short_and_in_the_scenarios_money() -> None:
    result = twin.run("beer-game")
    text = result.summary()
    assert "Beer game, benchmark play: 1 x 36 weeks, seed 1" in text
    assert "204 USD" in text
    assert len(text.splitlines()) < 15
    assert text in repr(result)


def test_parquet_files_hold_the_tables(result: Result, tmp_path: Path) -> None:
    paths = result.to_parquet(tmp_path / "out")
    assert {p.name for p in paths} == set(os.listdir(tmp_path / "out"))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "kpis.parquet"), result.kpis)
    long = pd.read_parquet(tmp_path / "out" / "rows_on_hand.parquet")
    assert list(long) == ["date", "row", "replication", "on_hand"]
    store = long[(long.row == "store/table") & (long.replication == 1)].on_hand
    wanted = result.history("rows.on_hand", site="store")[1]
    np.testing.assert_array_equal(store, wanted)


def test_csv_files_are_the_same_for_the_same_run(tmp_path: Path) -> None:
    for n in (1, 2):
        twin.run(shop()).to_csv(tmp_path / str(n))
    for path in (tmp_path / "1").glob("*.csv"):
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()


def test_files_that_cannot_all_be_written_leave_nothing(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OutputError, match="No space left on device"):
        result.to_csv(tmp_path / "out")
    assert not os.listdir(tmp_path)


def test_a_file_in_the_folders_place_is_told(result: Result, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="give another folder"):
        result.to_csv(tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out").read_text() == "mine"


def test_a_drawing_is_written_whole_or_not_at_all(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Figure:
        def savefig(self, path: Path) -> None:
            path.write_text("half")
            if path.suffix != ".png":
                msg = "Format 'xyz' is not supported"
                raise ValueError(msg)

    picture = types.ModuleType("viz.picture")
    picture.draw = lambda drawn: Figure() if drawn is result else None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "viz.picture", picture)
    monkeypatch.setattr(viz, "picture", picture, raising=False)
    assert isinstance(result.plot(tmp_path / "a.png"), Figure)
    with pytest.raises(OutputError, match="'xyz' is not supported"):
        result.plot(tmp_path / "a.xyz")
    assert os.listdir(tmp_path) == ["a.png"]


def test_drawing_without_matplotlib_says_what_to_install(
    result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [m for m in sys.modules if m.startswith(("matplotlib", "viz"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(TwinError, match=r"pushpull-twin\[plot\]"):
        result.plot()

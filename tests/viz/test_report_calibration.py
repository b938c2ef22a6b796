"""The report of a calibration: its words agree with its numbers, and every figure has its data."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import twin
from calibration import check, emulate
from calibration.calibrate import calibrate
from calibration.check import Known
from calibration.evidence import evidence
from calibration.live.batches import from_frame
from calibration.store import Store
from tests.viz.test_report import HOSTILE, Reader
from twin.cli import app
from twin.load import load_text
from viz.report import Panels, Tiles, render
from viz.report_calibration import calibration_report, save, verdict
from viz.report_calibration_changes import changes
from viz.report_calibration_tables import points

CHAIN = """{name: pair, horizon: 280, seed: 3, sites: [{name: centre}, {name: shop}], items: [{name: tea}],
 lanes: [{from: centre, to: shop, lead_time: 3}], purchases: [{site: centre, item: tea, lead_time: 4}],
 stock: [{policy: {kind: base_stock, safety_factor: 1.5}, forecast: {sees: orders, smoothing: 0.2}},
   {where: {site: shop}, policy: {kind: base_stock, level: 60}}],
 demand: [{site: shop, item: tea, kind: negative_binomial, mean: 12, variance_to_mean: 3}],
 devices: [{kind: cycle_count, period: 14}]}"""


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return emulate.events(load_text(CHAIN))


@pytest.fixture(scope="module")
def start() -> twin.Scenario:
    wrong = [{"policy": {"kind": "base_stock", "level": 30}, "forecast": {"sees": "orders"}}]
    return twin.apply(
        load_text(CHAIN), {"stock": wrong, "lanes[0].lead_time": 6, "demand[0].mean": 20}
    )


def calibrated(events, start, kinds):
    done = calibrate(events, start, seed=5, simulations=256, kinds=kinds)
    return json.loads(json.dumps(done.to_dict())), done.scenario


@pytest.fixture(scope="module")
def found(events, start):
    return calibrated(events, start, ("base_stock", "base_stock_forecast"))


@pytest.fixture(scope="module")
def report(found, events, start):
    known = Known(
        start, check.backtest(events, found[1]), evidence(events, found[1], start), SHARES
    )
    return calibration_report(*found, known)


SHARES = pd.DataFrame(
    [("on_time", "lanes.centre->shop.lead_time", "", 0.3, 0.2, 0.4), ("on_time", "together", "", 0.0, 0.0, 0.1),
     ("on_time", "luck", "", 0.7, 0.6, 0.8)],
    columns=["kpi", "what", "inputs", "share", "low", "high"],
)  # fmt: skip


def made(p_values, held, flagged=()):
    """Return findings with stock points of given p-values and held-out checks."""
    rows = [
        {"name": f"s{i}/tea", "reason": "", "kind": "base_stock", "kinds": {"base_stock": 1.0},
         "identified": [], "orders": 90, "draws": {"policy.level": [1.0]}, "ranges": {}, "p_value": p,
         "worst": [["books", 2.0]], "pit": {"books": 0.5}, "notes": [],
         "held_out": {"periods": 50, "coverage": 1.0, "crps": h[0], "baseline": h[1], "orders": 0.5}}
        for i, (p, h) in enumerate(zip(p_values, held, strict=True))
    ]  # fmt: skip
    return {"points": rows, "flagged": list(flagged), "estimates": [], "decoupling": {},
            "not_identified": [], "data": "x", "seed": 1, "simulations": 64, "version": "1"}  # fmt: skip


def told(p_values, held, flagged=()):
    found = made(p_values, held, flagged)
    report = calibration_report(found, load_text(CHAIN))
    tiles = next(b for b in report.page.sections if isinstance(b, Tiles)).tiles
    words = " ".join(verdict(found, points(found, load_text(CHAIN))))
    return words, {tile.name: tile for tile in tiles}


def test_stock_that_never_varies_counts_neither_for_nor_against_the_model():
    words, tiles = told([0.4, 0.5, 0.6, 0.7], [(0.0, 0.0)] * 3 + [(1.0, 9.0)])
    assert tiles["Better than a guess"].value == "1 of 1"
    assert "that of 1 of 1 stock points is predicted better" in words
    assert "At 3 the stock by the books does not vary" in words
    assert "no stock point contradict the model (smallest p 0.400, s0/tea)" in words


def test_words_name_whom_a_guess_beats():
    words, tiles = told([0.4, 0.5], [(5.0, 3.0), (1.0, 9.0)])
    assert (tiles["Better than a guess"].value, tiles["Better than a guess"].tone) == (
        "1 of 2",
        "bad",
    )
    assert (
        "1 of 2 stock points is predicted better than by a guess from its past, that of s0/tea is not"
        in words
    )


def test_a_histogram_and_a_curve_that_leave_their_band_are_named_in_the_first_words(events, start):
    many = [0.02] * 18 + [0.5] * 2
    found = made(many, [(0.0, 0.0)] * 20)
    wrong = evidence(events, start, None)  # its lead time and demand are not those of the data
    page = calibration_report(found, load_text(CHAIN), Known(evidence=wrong)).page
    words = page.sections[1].text
    assert "histograms leave the band of a right model" in words
    assert "Misfit p-values of stock points" in words
    assert "Data leave the band of their calibrated law at shop/tea" in words
    calm = calibration_report(
        made(np.linspace(0.02, 0.99, 20), [(0.0, 0.0)] * 20), load_text(CHAIN)
    )
    assert "Misfit" not in calm.page.sections[1].text


def test_what_is_not_identified_is_said_with_the_range_that_runs_draw_from():
    found = made([0.4, 0.5], [(1.0, 9.0)] * 2) | {"not_identified": ["s0/tea shrink"]}
    row = {"name": "shrink", "low": 0.25, "middle": 2.5, "high": 4.75, "width": 0.97}
    found["points"][0] |= {
        "identified": [row | {"identified": False}],
        "ranges": {"shrink": [0.0, 5.0]},
    }
    report = calibration_report(found, load_text(CHAIN))
    page = Reader(render(report.page)).text
    assert "1 is not identified: there the prior is kept." in page
    (table,) = [
        b for b in report.page.sections if getattr(b, "title", "") == "What is not identified"
    ]
    assert table.rows[0][:3] == ["s0/tea", "shrink", "0.25 to 4.75"]
    (panels,) = [b for b in report.page.sections if isinstance(b, Panels) and "hidden" in b.title]
    assert "s0/tea shrink 0.25 to 4.75 of 0 to 5" in panels.figures[0].text


def test_a_point_that_does_not_fit_is_said_to_keep_the_rule_of_the_start_and_why(events, start):
    found, scenario = calibrated(events, start, ("order_driven",))
    report = calibration_report(found, scenario, Known(start))
    page = Reader(render(report.page)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "The model does not fit" in page
    assert "contradict" not in page
    kept = report.data["changes"].set_index("what")["kept"]
    assert kept["way of ordering of shop/tea"].startswith("does not fit: no way of ordering")
    rows = report.data["points"].set_index("point")
    assert rows["flagged"].all()
    assert (rows["p_value"] <= 0.01).all()
    assert page.count("kept: does not fit") == 2
    assert "2 stock points keep the start's rule (does not fit: no way of ordering" in page


def test_what_changed_has_both_values_the_interval_and_the_rows_large_changes_first(
    found, events, start
):
    table = changes(found[0], start, found[1], evidence(events, found[1], start).orders)
    rows = table.set_index("what")
    lane = rows.loc["lead time of centre → shop"]
    assert (lane["before"], lane["after"], lane["of"]) == ("6", "3", "trips")
    mean = rows.loc["mean demand of shop/tea"]
    estimate = next(e for e in found[0]["estimates"] if e["name"] == "mean demand of shop/tea")
    assert (mean["before"], mean["low"], mean["high"]) == ("20", estimate["low"], estimate["high"])
    assert mean["n"] == 280
    assert mean["rows"]
    assert (
        rows.loc[rows.index.str.contains("lead time of .* → centre"), "size"].item() == 0
    )  # 4 periods in both
    live = table[table["kept"] == ""]["size"].tolist()
    assert live == sorted(live, reverse=True)
    factor = rows.loc["safety factor of centre/tea"]
    assert (factor["before"], factor["remark"]) == ("1.65", "")
    assert factor["low"] <= 1.5 <= factor["high"]
    assert rows.loc["noise of devices[0]", "size"] == 0  # 0 and 1e-16 look alike


def test_a_law_of_another_kind_is_compared_by_what_its_values_mean(found, start):
    other = twin.apply(
        start, {"demand[0]": {"site": "shop", "item": "tea", "kind": "poisson", "mean": 20}}
    )
    rows = changes(found[0], other, found[1]).set_index("what")
    kinds = rows.loc["kind of demand of shop/tea", ["before", "after"]].tolist()
    assert kinds == ["poisson", "gamma"]
    assert rows.loc["deviation over mean of demand of shop/tea", "before"] == "0.22"  # 1 / sqrt(20)


def test_every_picture_says_where_its_numbers_are_and_they_are_there(report, tmp_path):
    folder = save(report, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    named = set(re.findall(r"(\w+)\.csv", text))
    assert {"changes", "curves", "shares", "inferred", "points", "histograms", "forecasts"} <= named
    for name in named:
        assert len(pd.read_csv(folder / f"{name}.csv").columns) > 1
    blocks = [b for b in report.page.sections if isinstance(b, Panels)]
    assert len(blocks) >= 5
    for figure in (f for b in blocks for f in b.figures):
        assert len(figure.text) > 30
        assert "<svg" in figure.svg


def test_the_curve_file_holds_what_was_seen(report, events):
    curve = report.data["curves"].query("kind == 'demand'")
    orders = events[(events["kind"] == "order") & (events["partner"] == "")]
    share = (orders["qty"].to_numpy()[:, None] <= curve["x"].to_numpy()).mean(axis=0)
    assert np.abs(share - curve["seen"]).max() < 1e-9


def test_the_page_needs_no_network_and_a_hostile_name_stays_text(report):
    page = render(report.page)
    assert not re.search(r"https?://(?!www\.w3\.org)|<script|@import", page)
    bad = made([0.4, 0.5], [(1.0, 2.0)] * 2)
    bad["points"][0]["name"] = HOSTILE
    reader = Reader(render(calibration_report(bad, load_text(CHAIN)).page))
    assert reader.count("script") == 0
    assert "alert(1)" in reader.text


def test_what_is_not_on_the_page_is_said_with_how_to_get_it():
    page = Reader(render(calibration_report(made([0.4], [(1.0, 2.0)]), load_text(CHAIN)).page)).text
    for wanted in ("--store STORE", "--shares", "calibrate again"):
        assert wanted in page


def test_a_calibration_is_kept_with_its_start_and_read_again(events, start, tmp_path):
    done = calibrate(events, start, seed=5, simulations=64, kinds=("base_stock",))
    check.write(done, tmp_path / "c.yaml")
    found = check.read(tmp_path / "c.yaml")
    assert check.start_of(found) == start
    assert check.gather(found, done.scenario) == Known(start)
    assert check.start_of({"points": []}) is None


def test_events_that_the_calibration_did_not_use_are_told_and_an_empty_store_is_refused(
    events, start, tmp_path
):
    rows = from_frame(events)
    of = {"same": rows, "other": [e._replace(site="mill") for e in rows], "none": []}
    for name, part in of.items():
        with Store(tmp_path / f"{name}.db") as store:
            store.add(part)
    with Store(tmp_path / "same.db", write=False) as store:
        sources = events, store
        both = [calibrate(s, start, seed=5, simulations=64, kinds=("base_stock",)) for s in sources]
    for done in both:  # of a table and of a store
        assert not check.gather(done.to_dict(), done.scenario, tmp_path / "same.db").strange
    check.write(done, tmp_path / "c.yaml")
    asked = ["report", f"{tmp_path}/c.yaml", "-o", f"{tmp_path}/p.html", "--store"]
    told = CliRunner().invoke(app, [*asked, f"{tmp_path}/other.db"])
    assert told.exit_code == 0
    assert "other.db are not those that the calibration used" in told.output
    page = Reader((tmp_path / "p.html").read_text("utf-8")).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "other.db are not those that the calibration used" in page
    assert "no event is of a stock point of 'pair'" in page
    refused = CliRunner().invoke(app, [*asked, f"{tmp_path}/none.db", "--force"])
    assert refused.exit_code != 0
    assert "there are no events in it" in " ".join(refused.output.split())


def test_a_limit_that_was_never_met_is_shown_as_not_identified():
    of = {"value": 20.0, "method": "never met for sure", "note": "it stays", "refs": [], "n": 0,
          "key": "purchases.centre/tea.capacity", "sets": {}, "draws": []}  # fmt: skip
    ends = {"low": float("nan"), "high": float("nan")}
    unmet = of | ends | {"name": "capacity of buy to centre/tea", "known": False}
    older = of | {"name": "capacity of old/tea", "low": 20.0, "high": 20.0, "key": ""}
    found = made([0.4], [(1.0, 9.0)]) | {"estimates": [unmet, older]}
    found["not_identified"] = [unmet["name"]]
    report = calibration_report(found, load_text(CHAIN), Known(load_text(CHAIN)))
    tables = {b.title: b for b in report.page.sections if hasattr(b, "rows")}
    assert [row[2] for row in tables["Estimated directly"].rows] == ["not identified", "sure"]
    assert tables["What is not identified"].rows[0][:3] == [
        "buy to centre/tea",
        "capacity",
        "not drawn",
    ]
    tiles = next(b for b in report.page.sections if isinstance(b, Tiles)).tiles
    shown = {tile.name: tile.value for tile in tiles}
    assert (shown["Estimated directly"], shown["Not identified"]) == ("1", "1")
    row = report.data["changes"].set_index("what").loc["capacity of buy to centre/tea"]
    assert row["remark"].startswith("not identified")
    assert report.data["estimates"]["known"].tolist() == [False, True]

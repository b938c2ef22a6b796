"""What cannot be meant is refused before any work, and no file is lost to it."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from calibration.belongs import belonging
from calibration.calibrate import calibrate
from calibration.events import Event
from calibration.ingest import ingest
from calibration.store import Store
from calibration.times import DAY
from twin.cli import app
from twin.errors import RunError, TwinError
from twin.load import load_text

SHOP = """{horizon: 30, sites: [{name: shop}], items: [{name: tea}],
 purchases: [{site: shop, item: tea, lead_time: 2}], stock: [{policy: {level: 12}}],
 demand: [{site: shop, item: tea, mean: 4}]}"""
MAP = """source: erp
decimal: ","
columns: {event_id: event_id, event_time: event_time, kind: kind, site: site, item: item, qty: qty}
"""
ROW = "event_id,event_time,kind,site,item,qty\n1,2024-01-05T12:00:00Z,count,shop,tea,{}\n"


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"simulations": -4}, "power of two"), ({"simulations": 0}, "power of two"),
     ({"simulations": 100}, "power of two"), ({"threads": 0}, "threads = 0"),
     ({"seed": -1}, "seed = -1")],
)  # fmt: skip
def test_numbers_that_cannot_be_meant_are_refused(asked, said):
    with pytest.raises(RunError, match=said):
        calibrate(pd.DataFrame({"kind": ["count"]}), load_text(SHOP), **asked)


def test_rejected_rows_never_replace_a_file(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text(ROW.format(4), encoding="utf-8")
    before = file.read_bytes()
    for rejects in (file, tmp_path / "x" / ".." / "events.csv"):
        with Store(tmp_path / "s.db") as store, pytest.raises(TwinError):
            ingest(file, store, rejects=rejects)
    asked = ["ingest", str(file), "--store", str(tmp_path / "s.db"), "--rejects", str(file)]
    assert CliRunner().invoke(app, asked).exit_code != 0
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "units"), [("1.234,5", 1234.5), ("12.5", None), ("1.2345", None), ("7,25", 7.25)]
)
def test_a_point_is_no_decimal_one_where_the_comma_is(text, units, tmp_path):
    file = tmp_path / "events.csv"
    file.write_text(ROW.format(f'"{text}"'), encoding="utf-8")
    (tmp_path / "map.yaml").write_text(MAP, encoding="utf-8")
    with Store(tmp_path / "s.db") as store:
        report = ingest(file, store, tmp_path / "map.yaml")
        events = store.read()
    assert report.accepted == (units is not None)
    assert events["qty"].tolist() == ([] if units is None else [units])


def told_of(*places) -> list[Event]:
    return [
        Event(f"{n}", "erp", site, DAY * (20000 + n), "count", item=item, qty=5.0)
        for n, (site, item) in enumerate(places)
    ]


@pytest.mark.parametrize("places", [[("mill", "flour")], [("shop", "coffee")], [("mill", "")]])
def test_a_store_of_another_chain_is_refused_and_both_chains_are_named(places, tmp_path):
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    with Store(tmp_path / "s.db") as store:
        store.add(told_of(*places))
    asked = ["calibrate", f"{tmp_path}/s.db", "--scenario", f"{tmp_path}/shop.yaml", "-o"]
    done = CliRunner().invoke(app, [*asked, f"{tmp_path}/c.yaml"])
    assert done.exit_code != 0
    said = " ".join(done.output.split())
    assert "no event is of a stock point of" in said
    assert f"sites in the events: {places[0][0]}; of the scenario: shop" in said
    assert not (tmp_path / "c.yaml").exists()


def test_sites_that_the_scenario_does_not_have_are_told_when_they_are_most():
    shop = load_text(SHOP)
    one, two, half = (
        belonging(pd.DataFrame(told_of(("shop", "tea"), *more)), shop)
        for more in ([], [("mill", "tea"), ("farm", "tea")], [("mill", "tea")])
    )
    assert one == half == (True, "")
    assert two.some
    assert two.told.startswith("2 of 3 sites in the events are not in ")
    assert "farm, mill" in two.told

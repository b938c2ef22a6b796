"""Whatever a file holds: rows in = accepted + duplicates + rejected, and again adds nothing."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calibration.adapters import tables
from calibration.errors import TelemetryError
from calibration.ingest import Report, ingest
from calibration.store import Store
from twin.schema import Scenario

HEAD = b"event_time,kind,site,item,device,seq,qty,unit\n"
SCENARIO = Scenario.model_validate({
    "horizon": 10, "sites": [{"name": "shop"}], "items": [{"name": "x", "unit": "piece"}],
    "purchases": [{"site": "shop", "item": "x", "supplier": "maker", "lead_time": 1}],
    "demand": [{"site": "shop", "item": "x", "kind": "poisson", "mean": 1}],
})  # fmt: skip


def lines(count, ending="csv"):
    rng = np.random.Generator(np.random.PCG64(1))
    qty = rng.integers(0, 50, count)
    if ending == "jsonl":
        return [
            b'{"event_time": "2026-01-05T12:00:00Z", "kind": "count", "site": "s", "item": "x", '
            + f'"seq": {n}, "qty": {q}}}\n'.encode()
            for n, q in enumerate(qty)
        ]
    return [
        f"2026-01-{1 + n % 28:02d}T{n % 24:02d}:00:00Z,count,s{n % 3},x,d,{n},{q},\n".encode()
        for n, q in enumerate(qty)
    ]


def taken(path, content, **more) -> tuple[Report, Report, int]:
    """Return the reports of two ingests of a file, and how many events there are then."""
    path.write_bytes(content)
    with Store(path.with_suffix(f".{len(list(path.parent.iterdir()))}.db")) as store:
        first, again = ingest(path, store, **more), ingest(path, store, **more)
        assert [load.rows for load in store.loads()] == [first.rows, again.rows]
        return first, again, len(store.read())


def adds_up(first, again, events):
    assert first.rows == first.accepted + first.duplicates + first.rejected
    assert again.rows == first.rows == again.duplicates + again.rejected
    assert (again.accepted, again.reasons) == (0, first.reasons)
    assert events == first.accepted


@settings(max_examples=25, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    seed=st.integers(0, 2**32), cut=st.integers(0, 4000), ending=st.sampled_from(["csv", "jsonl"])
)
def test_with_one_percent_of_garbage_bytes_and_a_cut_off_end_counts_add_up(
    seed, cut, ending, tmp_path
):
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = np.frombuffer(b"".join(lines(100, ending)), np.uint8).copy()
    garbage = rng.random(rows.size) < 0.01
    rows[garbage] = rng.integers(0, 256, garbage.sum())
    body = rows.tobytes()[: rows.size - cut]
    filled = [line for line in body.split(b"\n") if line.strip()]
    first, again, events = taken(tmp_path / f"f.{ending}", HEAD * (ending == "csv") + body)
    adds_up(first, again, events)
    assert first.rows == len(filled)


@settings(max_examples=40, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(body=st.binary(max_size=400), ending=st.sampled_from(["csv", "jsonl"]))
def test_any_bytes_at_all_are_counted_line_by_line(body, ending, tmp_path):
    first, again, events = taken(tmp_path / f"f.{ending}", HEAD * (ending == "csv") + body)
    adds_up(first, again, events)
    assert first.rows == sum(bool(line.strip()) for line in body.split(b"\n"))


def test_good_rows_survive_beside_bad_ones_and_blocks_do_not_matter(tmp_path, monkeypatch):
    rows = lines(300)
    rows[100] = b'2026-01-01T00:00:00Z,"count,s,x,d,1,1,\n'
    rows[200] = b"\xff\xfe\n"
    wanted = taken(tmp_path / "a.csv", HEAD + b"".join(rows))
    monkeypatch.setattr(tables, "BLOCK", 1000)
    found = taken(tmp_path / "a.csv", HEAD + b"".join(rows))
    assert (found[0].accepted, found[0].rejected) == (298, 2)
    assert found[0].examples == wanted[0].examples


def test_an_interrupted_ingest_is_finished_by_doing_it_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK", 1000)
    path = tmp_path / "a.csv"
    path.write_bytes(HEAD + b"".join(lines(300)))

    def stop(done, total):
        assert done <= total == path.stat().st_size
        if done > total / 2:
            raise KeyboardInterrupt

    with Store(tmp_path / "a.db") as store:
        with pytest.raises(KeyboardInterrupt):
            ingest(path, store, progress=stop)
        (half,) = store.loads()
        assert 0 < half.accepted == len(store.read()) < 300
        report = ingest(path, store)
    assert (report.accepted, report.duplicates) == (300 - half.accepted, half.accepted)


def test_unknown_sites_items_and_units_of_a_scenario_are_rejected(tmp_path):
    time = "2026-01-01T00:00:00Z"
    rows = [f"{time},count,shop,x,d,{n},1,{unit}\n" for n, unit in enumerate(("piece", "", "box"))]
    rows += [f"{time},count,shp,x,d,4,1,\n", f"{time},count,shop,y,d,5,1,\n"]
    first, again, events = taken(
        tmp_path / "a.csv", HEAD + "".join(rows).encode(), scenario=SCENARIO
    )
    adds_up(first, again, events)
    assert events == 2
    assert sorted(reason.split(";")[0] for reason in first.reasons) == [
        "item: no item of the scenario", "site: no site of the scenario",
        "unit: not the item's unit",
    ]  # fmt: skip


def test_rejected_rows_are_written_as_they_came(tmp_path):
    rows = [b"yesterday,count,s,x,d,1,1,\n", b"\xff,\n", *lines(2)]
    taken(tmp_path / "a.csv", HEAD + b"".join(rows), rejects=tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["place"] for row in found] == ["a.csv:3", "a.csv:2"]
    assert found[1]["value"] == "yesterday"
    assert [row["raw"] for row in found] == ["\\xff,", "yesterday,count,s,x,d,1,1,"]


def test_a_report_fits_a_terminal_and_is_plain_data(tmp_path):
    bad = b"x" * 300 + b",count,s,x,d,1,1,\n"
    first, *_ = taken(tmp_path / "a.csv", HEAD + bad + b"".join(lines(3)))
    assert max(map(len, first.text().splitlines())) <= 80
    assert "4 rows = 3 accepted + 0 known already + 1 rejected" in first.text()
    assert first.to_dict()["rejected"] == 1


@pytest.mark.parametrize(("name", "says"), [
    ("none.csv", "no such file"), ("a.xls", "ending '.xls'; telemetry is a .csv"),
    ("folder.csv", "is a directory"),
])  # fmt: skip
def test_a_file_that_is_none_is_refused(name, says, tmp_path):
    (tmp_path / "a.xls").write_text("a")
    (tmp_path / "folder.csv").mkdir()
    with Store(tmp_path / "a.db") as store, pytest.raises(TelemetryError, match=says):
        ingest(tmp_path / name, store)


def test_an_id_that_comes_again_with_another_content_is_told_and_what_came_first_stays(tmp_path):
    head = "source,event_id,event_time,kind,site,item,qty\n"
    rows = [f"wms,a{n},2026-01-0{n}T12:00:00Z,count,s,x,{n}\n" for n in range(1, 6)]
    (tmp_path / "first.csv").write_text(head + "".join(rows))
    changed = [rows[0], rows[1].replace(",2\n", ",7\n"), rows[2].replace("-03", "-04")]
    twice = ["wms,b,2026-01-09T12:00:00Z,count,s,x,1\n", "wms,b,2026-01-09T12:00:00Z,count,s,x,2\n"]
    (tmp_path / "second.csv").write_text(head + "".join(changed + twice))
    with Store(tmp_path / "s.db") as store:
        assert ingest(tmp_path / "first.csv", store).differing == 0
        second = ingest(tmp_path / "second.csv", store)
        assert ingest(tmp_path / "first.csv", store).differing == 0
        kept = store.read().set_index("event_id")["qty"]
    assert (second.accepted, second.duplicates, second.differing) == (1, 4, 3)
    assert "told otherwise before" in second.text()
    assert kept.to_dict() == {"a1": 1, "a2": 2, "a3": 3, "a4": 4, "a5": 5, "b": 1}

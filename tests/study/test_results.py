"""The files of a study: rows that anybody can read, and what our own reader makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import twin
from tests.study.cases import asked, run, tables
from twin.errors import OutputError
from twin.kpis import KPIS
from twin.statistics import interval
from twin.study import opened

OUTPUTS = ["running_cost", "tts", "survived"]
CONTENT = asked(outputs=OUTPUTS, part=2)


def test_the_files_hold_a_row_for_each_point_kpi_and_replication(tmp_path: Path) -> None:
    """Read with pandas alone; what a run never defines is empty, not a number."""
    run(CONTENT, tmp_path)
    frame = pd.read_parquet(tmp_path / "parts")
    assert list(frame) == ["point", "base", "cut", "length", "metric", "unit", "replication",
                           "value", "reached"]  # fmt: skip
    assert not frame.duplicated(["point", "metric", "replication"]).any()
    assert len(frame) == 5 * len(OUTPUTS) * 4
    assert set(zip(frame["metric"], frame["unit"], strict=True)) == {
        (name, KPIS[name].extra["unit"]) for name in OUTPUTS
    }
    chosen = frame[(frame["cut"] == "store") & (frame["length"] == 8)]
    cut = {"families.tables.decoupling_point": "store", "disruptions.fire.duration": 8}
    alone = twin.run(tables(), set=cut, replications=4)
    for name in OUTPUTS:
        rows = chosen[chosen["metric"] == name].sort_values("replication")
        np.testing.assert_array_equal(rows["value"], alone.values[name])


def test_texts_are_plain_and_undefined_values_are_empty_in_the_files(tmp_path: Path) -> None:
    run(
        asked(
            outputs=["tts"],
            set={"disruptions.fire.duration": 1},
            factors={"cut": {"family": "tables"}},
        ),
        tmp_path,
    )
    table = pq.read_table(tmp_path / "parts")
    assert {str(table.schema.field(name).type) for name in ("cut", "metric", "unit")} == {"string"}
    assert table["value"].null_count == table.num_rows > 0
    assert table["cut"].null_count == 4  # the base: as the scenario has it


def test_means_and_intervals_are_those_of_the_values_bit_for_bit(tmp_path: Path) -> None:
    frame = run(CONTENT, tmp_path).frame()
    rows = pd.read_parquet(tmp_path / "parts")
    for row in frame.itertuples():
        here = rows[(rows["point"] == row.point) & (rows["metric"] == row.metric)]
        mean, low, high, n = interval(here["value"].to_numpy(), KPIS[row.metric].extra["within"])
        np.testing.assert_array_equal([row.mean, row.low, row.high], [mean, low, high])
        assert (row.n, row.replications, row.reached) == (n, 4, True)


def test_a_study_reads_the_same_from_its_folder_as_from_memory(tmp_path: Path) -> None:
    until = {"kpi": "running_cost", "half_width": 9.4, "minimum": 8, "maximum": 16, "block": 4}
    content = {**CONTENT, "replications": None, "until": until}
    here, there = run(content), run(content, tmp_path)
    for found in (there, opened(tmp_path)):
        pd.testing.assert_frame_equal(found.frame(), here.frame())
        pd.testing.assert_frame_equal(found.frame(replications=True), here.frame(replications=True))
        pd.testing.assert_frame_equal(found.differences(), here.differences())
        assert found.table.equals(here.table)
    assert len(set(here.frame()["replications"])) > 1


def test_a_folder_in_another_format_is_refused_and_force_begins_anew(tmp_path: Path) -> None:
    run(CONTENT, tmp_path)
    manifest = tmp_path / "manifest.json"
    told = json.loads(manifest.read_text())
    del told["format"]  # as the first version wrote it
    manifest.write_text(json.dumps(told))
    for act in (lambda: run(CONTENT, tmp_path), lambda: opened(tmp_path)):
        with pytest.raises(
            OutputError, match=r"in format 1, this version reads and writes 2.*--force"
        ):
            act()
    run(CONTENT, tmp_path, force=True)
    assert opened(tmp_path).manifest["format"] == 2

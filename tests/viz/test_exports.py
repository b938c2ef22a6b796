"""Files that the page hands out: read back, they are what was on the page."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import twin
from tests.kpi_cases import serial, shop
from twin.compare import Comparison
from twin.errors import RunError
from twin.load import load_text
from viz import exports

HOSTILE = 'x"></svg><script>alert(1)</script>'


@pytest.fixture(scope="module")
def outage() -> Comparison:
    return twin.compare(serial(1))


def test_the_kpi_file_reads_back_as_the_comparison(outage: Comparison) -> None:
    read = pd.read_csv(io.BytesIO(exports.kpis_csv(outage)))
    assert tuple(read.columns) == exports.COLUMNS
    frame = outage.frame.rename(columns={"a": "baseline", "b": "what_if"})
    assert list(read.kpi) == list(frame.kpi)
    for column in ("baseline", "what_if", "difference", "low", "high"):
        np.testing.assert_array_equal(read[column], frame[column])
    assert list(read.clear) == list(frame.clear)
    assert read.set_index("kpi").unit["inventory_value"] == outage.b.scenario.calendar.currency
    assert b"nan" not in exports.kpis_csv(outage)


def test_histories_read_back_as_the_series(outage: Comparison) -> None:
    packed = zipfile.ZipFile(io.BytesIO(exports.histories_parquet(outage)))
    for folder, result in (("baseline", outage.a), ("what_if", outage.b)):
        for name, data in result.series.items():
            file = packed.read(f"{folder}/{name.replace('.', '_')}.parquet")
            frame = pd.read_parquet(io.BytesIO(file))
            np.testing.assert_array_equal(
                frame[name.partition(".")[2]].to_numpy().reshape(data.shape), data
            )
    assert len(packed.namelist()) == len(outage.a.series) + len(outage.b.series) > 4
    assert exports.histories_parquet(outage) == exports.histories_parquet(outage)


def test_without_histories_it_says_what_to_do() -> None:
    with pytest.raises(RunError, match="no histories were recorded; run with record="):
        exports.histories_parquet(twin.compare(serial(1), record=()))


@pytest.mark.nojit
@pytest.mark.parametrize("name", ["electronics", "electronics-full", "small-business"])
def test_a_scenario_file_loads_as_the_same_scenario(name: str) -> None:
    scenario = twin.apply(twin.load(name), {"horizon": 300, "title": HOSTILE})
    content = exports.scenario_yaml(scenario)
    assert load_text(content.decode()) == scenario
    assert b"table:" not in content


def test_pictures_are_whole_and_alike_whoever_draws_them(outage: Comparison) -> None:
    with ThreadPoolExecutor(3) as pool:
        drawn = list(pool.map(lambda _: exports.picture(outage.b, "svg"), range(3)))
    assert drawn[0] == drawn[1] == drawn[2]
    assert ElementTree.fromstring(drawn[0]).tag.endswith("svg")
    png = exports.picture(outage.b, "png")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(png[16:20], "big") == 2000


def test_a_hostile_title_does_nothing_in_picture_and_report() -> None:
    found = twin.compare(serial(1, title=HOSTILE))
    picture = ElementTree.fromstring(exports.picture(found.b, "svg"))
    assert not [
        e for e in picture.iter() if e.tag.rpartition("}")[2] in ("script", "foreignObject")
    ]
    page = exports.what_if_report(found, [], HOSTILE, "serial").decode()
    assert "<script" not in page
    assert page.count("data:image/svg+xml;base64,") == 1


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("electronics", "electronics-kpis.csv"),
        ("my shop (new)", "my-shop-new-kpis.csv"),
        ("a..\\b:c", "a-b-c-kpis.csv"),
        ("x" * 80, "x" * 60 + "-kpis.csv"),
    ],
)
def test_file_names_are_plain(name: str, file: str) -> None:
    assert exports.file_name(shop(name=name), "kpis", "csv") == file

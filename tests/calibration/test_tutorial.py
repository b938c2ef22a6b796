"""The page on calibration: its commands run, from raw file to calibrated what-if and report."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pandas as pd
import pytest
from typer.testing import CliRunner

from calibration.store import Store
from twin.cli import app
from twin.load import load

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def tutorial() -> ModuleType:
    """Return the module that runs the page, as its figures are made."""
    file = ROOT / "docs" / "calibration_figures.py"
    spec = importlib.util.spec_from_file_location("calibration_figures", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Followed(NamedTuple):
    """The folder in which the page ran, and what its commands said."""

    folder: Path
    said: Mapping[str, str]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tutorial")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return Followed(folder, tutorial().follow())


def answers(text: str) -> list[list[float]]:
    """Return the numbers of each line about a chain."""
    lines = [line.partition(".yaml")[2] for line in text.splitlines() if ".yaml" in line]
    return [[float(n.replace(",", "")) for n in NUMBER.findall(line)] for line in lines]


def written(language: str) -> str:
    module = tutorial()
    return dict(module.blocks(module.PAGE.read_text(encoding="utf-8")))[language]


def test_the_page_leads_from_a_raw_file_to_a_calibrated_twin_and_its_report(page):
    assert "11,145 rows = 11,028 accepted + 117 known already + 0 rejected" in page.said["ingest"]
    assert "decoupling point of pumps: dc" in page.said["calibrate"]
    assert "does not fit" not in page.said["calibrate"]
    assert load(page.folder / "wrong" / "scenario.yaml").families[0].decoupling_point == "factory"
    assert load(page.folder / "calibrated.yaml").posterior.size > 100
    assert "<img" in (page.folder / "calibration.html").read_text(encoding="utf-8")


def test_the_report_of_the_page_says_what_its_bands_come_from(page, monkeypatch):
    monkeypatch.chdir(page.folder)
    shares = pd.read_csv(page.folder / "calibration-data" / "shares.csv").set_index(["kpi", "what"])
    rule = shares.loc[("on_time", "stock[4]")]
    assert rule["inputs"] == "stock[4].policy.safety_factor stock[4].policy.cover"
    ends = [round(100 * rule[end]) for end in ("share", "low", "high")]
    assert ends == [37, 30, 43]  # as the page says
    assert shares.groupby("kpi")["share"].sum().between(0.95, 1.1).all()
    assert "wrote calibration.html and calibration-data/" in page.said["report"]
    again = ["report", "calibrated.yaml", "-o", "other.html", "--store", "plant.db"]
    (page.folder / "other-data").mkdir()
    (page.folder / "other-data" / "mine.txt").write_text("mine", encoding="utf-8")
    done = CliRunner().invoke(app, again)
    assert done.exit_code == 2
    assert "other-data" in done.output


def test_compacting_loses_no_event_of_the_page(page):
    assert "moved" in page.said["compact"] or "nothing to compact" in page.said["compact"]
    with Store(page.folder / "plant.db", write=False) as store:
        assert len(store.read()) == 11_028


def test_the_calibrated_twin_answers_as_the_true_one_does_and_the_wrong_start_does_not(page):
    told = answers(page.said["python"])
    assert len(told) == 15
    for true, wrong, found in zip(told[::3], told[1::3], told[2::3], strict=True):
        for middle, low, high in ((0, 1, 2), (3, 4, 5)):
            assert found[low] <= true[middle] <= found[high]
            assert not wrong[low] <= true[middle] <= wrong[high]


def test_the_numbers_on_the_page_are_what_its_commands_say(page):
    """Where they differ, run docs/calibration_figures.py and put what it prints on the page."""
    told, shown = answers(page.said["python"]), answers(written("text"))
    assert [pytest.approx(row, rel=0.03, abs=1.5) for row in told] == shown


def test_the_picture_of_the_estimates_shows_eight_intervals_of_ten_around_the_truth(
    page, monkeypatch
):
    monkeypatch.chdir(page.folder)
    rows = tutorial().estimates().frame
    found = rows[rows["from"] == "calibrated"]
    held = (found["low"] <= 1) & (found["high"] >= 1)
    assert len(found) >= 10
    assert held.mean() >= 0.8
    assert "Estimates as parts of the truth" in tutorial().draw_estimates()


def test_the_commands_that_the_readme_shows_an_engineer_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(page.folder / "events.csv", "events.csv")
    shutil.copytree(page.folder / "wrong", "wrong")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shells = [text for language, text in tutorial().blocks(readme) if language == "sh"]
    for line in shells[1].splitlines():
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, (line, done.output)
    assert Path("calibration.html").exists()

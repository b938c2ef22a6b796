"""The page on calibration: its commands run, from raw file to calibrated run and report."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from calibration.adapters.mapping import load_map
from twin.cli import app
from twin.load import load

PAGE = (Path(__file__).parents[2] / "docs" / "calibration.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found.group(1)


def test_the_commands_of_the_page_lead_from_a_raw_file_to_a_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = {}
    for line in block("sh").splitlines():
        program, *args = line.split()
        assert program == "twin"
        done = CliRunner().invoke(app, args)
        assert done.exit_code == 0, (args, done.output)
        said[args[0]] = done.output
    assert "0 rejected" in said["ingest"]
    assert "decoupling point of pumps: dc" in said["calibrate"]
    assert load("calibrated.yaml").posterior.size > 100
    assert "<img" in Path("calibration.html").read_text(encoding="utf-8")


def test_the_map_of_the_page_is_one(tmp_path):
    file = tmp_path / "map.yaml"
    file.write_text(block("yaml"), encoding="utf-8")
    assert load_map(file).source == "erp"

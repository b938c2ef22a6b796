"""Figures of the pages of ready-made studies: each has one, and one command makes them all."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from twin.optimise.asked import arguments
from twin.study import ready

DOCS = Path(__file__).parents[2] / "docs" / "studies"


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("figures", DOCS / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ready.NAMES)
def test_every_ready_made_study_has_a_figure_on_its_page(figures: ModuleType, name: str) -> None:
    assert name in figures.FIGURES
    assert f"]({name}.svg)" in (DOCS / f"{name}.md").read_text(encoding="utf-8")
    options = ready.found(name).options
    assert options.model_validate(figures.FIGURES[name][1]).scenario == "electronics"
    assert f"twin study {name} --scenario electronics" in (DOCS / f"{name}.md").read_text("utf-8")


def test_the_optimisation_has_a_figure_of_the_first_command_on_its_page(
    figures: ModuleType,
) -> None:
    page = (DOCS.parent / "optimise.md").read_text(encoding="utf-8")
    assert "](optimise.svg)" in page
    assert (DOCS.parent / "optimise.svg").is_file()
    command = next(line for line in page.splitlines() if line.startswith("twin optimise"))
    assert command.startswith(
        f'twin optimise electronics --require "{figures.OPTIMISED["require"]}"'
    )
    assert arguments(figures.OPTIMISED) == {"require": {"on_time": 0.95}}


def test_the_figure_of_the_mirror_experiment_shows_what_is_found_today(
    figures: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another engine needs new figures: python docs/studies/figures.py."""
    monkeypatch.setattr(figures, "HERE", tmp_path)
    figures.main(["decoupling-frontier"])
    made = (tmp_path / "decoupling-frontier.svg").read_text(encoding="utf-8")
    assert made == (DOCS / "decoupling-frontier.svg").read_text(encoding="utf-8")

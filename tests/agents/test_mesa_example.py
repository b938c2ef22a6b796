"""The example of a policy of one's own runs and shows what it says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.nojit

EXAMPLE = Path(__file__).parents[2] / "examples" / "mesa_hook.py"


def test_the_example_runs_and_one_calm_site_calms_the_factory(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    out = capsys.readouterr().out
    assert out.count("Site('wholesaler', stage wholesaler, 1 item, on hand") == 2
    people, calm = (float(text.split()[0]) for text in out.split("brews up to ")[1:])
    assert 8 <= calm < people

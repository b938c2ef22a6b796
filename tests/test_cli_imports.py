"""``twin import``: scenarios of published data, from the shell."""

from __future__ import annotations

import pytest

from tests.test_cli import call
from tests.test_willems import folder as willems_folder
from twin.load import load


@pytest.mark.nojit
def test_import_willems_writes_a_scenario_and_says_what_was_assumed(tmp_path):
    willems_folder(tmp_path)
    path = tmp_path / "chain.yaml"
    said = call("import", "willems", tmp_path, "--chain", 1, "-o", path).stdout
    assert "\n* " in said
    assert len(load(path).sites) >= 5
    done = call("import", "willems", tmp_path, "--chain", 9, "-o", tmp_path / "x.yaml", code=2)
    assert "9" in done.stderr
    assert not (tmp_path / "x.yaml").exists()

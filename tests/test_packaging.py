"""The wheel as a user gets it: built, installed apart from the clone, and run from elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("twin", "agents", "viz", "calibration", "configs")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command as a user's shell would, without this clone on its path."""
    env = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "NUMBA_DISABLE_JIT"}}
    env |= {"XDG_CACHE_HOME": str(cwd / "cache"), "NO_COLOR": "1"}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return next(out.glob("pushpull_twin-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of commands of an environment that has the wheel and borrows the rest."""
    home = tmp_path_factory.mktemp("user")
    venv.create(home / "env", with_pip=False)
    bin_ = home / "env" / "bin"
    pip = (sys.executable, "-m", "pip", "--python", bin_ / "python")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=home)
    # A plain path line: what is installed here is found, but an editable clone's own path
    # file is not followed from there.
    borrowed = "\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    site = run(
        bin_ / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home
    )
    (Path(site.strip()) / "borrowed.pth").write_text(borrowed + "\n")
    return bin_


def test_wheel_holds_the_rooms_and_every_shipped_file_of_configs(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "configs").rglob("*")
        if path.suffix in {".py", ".yaml", ".csv"}
    }
    assert shipped <= inside
    assert "twin/py.typed" in inside
    tops = {name.split("/")[0] for name in inside}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(ROOMS)


def test_installed_rooms_are_not_the_clone(installed: Path, tmp_path: Path) -> None:
    for room in ROOMS:
        code = f"import {room}; print({room}.__file__)"
        where = Path(run(installed / "python", "-c", code, cwd=tmp_path).strip())
        assert where.is_relative_to(installed.parent)


def test_installed_twin_lists_the_shipped_scenarios(installed: Path, tmp_path: Path) -> None:
    listed = run(installed / "twin", "list", cwd=tmp_path)
    for path in (ROOT / "configs").glob("*.yaml"):
        assert path.stem in listed


def test_installed_twin_runs_a_shipped_scenario_by_name(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "twin", "run", "beer-game", "--json", cwd=tmp_path)
    assert json.loads(said)

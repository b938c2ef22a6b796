"""The README, the pages and the examples: what they show runs, what they name is there."""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

import twin
import twin.kernel
from twin.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def numbered(text: str) -> list[str]:
    """Return the first numbered list of a text."""
    return re.findall(r"^\d\. .*$", text.partition("\n1. ")[1] + text.partition("\n1. ")[2], re.M)


def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("number", range(len(blocks(README, "python"))))
def test_python_of_the_readme_runs(number, capsys):
    exec(compile(blocks(README, "python")[number], f"README block {number}", "exec"), {})
    assert capsys.readouterr().out


def test_picture_of_the_readme_shows_what_the_twin_says_today():
    """A changed engine needs a new one: twin run electronics --plot docs/picture.svg --force."""
    drawn = (ROOT / "docs" / "picture.svg").read_text(encoding="utf-8")
    said = re.findall(r"<dc:title>(.*?)</dc:title>", drawn)
    assert twin.run("electronics").plot().sentence in said


def test_commands_of_the_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [line.partition("#")[0].split() for line in blocks(README, "sh")[0].splitlines()]
    assert len(lines) >= 5
    for program, *args in lines:
        assert program == "twin"
        done = CliRunner().invoke(app, args)
        assert done.exit_code == 0, (args, done.output)
    assert (tmp_path / "results" / "kpis.csv").exists()


def test_commands_of_the_makefile_that_the_readme_names_are_there():
    targets = set(re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake (\w+) +#", README)) <= targets


@pytest.mark.nojit
def test_the_clock_of_the_architecture_page_is_the_kernels():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    clock = numbered(page.partition("## The clock")[2])
    assert clock == numbered(twin.kernel.__doc__ or "")
    assert [re.findall(r"\*\*(\w+)\*\*", line)[0] for line in clock] == list(twin.kernel.PHASES)


@pytest.mark.nojit
@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "README.md"])
def test_files_that_pages_name_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:twin|agents|viz|docs|tests|configs|examples|\.ci)/[\w./-]*)`", text)
    assert named or page == "README.md"
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.nojit
def test_site_is_built_whole_and_no_link_leads_nowhere(tmp_path):
    build = builder()
    assert build.build(tmp_path) == []
    assert {p.name for p in tmp_path.glob("*.html")} == {build.name_of(p) for p in build.PAGES}
    assert (
        "<table>" in (tmp_path / "docs-kpis.html").read_text()
        or "<h3" in (tmp_path / "docs-kpis.html").read_text()
    )


@pytest.mark.nojit
def test_dead_link_stops_the_build(tmp_path, monkeypatch):
    build = builder()
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n[a](gone.md) [b](#nowhere) [c](#page) <https://example.com>\n")
    monkeypatch.setattr(build, "PAGES", [page])
    monkeypatch.setattr(build, "ROOT", tmp_path)
    found = build.build(tmp_path / "site")
    assert found == ["page.md: 'gone.md' leads nowhere", "page.md: '#nowhere' leads nowhere"]
    assert not (tmp_path / "site").exists()


@pytest.mark.nojit
def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f"({page.name})" in index or page.name == "README.md"


@pytest.mark.parametrize(
    ("example", "says"),
    [("quickstart.py", "on time   stock"), ("networkx_roundtrip.py", "board_fab")],
)
def test_example_runs(example, says, capsys):
    runpy.run_path(str(ROOT / "examples" / example), run_name="__main__")
    assert says in capsys.readouterr().out


def put(path: Path, mark: str, text: str) -> None:
    """Insert a text before a mark that a file holds once."""
    old = path.read_text(encoding="utf-8")
    assert old.count(mark) == 1, (path, mark)
    path.write_text(old.replace(mark, text + mark), encoding="utf-8")


def test_adding_a_policy_works_as_contributing_says(tmp_path):
    """The steps of the page, on a copy, with the JIT off."""
    for room in ("twin", "configs"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    rule, dispatch, test = blocks(CONTRIBUTING, "python")
    policies = tmp_path / "twin" / "policies.py"
    put(policies, "@inner\ndef decide(", rule + "\n\n")
    policies.write_text(policies.read_text().rstrip() + "\n" + dispatch)
    put(tmp_path / "twin/checks/behaviour.py", '    "human": (', '    "shelf_watch": ("level",),\n')
    opening = '    if policy.kind == "shelf_watch":\n        return policy.level or 0.0\n'
    put(tmp_path / "twin/compile/rules.py", '    if policy.kind == "human":', opening)
    head = "from twin.load import load_text\nfrom twin.run import run\n\n\n"
    call = re.findall(r"def (test_\w+)", test)[0]
    (tmp_path / "walk.py").write_text(f"{head}{test}\n\n{call}()\nprint('walked')\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "walk.py"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert (done.stdout, done.returncode) == ("walked\n", 0), done.stderr

"""Rules of the house that no linter checks: sizes, docstrings, borders, nothing of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("twin", "agents", "viz", "calibration")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60
# The period's table of contents: its docstring says what spreading it over functions costs.
ONE_LONG_FUNCTION = "twin/kernel.py"
# Folders of one machine, and the hosts that packages come from: both belong to a user's own
# settings. Written so that this file does not match itself.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.~])/(?:work|root|tmp/bash_jobs|opt/(?:pypi|wheels))\b"
    r"|\bpypi\.(?:org|python)|\bpythonhosted\.org|\bdeb\.debian\.|\bregistry\.npmjs"
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def place(path: Path, node: Definition) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def public(body: list[ast.stmt]) -> Iterator[Definition]:
    """Yield the public functions and classes of a module, and those inside its classes."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def our_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone: no list of our files")
def test_no_file_names_a_place_on_one_machine_or_a_package_host() -> None:
    found = []
    for path in our_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [
            f"{path.relative_to(ROOT)}: {hit.group()}" for hit in OF_ONE_MACHINE.finditer(text)
        ]
    assert not found


def test_no_file_is_longer_than_one_can_read_at_a_sitting() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in MODULES}
    assert not {path: n for path, n in lengths.items() if n > MAX_FILE_LINES}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        place(path, node): length
        for path in MODULES
        if path != ROOT / ONE_LONG_FUNCTION
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert not long


def test_everything_public_in_the_engine_has_a_docstring() -> None:
    bare = [
        place(path, node)
        for path in sorted((ROOT / "twin").rglob("*.py"))
        for node in public(ast.parse(path.read_text()).body)
        if not ast.get_docstring(node)
    ]
    assert not bare


def test_rooms_import_each_other_only_as_the_contracts_allow() -> None:
    call = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", call], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

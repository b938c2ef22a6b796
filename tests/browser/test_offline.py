"""The whole app on a machine without a network: server and browser see nothing but loopback."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.browser.looking import is_local
from tests.browser.offline import EAR
from tests.browser.serving import ROOT, missing

WAYS = (("unshare", "-rn"), ("unshare", "-n"))
"""Into a network namespace of one's own: as any user, or as root where users may not."""


def alone() -> tuple[str, ...]:
    """Return the words that put a command into a network namespace of its own."""
    for way in WAYS:
        if (
            shutil.which(way[0])
            and not subprocess.run([*way, "true"], stderr=subprocess.DEVNULL).returncode
        ):
            return way
    missing("right to make a network namespace (unshare)")
    raise AssertionError


@pytest.fixture(scope="module")
def seen(executable: str) -> dict[str, Any]:
    """Visit the app in a network namespace, and return all that went on."""
    done = subprocess.run(
        [*alone(), sys.executable, "-m", "tests.browser.offline"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def host(heard: str) -> str | None:
    """Return the host of ``socket.connect ('10.0.0.7', 80)``; nothing for a file's socket."""
    place = ast.literal_eval(heard.split(" ", 1)[1])
    place = place[0] if isinstance(place, tuple) else place
    if isinstance(place, bytes):
        place = place.decode()
    return None if place is None or place.startswith("/") else place


def test_there_was_no_network_to_talk_to(seen):
    assert seen["interfaces"] == ["lo"]


def test_the_page_is_there_and_nothing_went_wrong_in_it(seen):
    assert len(seen["requests"]) > 5
    assert len(seen["shown"]) > 10
    assert seen["problems"] == []


def test_the_browser_asked_no_other_machine(seen):
    assert [url for url in seen["requests"] if not is_local(url)] == []


def test_the_server_dialled_no_other_machine_and_looked_up_no_name(seen):
    hosts = [host(heard) for heard in seen["dialled"]]
    strange = [h for h in hosts if h and not is_local(f"//{h}") and h not in ("", "localhost")]
    assert strange == []
    dead = [heard for heard in seen["dialled"] if "127.0.0.1" in heard and ", 9)" in heard]
    assert dead == [], "an asset is missing, and Solara asked its CDN for it"


def test_the_ear_hears_who_dials(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(EAR)
    call = "import socket; s = socket.socket(); s.settimeout(0.1); s.connect(('192.0.2.1', 80))"
    heard = tmp_path / "heard"
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "HEARD": str(heard)}
    subprocess.run([sys.executable, "-c", call], env=env, stderr=subprocess.DEVNULL)
    assert host(heard.read_text().splitlines()[-1]) == "192.0.2.1"

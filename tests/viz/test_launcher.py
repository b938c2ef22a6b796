"""``twin app``: what it refuses, what it sets, and how it starts and stops."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner
from websockets.sync.client import connect

from tests.browser.serving import STAND_IN, serving
from twin.cli import app
from twin.errors import RunError
from viz.server import address, assets, launch

ROOT = Path(__file__).parents[2]


def refused(*arguments: str) -> str:
    """Return what ``twin app`` says when it does not start."""
    done = CliRunner().invoke(app, ["app", "--no-browser", *arguments])
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    return done.stderr


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    file = tmp_path / "page.py"
    file.write_text(STAND_IN)
    return file


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_without_a_token_other_machines_are_not_let_in(host):
    said = refused("--host", host)
    assert f"--host {host} lets other machines in" in said
    assert "--token auto" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--token", "short"), "5 characters; give at least 12"),
        (("--token", "has spaces and = signs"), "letters, digits"),
        (("--host", "no.such.host.invalid"), "--host no.such.host.invalid: no such address"),
        (("--host", "192.0.2.1", "--token", "auto"), "cannot listen on 192.0.2.1"),
        (("--port", "70000"), "70000"),
        (("--port", "-1"), "-1"),
        (("--port", "http"), "http"),
        (("elektronics",), "did you mean 'electronics'"),
        (("nowhere.yaml",), "nowhere.yaml: no such file"),
    ],
)
def test_what_cannot_be_served_is_refused_in_words(arguments, says):
    assert says in refused(*arguments)


def test_a_port_that_is_taken_is_said_if_it_was_asked_for_and_passed_over_if_not(capsys):
    with address.bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} (Address already in use)" in refused("--port", str(port))
    with address.bound("127.0.0.1", None) as first, address.bound("127.0.0.1", None) as second:
        ports = [s.getsockname()[1] for s in (first, second)]
    assert address.FIRST_PORT <= ports[0] < ports[1]
    assert (
        f"port {address.FIRST_PORT} is taken, {ports[1]} is used instead" in capsys.readouterr().err
    )


def test_a_plain_install_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(assets, "PACKAGES", ("solara", "no_such_package"))
    assert "needs no_such_package" in refused()
    monkeypatch.undo()
    monkeypatch.setattr(assets, "NEEDED", (*assets.NEEDED, "no/such/file.js"))
    assert "lacks no/such/file.js; pip install 'pushpull-twin[app]'" in refused()
    monkeypatch.undo()
    monkeypatch.setattr(metadata, "version", lambda name: "3.1.0")
    assert "ipyvuetify 3.1.0 is installed" in refused()


def test_without_the_offline_copy_of_what_browsers_load_nothing_starts(monkeypatch):
    def none(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", none)
    with pytest.raises(RunError, match="needs solara-assets, to work without the internet"):
        assets.folder()


def test_the_environment_keeps_solara_to_itself_whatever_was_set_before():
    call = (
        "from pathlib import Path; from viz.server import assets, launch; "
        "launch.set_environment('viz.app', assets.folder()); "
        "from solara.server import settings; import solara.settings, os, json; "
        "print(json.dumps([settings.telemetry.mixpanel_enable, settings.theme.show_banner, "
        "settings.main.mode, solara.settings.assets.cdn, settings.kernel.cull_timeout, "
        "str(settings.assets.proxy_cache_dir), os.environ['NO_PROXY']]))"
    )
    loud = {"SOLARA_TELEMETRY_MIXPANEL_ENABLE": "True", "SOLARA_ASSETS_CDN": "http://192.0.2.1/"}
    mine = {"SOLARA_KERNEL_CULL_TIMEOUT": "7h", "NO_PROXY": "intranet"}
    env = {**os.environ, **loud, **mine, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", call], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = [False, False, "production", "http://127.0.0.1:9/", "7h", str(assets.folder())]
    assert json.loads(done.stdout) == [*expected, "intranet,127.0.0.1,localhost"]


def test_a_server_says_where_it_is_and_ctrl_c_stops_it_without_a_word_too_many(stand_in):
    with serving(page=stand_in) as server:
        answer = urllib.request.urlopen(server.url + "healthz")
        assert json.load(answer)["status"] == "ok"
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=10) == 0
        said = server.said().splitlines()
    assert said[0] == f"The what-if app is at {server.url}"
    assert said[1:] == ["Ctrl-C stops it.", "twin: stopped"]


def test_ctrl_c_does_not_wait_for_pages_that_are_open(stand_in):
    with serving(page=stand_in) as server:
        kernel = (
            server.url.replace("http", "ws") + "jupyter/api/kernels/1a2b/channels?session_id=3c"
        )
        with connect(kernel, origin=server.url.rstrip("/")):
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(timeout=launch.PATIENCE + 3) == 0
        assert "Traceback" not in server.said()


def test_ctrl_c_stops_a_server_whose_output_nobody_reads_any_more(stand_in):
    call = "import sys; from viz.server.launch import serve; serve(page=sys.argv[1], port=0)"
    with subprocess.Popen(
        [sys.executable, "-c", call, str(stand_in)], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, cwd=ROOT, env={**os.environ, "CI": "true"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert b"is at http" in process.stdout.readline()
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks glibc")
def test_memory_of_large_arrays_goes_back_to_the_system_when_they_are_freed():
    """Without the option all 200 MB stay with the process: small blocks lie above each large one."""
    call = (
        "import numpy as np; from viz.server import launch; launch.give_memory_back()\n"
        "def held(): return int(open('/proc/self/statm').read().split()[1]) * 4096 / 2**20\n"
        "np.ones(26 * 2**17)  # freed: glibc would keep what is smaller from here on\n"
        "before, large, small = held(), [], []\n"
        "for _ in range(20):\n"
        "    large.append(np.ones(10 * 2**17)); small.append(np.ones(2**13))\n"
        "most = held(); large.clear(); print(most - before, held() - before)"
    )
    done = subprocess.run([sys.executable, "-c", call], cwd=ROOT, capture_output=True, text=True)
    most, left = map(float, done.stdout.split())
    assert most > 150
    assert left < 50


def test_a_token_made_up_is_in_the_link_and_long_enough(stand_in):
    with serving("auto", page=stand_in) as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}", server.url)


def test_a_page_that_cannot_be_imported_ends_with_its_traceback(tmp_path):
    broken = tmp_path / "page.py"
    broken.write_text("1 / 0\n")
    with (
        pytest.raises(AssertionError, match="ZeroDivisionError"),
        serving(page=broken),
    ):
        pass


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1:1"), ("::1", "[::1]:1"), ("0.0.0.0", f"{socket.gethostname()}:1")],
)
def test_the_link_is_one_that_a_browser_can_open(host, shown):
    assert address.link(host, 1, None) == f"http://{shown}/"
    assert address.link(host, 1, "abc") == f"http://{shown}/?token=abc"


def test_without_a_screen_or_in_ci_no_browser_is_opened(monkeypatch):
    for name in ("CI", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not launch._has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert launch._has_screen()
    monkeypatch.setenv("CI", "true")
    assert not launch._has_screen()

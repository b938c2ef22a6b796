"""Starting the what-if app as a user does, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 90
"""Seconds for a server to start: importing everything on a busy machine takes a while."""

LAST_WORDS = 200
"""Lines of a log that are shown of a server that ended: the stacks of all its threads are many."""

STAND_IN = """
import anywidget, solara, traitlets

class Chart(anywidget.AnyWidget):
    _esm = '''export default {async render({model, el}) {
        const at = "/_solara/cdn/echarts@5.4.0/dist/echarts.esm.min.js";
        const echarts = await import(new URL(at, location.href));
        el.dataset.node = "ECharts " + echarts.version;
        el.textContent = el.dataset.node;
    }}'''

@solara.component
def Page():
    n, set_n = solara.use_state(0)
    with solara.Column():
        solara.Button(f"clicked {n}", on_click=lambda: set_n(n + 1))
        Chart.element()
"""
"""A page that is only large enough to show that Solara, a widget and the chart library work."""


@dataclass
class Server:
    """A server that answers."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """Return all that it printed so far."""
        return self.log.read_text()

    def last_words(self) -> str:
        """Return the end of its log, nothing when it was stopped and its log is gone."""
        return "\n".join(self.said().splitlines()[-LAST_WORDS:]) if self.log.exists() else ""

    def ended(self) -> str:
        """Return how it ended and its last words, nothing while it runs."""
        code = self.process.poll()
        if code is None:
            return ""
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return f"the server at {self.url} ended {how}; the end of its log:\n{self.last_words()}"


class Standing:
    """A server that stands for many tests: the one after that in which it ended gets a new one.

    Parameters
    ----------
    start
        Makes a context of the server, as :func:`serving` does.
    """

    def __init__(self, start: Callable[[], AbstractContextManager[Server]]) -> None:
        self.start, self.held = start, contextlib.ExitStack()
        self.server: Server | None = None

    def close(self) -> None:
        """Stop the server."""
        self.server = None
        self.held.close()

    @contextlib.contextmanager
    def lent(self) -> Iterator[Server]:
        """Yield a server that runs; say so if it no longer does after the block."""
        if self.server is None:
            self.server = self.held.enter_context(self.start())
        server = self.server
        yield server
        if ended := server.ended():
            with contextlib.suppress(AssertionError):  # which says the same, unless it ended well
                self.close()
            pytest.fail(ended, pytrace=False)


@contextlib.contextmanager
def serving(
    *arguments: str, page: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run ``twin app`` with some arguments, or a page of one's own, until the block is left.

    A server that ended badly before is an error then, with its last words.
    """
    command = [sys.executable, "-m", "twin.cli", "app", "--no-browser", "--port", "0", *arguments]
    if page is not None:
        call = "import sys; from viz.server.launch import serve; token = sys.argv[2:] or [None]; "
        call += "serve(page=sys.argv[1], port=0, browser=False, token=token[0])"
        command = [sys.executable, "-c", call, str(page), *arguments]
    path = os.pathsep.join(filter(None, ((env or {}).get("PYTHONPATH"), str(ROOT))))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=folder, stdout=out, stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONFAULTHANDLER": "1", **(env or {}), "PYTHONPATH": path},
            )  # fmt: skip
        server = None
        try:
            server = Server(_link(process, log), process, log)
            yield server
        finally:
            code = stop(process)
            if code and server is not None:
                raise AssertionError(server.ended())


def _link(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := re.search(r"is at (http\S+)\n", log.read_text()):
            return found.group(1)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError("the server did not start:\n" + log.read_text())


def stop(process: subprocess.Popen[bytes]) -> int:
    """Stop a server with Ctrl-C; return its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("the server did not stop within 10 s of Ctrl-C") from None


def missing(what: str) -> None:
    """Skip a test for want of something; where CI=true nothing may be skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI=true, and there is no {what} here")
    pytest.skip(f"no {what} here")


def chromium() -> str | None:
    """Return the path of Chromium, nothing if it is not installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def launched(playwright, executable: str):
    """Return Chromium without a sandbox (a container has none) and without a screen."""
    return playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])

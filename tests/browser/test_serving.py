"""A server that dies fails the test in which it does, in words, and only that one."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from tests.browser.serving import Server, Standing, serving

CRASH = "ctypes.string_at(0)"
"""Reads address 0, as compiled code might that checks no bounds."""


def ending(folder: Path, call: str) -> Path:
    """Return a page whose server runs something as soon as there is a file ``go`` beside it."""
    file, go = folder / "page.py", folder / "go"
    file.write_text(
        "import ctypes, os, pathlib, threading, time, solara\n"
        f"def end():\n    while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)\n    {call}\n"
        "threading.Thread(target=end, daemon=True).start()\n"
        "@solara.component\ndef Page():\n    solara.Text('here')\n"
    )
    return file


def end(server: Server, folder: Path) -> None:
    """Let a server end."""
    (folder / "go").touch()
    server.process.wait(timeout=30)
    (folder / "go").unlink()


def use(standing: Standing, folder: Path) -> None:
    """Do what a test does in which the server ends."""
    with standing.lent() as server:
        end(server, folder)


@pytest.mark.parametrize(
    ("call", "words"),
    [(CRASH, ("by SIGSEGV", "string_at")), ("os._exit(0)", ("with exit code 0", "Ctrl-C stops"))],
)
def test_the_test_in_which_a_server_ends_says_how_and_the_next_gets_a_new_one(
    tmp_path, call, words
):
    standing = Standing(lambda: serving(page=ending(tmp_path, call)))
    with standing.lent() as first:
        pass
    with standing.lent() as same:
        assert same is first
    with pytest.raises(pytest.fail.Exception) as told:
        use(standing, tmp_path)
    assert all(word in str(told.value) for word in words)
    with standing.lent() as new:
        assert urllib.request.urlopen(new.url + "healthz").status == 200
    standing.close()


def test_a_server_that_ended_badly_is_told_wherever_it_was_used(tmp_path):
    def go() -> None:
        with serving(page=ending(tmp_path, "os._exit(3)")) as server:
            end(server, tmp_path)
            raise ConnectionRefusedError

    with pytest.raises(AssertionError, match="exit code 3") as told:
        go()
    assert isinstance(told.value.__context__, ConnectionRefusedError)

"""A visit to the app on a machine that has nothing but itself; prints what was seen as JSON.

Run in a network namespace of its own: ``unshare -rn python -m tests.browser.offline [PAGE]``.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.looking import Watch, until_there
from tests.browser.serving import chromium, launched, serving

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
EAR = """
import os, sys

def hear(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        place = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        place = arguments[0]
    else:
        return
    with open(os.environ["HEARD"], "a") as file:
        file.write(f"{event} {place!r}\\n")

sys.addaudithook(hear)
"""
"""Python imports ``sitecustomize`` first of all; from there every socket is heard of."""


def loopback_up() -> None:
    """Switch on the only interface that a new namespace has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def visit(page: Path | None, seconds: float = 3) -> dict[str, Any]:
    """Open the app and press what there is to press; return what went on meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(EAR)
        heard = Path(folder) / "heard"
        heard.write_text("")
        env = {"PYTHONPATH": folder, "HEARD": str(heard)}
        with serving(page=page, env=env) as server, sync_playwright() as playwright:
            browser = launched(playwright, chromium() or "chromium")
            seen = browser.new_page()
            watch = Watch(seen)
            seen.goto(server.url)
            until_there(seen)
            seen.wait_for_timeout(1000 * seconds)  # whatever comes late
            shown = seen.evaluate("() => document.body.innerText")
            browser.close()
            said = server.said()
        return {
            "interfaces": [name for _, name in socket.if_nameindex()],
            "shown": shown,
            "requests": watch.requests,
            "problems": watch.problems,
            "dialled": heard.read_text().splitlines(),
            "said": said,
        }


if __name__ == "__main__":
    loopback_up()
    print(json.dumps(visit(Path(sys.argv[1]) if sys.argv[1:] else None)))

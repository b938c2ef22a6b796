"""Looking at a page from within: what it asked for, what went wrong, what it shows."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe

READY = "[data-node]"
"""There as soon as the page shows a network."""

SETTLED = """() => document.getAnimations().every(
    a => a.playState !== "running" || a.effect.getComputedTiming().endTime === Infinity)"""
"""Whether nothing moves any more but what moves for ever."""

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


class Watch:
    """All that a page asked for, and what went wrong: console errors, exceptions, answers >= 400.

    Attributes
    ----------
    requests
        Every address asked for, websockets included.
    problems
        What no page should do, in words.
    """

    def __init__(self, page: Any) -> None:
        self.requests: list[str] = []
        self.problems: list[str] = []
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("response", self._answered)
        page.on("console", self._logged)
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))

    def _asked(self, url: str) -> None:
        self.requests.append(url)
        if not is_local(url):
            self.problems.append(f"request to another machine: {url}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.problems.append(f"answer {response.status}: {response.url}")

    def _logged(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"console error: {message.text}")

    def unexpected(self, allowed: Iterable[str] = ()) -> list[str]:
        """Return the problems that match none of some regular expressions."""
        return [p for p in self.problems if not any(re.search(a, p) for a in allowed)]


def is_local(url: str) -> bool:
    """Return whether an address is this machine's, or no address of a machine at all."""
    parts = urlsplit(url)
    if parts.scheme in ("data", "blob", "about"):
        return True
    host = parts.hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def until(page: Any, expression: str, argument: Any = None, seconds: float = 60) -> Any:
    """Wait until JavaScript is true, asked in every frame inside the page; return its value.

    Playwright's own waiting asks from outside, with growing pauses.
    """
    handle = page.wait_for_function(expression, arg=argument, polling="raf", timeout=1000 * seconds)
    return handle.json_value()


def until_there(page: Any, selector: str = READY, seconds: float = 90) -> None:
    """Wait until something is on the page."""
    until(page, "at => document.querySelector(at) !== null", selector, seconds)


def violations(page: Any, context: Any = None) -> list[str]:
    """Return what axe-core finds serious or critical: rule, meaning, first places.

    What is still fading in would have too little contrast, so that it waits for the end of that.
    """
    until(page, SETTLED)
    found = Axe().run(page, context).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: "
        + "; ".join(str(node["target"]) for node in v["nodes"][:5])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


def no_serious_violations(page: Any, context: Any = None) -> None:
    """Require that axe-core finds nothing serious, on the page or in a part of it."""
    found = violations(page, context)
    assert not found, "\n".join(found)

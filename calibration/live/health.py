"""How the listener is: counters, and the endpoint that shows them on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, NamedTuple

Mode = Literal["replay", "shadow", "twin"]
MAX_DEVICES = 10_000
"""Devices beyond are counted but not listed, so that made-up names cannot fill the memory."""

_MODES: tuple[Mode, ...] = ("replay", "shadow", "twin")


class Refusal(NamedTuple):
    """A recommendation that the broker did not take: what, why, and when (UTC)."""

    what: str
    reason: str
    at: str


class Health:
    """What was received and what became of it; one thread counts, others may look.

    Parameters
    ----------
    mode
        ``shadow``: listens only. ``twin``: recommendations are written back as well. While what
        comes in, or what the live twin looks back on, was emulated or recorded before, the mode
        shown is ``replay``, whatever is given.

    Attributes
    ----------
    received, stored, duplicates
        Messages received; events stored; events that were in the store already.
    rejected
        Messages or parts of them that were not taken, by reason.
    reason_codes
        Answers of the broker, by packet and MQTT 5 reason.
    lost
        Messages known to be missing, by Sparkplug edge node.
    seen
        When a device was heard last: microseconds since 1970 by (site, device).
    lag
        Seconds from the event to its arrival, the largest of the last batch.
    twin
        Figures of the live twin, where one follows: main numbers, and lines for Prometheus.
    advice_left
        Recommendations of an earlier ``twin`` that stand at the broker though it is off now.
    advice_refused
        Recommendations that the broker did not take, by topic.
    tell
        Called with a line of text for whoever watches: what else would only be counted.
    rests_on_replay
        Whether what the live twin believes rests on emulated or replayed events.
    """

    def __init__(self, mode: Mode = "shadow") -> None:
        self.received = self.stored = self.duplicates = self.sessions = 0
        self.rejected: Counter[str] = Counter()
        self.reason_codes: Counter[tuple[str, str]] = Counter()
        self.lost: Counter[str] = Counter()
        self.seen: dict[tuple[str, str], int] = {}
        self.lag = 0.0
        self.connected = False
        self.replayed = False
        self.advice_left = 0
        self.advice_refused: dict[str, Refusal] = {}
        self.tell: Callable[[str], None] = lambda _: None
        self.twin: tuple[Callable[[], dict[str, object]], Callable[[], str]] | None = None
        self.rests_on_replay: Callable[[], bool] = lambda: False
        self._mode = mode

    @property
    def mode(self) -> Mode:
        """Which mode is on, said honestly."""
        return "replay" if self.replayed or self.rests_on_replay() else self._mode

    def heard(self, site: str, device: str, arrived: int) -> None:
        """Note that a device was heard."""
        if (site, device) in self.seen or len(self.seen) < MAX_DEVICES:
            self.seen[site, device] = arrived

    def advice_answered(self, topic: str, refusal: Refusal | None) -> None:
        """Note whether the broker took a recommendation; a refusal is told once."""
        if refusal is None:
            self.advice_refused.pop(topic, None)
            return
        before = self.advice_refused.get(topic)
        self.advice_refused[topic] = refusal
        if before is None or before.reason != refusal.reason:
            self.tell(
                f"the broker refused the recommendation '{refusal.what}': {refusal.reason}; nobody "
                f"there sees it. The twin's user needs the right to write to {topic}"
            )

    def summary(self) -> dict[str, object]:
        """Return the main numbers by name."""
        found: dict[str, object] = {
            "connected": self.connected, "mode": self.mode, "received": self.received,
            "stored": self.stored, "duplicates": self.duplicates,
            "rejected": sum(self.rejected.values()), "lost": sum(self.lost.values()),
        }  # fmt: skip
        if self.advice_left:
            found["advice_left"] = self.advice_left
        if self.advice_refused:
            found["advice_refused"] = [r._asdict() for r in tuple(self.advice_refused.values())]
        return found if self.twin is None else found | self.twin[0]()

    def metrics(self) -> str:
        """Return all numbers in the text format of Prometheus."""
        now = time.time()
        count, gauge = "counter", "gauge"
        lines = [
            *family("messages_received_total", count, {(): self.received}),
            *family("events_stored_total", count, {(): self.stored}),
            *family("duplicates_total", count, {(): self.duplicates}),
            *family(
                "rejected_total", count, {(("reason", r),): n for r, n in tuple(self.rejected.items())}
            ),
            *family("messages_lost_total", count, {(("edge", e),): n for e, n in tuple(self.lost.items())}),
            *family(
                "reason_codes_total", count,
                {(("packet", p), ("code", c)): n for (p, c), n in tuple(self.reason_codes.items())},
            ),
            *family("advice_refused", gauge, {(): len(self.advice_refused)}),
            *family("sessions_started_total", count, {(): self.sessions}),
            *family("connected", gauge, {(): int(self.connected)}),
            *family("lag_seconds", gauge, {(): self.lag}),
            *family("mode", gauge, {(("mode", m),): int(m == self.mode) for m in _MODES}),
            *family(
                "device_silent_seconds", gauge,
                {(("site", s), ("device", d)): now - t / 1e6 for (s, d), t in tuple(self.seen.items())},
            ),
        ]  # fmt: skip
        return "\n".join(lines) + "\n" + ("" if self.twin is None else self.twin[1]())


Labels = tuple[tuple[str, str], ...]


def family(name: str, kind: str, values: Mapping[Labels, float]) -> list[str]:
    """Return the lines of one figure, ``twin_`` before its name, with each value's labels."""
    lines = [f"# TYPE twin_{name} {kind}"]
    for labels, value in values.items():
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        lines.append(f"twin_{name}{'{' + inside + '}' if inside else ''} {value:.15g}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def serve(health: Health, port: int) -> ThreadingHTTPServer:
    """Show ``/healthz`` and ``/metrics`` on this machine alone, from a thread of its own.

    Parameters
    ----------
    port
        Port on 127.0.0.1; 0 takes a free one (``server_port`` of the answer says which).

    Returns
    -------
    ThreadingHTTPServer
        Call its ``shutdown()`` and ``server_close()`` at the end.

    Raises
    ------
    OSError
        If the port is taken.
    """

    class Page(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            host = self.headers.get("Host", "").rsplit(":", 1)[0]
            if host not in ("127.0.0.1", "localhost"):  # a page elsewhere that points its name here
                self._answer(403, "text/plain", "this page is for this machine\n")
            elif self.path == "/healthz":
                status = 200 if health.connected else 503
                self._answer(status, "application/json", json.dumps(health.summary()) + "\n")
            elif self.path == "/metrics":
                self._answer(200, "text/plain; version=0.0.4; charset=utf-8", health.metrics())
            else:
                self._answer(404, "text/plain", "/healthz or /metrics\n")

        def _answer(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: a line per request is no news."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Page)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server

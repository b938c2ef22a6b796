"""What runs beside the listener: the health endpoint and the live twin, each in its own thread."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from calibration.live.connection import LiveError
from calibration.live.health import Health, serve
from calibration.live.tracker import Tracker

_TURN = 0.0005  # seconds after which a busy thread gives way (Python's own: 0.005)


@contextmanager
def endpoint(health: Health, port: int | None) -> Iterator[None]:
    """Serve the endpoint during a block, if a port is given."""
    try:
        server = None if port is None else serve(health, port)
    except OSError as error:
        msg = f"port {port} of this machine cannot be used ({error}); choose another"
        raise LiveError(msg) from error
    try:
        yield
    finally:
        health.connected = False
        if server is not None:
            server.shutdown()
            server.server_close()


@contextmanager
def following(health: Health, tracker: Tracker | None) -> Iterator[None]:
    """Let a live twin follow during a block; threads take turns more often, so that it is no brake."""
    if tracker is None:
        yield
        return
    health.twin = tracker.summary, tracker.metrics
    health.rests_on_replay = lambda: tracker.replayed
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    tracker.start()
    try:
        yield
    finally:
        tracker.stop()
        sys.setswitchinterval(before)

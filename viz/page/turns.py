"""Who may compute now: answers that somebody waits for go before work in the background."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator

_LOOK = 0.01
"""Seconds between two looks whether it is one's turn."""

_AT_ONCE = threading.BoundedSemaphore(os.cpu_count() or 1)
_BACKGROUND = threading.Lock()
_waited_for = [0]
_COUNT = threading.Lock()


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Hold a turn of an answer: as many at once as there are cores, for all pages together."""
    _count(1)
    try:
        with _AT_ONCE:
            yield
    finally:
        _count(-1)


def _count(n: int) -> None:
    with _COUNT:
        _waited_for[0] += n


@contextlib.contextmanager
def background(stop: threading.Event) -> Iterator[None]:
    """Hold the one turn of background work; it may come late, or never if it is stopped first."""
    while not _BACKGROUND.acquire(timeout=0.1):
        if stop.is_set():
            yield
            return
    try:
        yield
    finally:
        _BACKGROUND.release()


def give_way(stop: threading.Event) -> None:
    """Wait while anybody waits for an answer; for background work, between two chunks."""
    while _waited_for[0] and not stop.is_set():
        time.sleep(_LOOK)

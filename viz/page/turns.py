"""Who may compute now: first answers before full ones, both before background work, studies last."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator

_LOOK = 0.01
"""Seconds between two looks whether it is one's turn."""

_PATIENCE = 0.1
"""Seconds after which who waits for a turn looks whether it was stopped."""

_CHANGED = threading.Condition()
_BACKGROUND = threading.Lock()
_STUDIES = threading.Lock()
_at_work = 0
_waited_for = {"first": 0, "full": 0, "background": 0}
"""Answers of each kind that somebody waits for, and background work, at work or not yet."""


@contextlib.contextmanager
def answering(kind: str, stop: threading.Event) -> Iterator[None]:
    """Hold a turn of an answer: as many at once as there are cores, for all pages together.

    Whoever is stopped waits no longer, and has no turn: while a slider moves, an answer that
    nobody wants any more is left behind at every step, and each would keep a thread.

    Parameters
    ----------
    kind
        ``first`` or ``full``; a full one begins when nobody waits for a first one.
    stop
        Set when the answer is no longer wanted.
    """
    global _at_work
    with _waiting(kind):
        with _CHANGED:
            while not (free := _free(kind)) and not stop.is_set():
                _CHANGED.wait(_PATIENCE)
            _at_work += free
        try:
            yield
        finally:
            with _CHANGED:
                _at_work -= free


def _free(kind: str) -> bool:
    return _at_work < (os.cpu_count() or 1) and (kind == "first" or not _waited_for["first"])


@contextlib.contextmanager
def background(stop: threading.Event) -> Iterator[None]:
    """Hold the one turn of background work; it may come late, or never if it is stopped first."""
    with _waiting("background"), _turn(_BACKGROUND, stop):
        yield


@contextlib.contextmanager
def studying(stop: threading.Event) -> Iterator[None]:
    """Hold the one turn of studies, for all pages together; as :func:`background` does."""
    with _turn(_STUDIES, stop):
        yield


@contextlib.contextmanager
def _turn(lock: threading.Lock, stop: threading.Event) -> Iterator[None]:
    while not lock.acquire(timeout=_PATIENCE):
        if stop.is_set():
            yield
            return
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _waiting(kind: str) -> Iterator[None]:
    with _CHANGED:
        _waited_for[kind] += 1
    try:
        yield
    finally:
        with _CHANGED:
            _waited_for[kind] -= 1
            _CHANGED.notify_all()


def give_way(stop: threading.Event, to: tuple[str, ...] = ("first", "full")) -> None:
    """Wait while anybody waits for an answer; between two chunks of what can wait."""
    while any(_waited_for[kind] for kind in to) and not stop.is_set():
        time.sleep(_LOOK)

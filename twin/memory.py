"""Results that are kept for the next caller."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")


def remembered(n: int) -> Callable[[Callable[[A], B]], Callable[[A], B]]:
    """Keep what a function returned for its last ``n`` arguments, told apart by identity.

    For frozen arguments that cannot be hashed: checking, compiling and drawing one scenario ask
    for the same network.
    """

    def around(function: Callable[[A], B]) -> Callable[[A], B]:
        kept: deque[tuple[A, B]] = deque(maxlen=n)

        @functools.wraps(function)
        def remembering(given: A) -> B:
            for argument, result in tuple(kept):
                if argument is given:
                    return result
            result = function(given)
            kept.append((given, result))
            return result

        return remembering

    return around


def kept(holder: Any, name: str, make: Callable[[], B]) -> B:
    """Return what ``make`` gives, made once per holder.

    It is kept where ``functools.cached_property`` keeps its values, for what is derived from a
    frozen thing that its class need not know.
    """
    store = vars(holder)
    if name not in store:
        store[name] = make()
    found: B = store[name]
    return found


class Made:
    """What was made of what, so that whoever makes nearly the same takes over what stays.

    Parameters
    ----------
    before
        What was made the last time.
    """

    def __init__(self, before: Made | None = None) -> None:
        self._known: dict[str, tuple[tuple[Any, ...], Any]] = {}
        if before is not None:
            self._known |= before._known

    def __call__(self, name: str, of: Sequence[Any], make: Callable[[], B]) -> B:
        """Return what was made under a name of equal things the last time, or make it.

        Parameters
        ----------
        name
            Name of what is made.
        of
            All that it is made of; no arrays, for they are not simply equal.
        make
            Makes it.
        """
        key, old = tuple(of), self._known.get(name)
        if old is None or old[0] != key:
            old = self._known[name] = key, make()
        found: B = old[1]
        return found

    def each(self, name: str, of: Sequence[A], make: Callable[[int], B]) -> list[B]:
        """Return what is made of each of some things; made anew for those that are new alone.

        Parameters
        ----------
        name
            Name of what is made.
        of
            The things, what is made of one resting on it alone.
        make
            Makes it of the thing with a number.
        """
        before: Sequence[A]
        old: list[B]
        before, old = self._known.get(name, ((), []))
        if len(before) != len(of):
            old = [make(n) for n in range(len(of))]
        else:
            new = [n for n, (a, b) in enumerate(zip(of, before, strict=True)) if a is not b]
            new = [n for n in new if of[n] != before[n]]
            if new:
                old = list(old)
            for n in new:
                old[n] = make(n)
        self._known[name] = tuple(of), old
        return old

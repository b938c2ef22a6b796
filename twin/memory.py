"""Results that are kept for the next caller."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from typing import TypeVar

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

"""Numbers on their way between a user and the arrays, and names that must exist."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.errors import RunError
from twin.names import nearest

Floats = NDArray[np.float64]
T = TypeVar("T")
_LARGEST = float(np.finfo(np.float64).max)


class UnknownNameError(RunError, KeyError):
    """A site, item or device that the model does not have."""

    __str__ = Exception.__str__


class ByName(Mapping[str, T], Generic[T]):
    """Things by name, made when they are first asked for.

    Parameters
    ----------
    what
        What they are, for messages: ``"site"``.
    names
        All names there are.
    make
        Makes the thing of a name.
    """

    def __init__(self, what: str, names: Iterable[str], make: Callable[[str], T]) -> None:
        self._what, self._make = what, make
        self._made: dict[str, T | None] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            msg = f"no {self._what} '{name}'; {nearest(str(name), self._made)}"
            raise UnknownNameError(msg)
        found = self._made[name]
        if found is None:
            found = self._made[name] = self._make(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def __repr__(self) -> str:
        shown = [repr(self[name]) for name in list(self)[:8]]
        more = [f"... {len(self) - 8} more"] if len(self) > 8 else []
        return "{" + ",\n ".join(shown + more) + "}"


def amount(values: Any) -> str:
    """Return a number as people write it; of several the mean."""
    return f"{float(np.mean(values)):,.1f}".removesuffix(".0")


def checked(
    value: Any,
    K: int,
    place: Callable[[], str],
    *,
    low: float = 0.0,
    high: float = np.inf,
    whole: bool = False,
) -> Floats:
    """Return what a user gave as one number, or one per replication.

    Parameters
    ----------
    value
        A number, or ``K`` numbers.
    K
        Number of replications.
    place
        Says what the number is for; called when it is wrong.
    low, high
        What is allowed.
    whole
        Only whole numbers.

    Returns
    -------
    ndarray, shape () or (1,) or (K,)

    Raises
    ------
    RunError
        If it is not a number in the range, or not as many as there are replications.
    """
    allowed = "a whole number" if whole else "a number"
    allowed += f" from {low:g}" if low > -np.inf else ""
    allowed += f" to {high:g}" if high < np.inf else ""
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        msg = f"{place()} = {value!r}; give {allowed}"
        raise RunError(msg) from None
    if found.shape not in ((), (1,), (K,)):
        msg = f"{place()} has shape {found.shape}; give one number, or one per replication ({K})"
        raise RunError(msg)
    right = (found >= max(low, -_LARGEST)) & (found <= min(high, _LARGEST))  # nan is neither
    if whole:
        right &= found == np.floor(found)
    if not right.all():
        first = found.ravel()[int(np.argmin(right))]
        msg = f"{place()} = {first:g}; give {allowed}"
        raise RunError(msg)
    return found

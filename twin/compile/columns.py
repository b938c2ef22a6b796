"""Lists of Python objects -> columns of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from twin.arrays import Floats, Ints


def ints(values: Iterable[Any]) -> Ints:
    """Return an ``int32`` array."""
    return np.array(list(values), dtype=np.int32)


def flags(values: Iterable[Any]) -> Any:
    """Return an ``int8`` array."""
    return np.array([int(v) for v in values], dtype=np.int8)


def floats(values: Iterable[Any]) -> Floats:
    """Return a ``float64`` array."""
    return np.array(list(values), dtype=np.float64)


def offsets(sizes: Iterable[int]) -> Ints:
    """Return CSR offsets of consecutive groups of the given sizes."""
    return np.concatenate([[0], np.cumsum(np.array(list(sizes), dtype=np.int64))]).astype(np.int32)


def columns_of(parts: dict[str, Any], names: Sequence[str], length: int, last: str = "") -> Ints:
    """Stack arrays by name into one table and pad the shorter ones; leave out what follows ``last``."""
    names = names[: names.index(last) + 1] if last else names
    table = np.zeros((len(names), length), np.int32)
    for c, name in enumerate(names):
        table[c, : parts[name].size] = parts[name]
    return table


def forms_of(columns: Sequence[Any]) -> tuple[Any, Ints]:
    """Return the distinct things ``(columns, forms)`` and which one each thing is.

    Numbers that differ in their last bits are different; NaN equals NaN.
    """
    table = np.ascontiguousarray(np.array(columns, dtype=np.float64).T)
    data, width = table.tobytes(), table.itemsize * table.shape[1]
    known: dict[bytes, int] = {}
    number = known.setdefault
    which = ints([number(data[i : i + width], len(known)) for i in range(0, len(data), width)])
    _, first = np.unique(which, return_index=True)
    return table[first].T.reshape(table.shape[1], first.size), which


def or_nothing(values: Floats) -> Floats:
    """Return factors, or nothing where all of them are 1."""
    return values if (values != 1.0).any() else floats(())

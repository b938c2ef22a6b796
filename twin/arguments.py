"""What a caller asks of a run, checked in words before anything is made."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from twin.errors import RunError
from twin.names import nearest
from twin.problems import show
from twin.schema import Scenario

_LEFT_OUT = {
    "replications": "the scenario's own",
    "seed": "the scenario's own",
    "threads": "one per core",
    "replication": "the first",
    "books": "every period",
    "search_replications": "what the search takes by itself",
}
"""What a number is if it is not given."""


def whole(name: str, value: Any) -> int:
    """Return a number that a caller gave as a whole one.

    Parameters
    ----------
    name
        ``replications``, ``seed`` (with the range that the scenario declares), ``threads``,
        ``replication`` (one of many, from 0) or ``books`` (periods between two looks at them).
    value
        What was given.

    Raises
    ------
    RunError
        If it is no whole number in its range.
    """
    low, high = _range(name)
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if number and value == value // 1:
        found = int(value)
        if low <= found and (high is None or found <= high):
            return found
    limits = f"of {low} or more" if high is None else f"from {low} to {high:,}"
    msg = (
        f"{name} = {show(value)}; must be a whole number {limits}: correct it, or leave it out "
        f"for {_LEFT_OUT[name]}"
    )
    raise RunError(msg)


def _range(name: str) -> tuple[int, int | None]:
    if name == "replication":
        return 0, _range("replications")[1]
    if name not in Scenario.model_fields:
        return 1, None
    limits = Scenario.model_fields[name].metadata
    low, high = (next(getattr(m, end) for m in limits if hasattr(m, end)) for end in ("ge", "le"))
    return low, high


def source(scenario: Any) -> None:
    """Check that a caller gave something that a scenario can come from.

    Raises
    ------
    RunError
        If it is neither a scenario nor a path.
    """
    if not isinstance(scenario, Scenario | str | Path):
        msg = (
            f"scenario = {show(scenario)}; must be a Scenario, a file, or a name that `twin list` "
            "shows"
        )
        raise RunError(msg)


def changes(given: Any) -> dict[str, Any]:
    """Return changes that a caller gave, by key; none for ``None``.

    Raises
    ------
    RunError
        If they are no mapping of keys to values.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        msg = (
            f"set = {show(given)}; must be changes by key, such as set={{'horizon': 200}}: "
            "correct it, or leave it out"
        )
        raise RunError(msg)
    return dict(given)


def callbacks(progress: Any, cancelled: Any) -> None:
    """Check what a caller gave to watch and to stop a run.

    Raises
    ------
    RunError
        If progress cannot be called, or cancelled cannot be asked.
    """
    if progress is not None and not callable(progress):
        msg = (
            f"progress = {show(progress)}; must be a function of (done, in all): correct it, or "
            "leave it out"
        )
        raise RunError(msg)
    if cancelled is not None and not callable(getattr(cancelled, "is_set", None)):
        msg = (
            f"cancelled = {show(cancelled)}; must be a threading.Event: correct it, or leave it out"
        )
        raise RunError(msg)


def switch(name: str, value: Any) -> None:
    """Check that a caller gave True or False.

    Raises
    ------
    RunError
        If it is anything else.
    """
    if not isinstance(value, bool):
        msg = f"{name} = {show(value)}; must be True or False: correct it, or leave it out"
        raise RunError(msg)


def series(record: Any) -> tuple[str, ...]:
    """Return the names of series that a caller wants recorded, each once.

    Raises
    ------
    RunError
        If they are no list of names, or there is no such series.
    """
    from twin.compile.plan import RECORDABLE  # loads the compiler

    listed = isinstance(record, Iterable) and not isinstance(record, str | bytes)
    found: list[Any] = list(record) if listed else [None]
    if not all(isinstance(name, str) for name in found):
        msg = (
            f"record = {show(record)}; must be a list of names of series, such as "
            "record=['rows.on_hand']: correct it, or leave it out for a light set"
        )
        raise RunError(msg)
    known = [f"{table}.{field}" for table, fields in RECORDABLE.items() for field in fields]
    for name in found:
        if name not in known:
            msg = (
                f"record: no series '{name}' to record; {nearest(name, known)} All there are: "
                f"{', '.join(known)}"
            )
            raise RunError(msg)
    return tuple(dict.fromkeys(found))

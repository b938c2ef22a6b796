"""Registries: a name in a scenario file -> one decorated function and its description."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One registered thing: its number in the kernel, its words, its function."""

    name: str
    number: int
    title: str
    text: str
    uses: tuple[str, ...]
    function: Callable[..., Any]
    extra: dict[str, Any] = field(default_factory=dict)


class Registry(dict[str, Entry]):
    """Entries by name, numbered in order of registration."""

    def add(
        self, name: str, *, uses: tuple[str, ...] = (), **extra: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the decorated function under a name.

        Parameters
        ----------
        name
            The word used in scenario files.
        uses
            Parameters of the schema that it reads.
        **extra
            Whatever else its readers want to know (unit, direction ...).

        Raises
        ------
        ValueError
            If the name is taken or the function has no docstring.
        """

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            if name in self:
                msg = f"'{name}' is registered already"
                raise ValueError(msg)
            text = inspect.getdoc(function)
            if not text:
                msg = f"'{name}' needs a docstring: its formula, symbols and source"
                raise ValueError(msg)
            title = text.splitlines()[0].rstrip(".")
            self[name] = Entry(name, len(self), title, text, uses, function, extra)
            return function

        return decorate

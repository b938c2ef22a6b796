"""Matching and suggesting names."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from twin.schema.base import Pattern


def matches(name: str | None, pattern: Pattern | None) -> bool:
    """Return whether a name matches one of the shell-style patterns (no pattern: yes)."""
    if pattern is None:
        return True
    if name is None:
        return False
    if isinstance(pattern, str):
        return name == pattern or (is_wild(pattern) and fnmatchcase(name, pattern))
    return any(matches(name, p) for p in pattern)


@functools.lru_cache(maxsize=4096)
def is_wild(pattern: str) -> bool:
    """Return whether a pattern may match other names than itself."""
    return re.search(r"[*?[]", pattern) is not None


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the hint ``; did you mean 'x'?`` or the list of what is allowed."""
    known = sorted(set(valid))
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    if not known:
        return "there is none to choose from"
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"allowed: {shown}"

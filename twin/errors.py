"""Every error a user can cause.

::

    TwinError
    ├── ScenarioError      a scenario file or table is wrong
    │   └── NetworkError   its network is: cycle, unreachable market, invalid cut
    ├── RunError           a run was asked for something it cannot do
    └── OutputError        a result could not be written
        └── OccupiedError  where it is to be written lies something else, which may be replaced
"""

from __future__ import annotations


class TwinError(Exception):
    """Base of all errors that are the user's to mend; the shell prints them and exits with 2."""


class ScenarioError(TwinError):
    """A scenario is wrong: says value, place, what is allowed and what to do."""


class NetworkError(ScenarioError):
    """A scenario's network is wrong: cycle, unreachable market, invalid decoupling point."""


class RunError(TwinError):
    """A run was asked for something it cannot do."""


class OutputError(TwinError):
    """A result could not be written."""


class OccupiedError(OutputError):
    """Something else lies where a result is to be written; it is replaced if that is asked.

    Parameters
    ----------
    what
        Where it lies and what it is.
    instead
        What else can be done in a shell, besides replacing it.

    Attributes
    ----------
    what
        As given: who cannot type ``--force`` is told another way.
    """

    def __init__(self, what: str, instead: str = "give another folder") -> None:
        self.what = what
        super().__init__(f"{what}; {instead}, or begin anew with --force (in Python: force=True)")

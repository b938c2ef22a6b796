"""Commands whose help is their docstring, and whose users' errors are one message."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperGroup

from twin.errors import TwinError
from twin.shell import terminal
from twin.shell.terminal import note

F = TypeVar("F", bound=Callable[..., Any])
USER_ERROR = 2
"""Exit code of what a user can mend."""


class Group(TyperGroup):
    """Commands whose users' errors are one message and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        terminal.forgive_encoding()
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()  # a closed pipe is noticed here, where it is understood
        except TwinError as error:
            note(f"twin: {error}")
            raise typer.Exit(USER_ERROR) from error
        except KeyboardInterrupt as error:
            note("twin: stopped")
            raise typer.Exit(terminal.INTERRUPTED) from error
        return done


def command(of: typer.Typer, short: str | None = None, name: str | None = None) -> Callable[[F], F]:
    """Register a command whose help is its docstring, examples line by line."""

    def decorate(function: F) -> F:
        text = inspect.getdoc(function) or ""
        return of.command(name, help=examples_kept(text), short_help=short)(function)

    return decorate


def examples_kept(text: str) -> str:
    """Mark paragraphs of examples, so that their lines are not joined."""
    parts = [f"\b\n{p}" if "\ntwin " in f"\n{p}" else p for p in text.split("\n\n")]
    return "\n\n".join(parts)

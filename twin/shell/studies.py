"""The command that runs studies: ``twin study``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from twin.shell import terminal
from twin.shell.commands import command
from twin.shell.options import AsJson, Force, Quiet
from twin.shell.terminal import note, say

app = typer.Typer()
"""Commands that :mod:`twin.cli` takes over as its own."""


@command(app, "Run a study: a scenario varied by design.")
def study(
    source: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study file, or the name of a shipped one.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep results there; the same command goes on."),
    ] = None,
    force: Force = False,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Threads at work.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run on the workers of a Dask scheduler."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a study: a scenario varied by design, every run under the same luck.

    twin study decoupling-under-outage --out frontier
    twin study levers-of-a-shop --json
    twin study my-study.yaml --out results --scheduler tcp://head:8786

    Stopped or killed, the same command goes on where it stood. All points are checked before the
    first run.
    """
    from twin.study import study as run_study

    try:
        with terminal.engine(quiet) as progress:
            found = run_study(
                source, out=out, force=force, threads=threads, scheduler=scheduler,
                progress=progress, cancelled=progress.cancelled,
            )  # fmt: skip
    except KeyboardInterrupt:
        if out is not None:
            note(f"twin: finished parts are kept in {out}/; the same command goes on")
        raise
    say(json.dumps(found.to_json_dict(), indent=1) if as_json else found.summary())

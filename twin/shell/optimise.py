"""The command that chooses decoupling points and buffers: ``twin optimise``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from twin.shell import inputs, terminal
from twin.shell.commands import command
from twin.shell.options import AsJson, Force, Quiet
from twin.shell.terminal import note, say

app = typer.Typer()
"""Commands that :mod:`twin.cli` takes over as its own."""


@command(app, "Choose decoupling points, buffers and sources.")
def optimise(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A file, or a name from `twin list`.")
    ],
    levers: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="What may change: cuts, levels, safety_factors ..."),
    ] = None,
    family: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Whose decoupling point may move.")
    ] = None,
    aim: Annotated[str | None, typer.Option(metavar="KPI", help="What is made good.")] = None,
    penalty: Annotated[
        float | None, typer.Option(metavar="MONEY", help="Cost of each unit not served on time.")
    ] = None,
    require: Annotated[
        list[str] | None, typer.Option(metavar="KPI>=X", help="A bound that must be kept.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(metavar="N", help="Most candidates that are tried.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change before anything is tried."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the better scenario there."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep what was tried; the same goes on.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The luck.")] = None,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Threads at work.")] = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Choose decoupling points, buffers and sources under service constraints.

    twin optimise electronics --require 'on_time>=0.95' -o better.yaml
    twin optimise my.yaml --levers cuts,safety_factors --family laptop --penalty 20

    What is reported comes from draws of luck that the search has not seen.
    """
    from twin.optimise.asked import bounds

    inputs.check_new(output, force)
    asked: dict[str, Any] = {
        "families": family, "aim": aim, "penalty": penalty,
        "require": bounds(require or (), "--require"),
        "budget": budget, "seed": seed, "set": inputs.changes(changes or ()) or None,
        "levers": levers.split(",") if levers else None,
    }  # fmt: skip
    found = _found(scenario, {k: v for k, v in asked.items() if v is not None}, out, force,
                   threads, quiet)  # fmt: skip
    say(json.dumps(found.to_json_dict(), indent=1) if as_json else found.summary())
    if output is not None:
        found.save(output)
        note(f"twin: wrote {output}")


def _found(
    scenario: str, asked: dict[str, Any], out: Path | None, force: bool, threads: int | None,
    quiet: bool,
) -> Any:  # fmt: skip
    from twin.optimise import optimise as choose

    try:
        with terminal.engine(quiet) as progress:
            return choose(
                scenario, out=out, force=force, threads=threads, progress=progress,
                cancelled=progress.cancelled, told=None if quiet else progress.remark, **asked,
            )  # fmt: skip
    except KeyboardInterrupt:
        if out is not None:
            note(f"twin: what was tried is kept in {out}/; the same command goes on")
        raise

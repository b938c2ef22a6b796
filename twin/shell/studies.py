"""The command that runs studies: ``twin study``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.errors import RunError
from twin.shell import inputs, terminal
from twin.shell.commands import command
from twin.shell.options import AsJson, Force, Quiet
from twin.shell.terminal import note, say

if TYPE_CHECKING:
    from twin.study.findings import Findings
    from twin.study.result import Study

app = typer.Typer()
"""Commands that :mod:`twin.cli` takes over as its own."""


@command(app, "Run a study: a scenario varied by design, or a ready-made one.")
def study(
    source: Annotated[
        str,
        typer.Argument(metavar="STUDY", help="A study file, or a name from `twin study --list`."),
    ] = "",
    scenario: Annotated[
        str | None,
        typer.Option(metavar="SCENARIO", help="Study this one: a file, or a name."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change of the scenario for all runs."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="KEY=VALUE", help="What a ready-made study is asked."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep results there; the same command goes on."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one HTML page that says it all.")
    ] = None,
    force: Force = False,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Threads at work.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run on the workers of a Dask scheduler."),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List the studies, or the options of STUDY.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a study: a scenario varied by design, every run under the same luck.

    twin study --list
    twin study stress-test --scenario electronics --out stress --report stress.html
    twin study stress-test --list                        what it can be asked
    twin study my-study.yaml --out results --scheduler tcp://head:8786

    Stopped or killed, the same command goes on where it stood; all is checked before the first run.
    """
    if listed or not source:
        say(_listed(source))
        return
    _check_report(report, force)
    ours = {"out": out, "threads": threads, "scheduler": scheduler, "force": force}
    try:
        found = _found(source, (scenario, changes, options), quiet, ours)
    except KeyboardInterrupt:
        if out is not None:
            note(f"twin: finished parts are kept in {out}/; the same command goes on")
        raise
    say(json.dumps(found.to_json_dict(), indent=1) if as_json else found.summary())
    if report is not None:
        _save(found, report, out)
        note(f"twin: wrote {report}")


def _found(
    source: str,
    asked: tuple[str | None, list[str] | None, list[str] | None],
    quiet: bool,
    ours: dict[str, Any],
) -> Findings | Study:
    """Run a ready-made study or that of a file."""
    from twin.study import ready
    from twin.study import study as run_study

    with terminal.engine(quiet) as progress:
        ours |= {"progress": progress, "cancelled": progress.cancelled}
        if ready.is_ready_made(source):
            told = None if quiet else progress.remark
            return ready.ready_made(source, _asked(*asked), told=told, **ours)
        return run_study(source, scenario=_own(*asked), **ours)


def _asked(
    scenario: str | None, changes: list[str] | None, options: list[str] | None
) -> dict[str, Any]:
    """Return the options of a ready-made study."""
    asked = inputs.changes(options or (), "--with")
    asked |= {} if scenario is None else {"scenario": scenario}
    return asked | ({"set": inputs.changes(changes)} if changes else {})


def _own(scenario: str | None, changes: list[str] | None, options: list[str] | None) -> Any:
    """Return the scenario that a study file is to be run with instead of its own."""
    from twin.edits import apply
    from twin.load import load

    if options:
        msg = f"--with {options[0]}: asks a ready-made study (`twin study --list`); leave it out"
        raise RunError(msg)
    if scenario is None:
        if changes:
            msg = f"--set {changes[0]}: write 'set' into the study file, or name a --scenario"
            raise RunError(msg)
        return None
    return apply(load(scenario), inputs.changes(changes or ()))


def _listed(name: str) -> str:
    """Return all studies by name; of a ready-made one what it can be asked."""
    from twin.study import ready, shipped

    if name:
        return ready.options_told(name)
    rows = [*((n, ready.title(n)) for n in ready.NAMES), *((n, t) for n, t, _ in shipped())]
    width = max(len(n) for n, _ in rows)
    return "\n".join(f"{n:<{width}}  {t}" for n, t in rows)


def _save(found: Findings | Study, path: Path, out: Path | None) -> None:
    """Write the report, and the data of its figures where nobody has yet: beside it."""
    from twin.study.findings import Findings
    from viz.report_study import save_report
    from viz.study_told import findings_of

    save_report(found, path)
    if out is None or not isinstance(found, Findings):
        told = found if isinstance(found, Findings) else findings_of(found)
        told.save(_beside(path))


def _check_report(report: Path | None, force: bool) -> None:
    """Raise an :class:`OutputError` where the report or its data could not be written."""
    inputs.check_new(report, force)
    if report is not None:
        inputs.check_new_folder(_beside(report), force)


def _beside(report: Path) -> Path:
    """Return where the data of a report's figures go."""
    return report.with_name(f"{report.stem}-data")

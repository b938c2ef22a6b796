"""The command line: ``twin run electronics``; ``twin --help`` lists everything.

Only what was asked for goes to stdout; remarks, progress and errors go to stderr. What a user can
mend (:class:`twin.errors.TwinError`) is one message and exit code 2, Ctrl-C is exit code 130, and
any other exception is a bug and keeps its traceback. Modules are imported inside the commands, so
that each waits only for what it needs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calibration.commands import app as telemetry
from twin.shell import terminal
from twin.shell.commands import Group, command, examples_kept
from twin.shell.imports import imports
from twin.shell.optimise import app as optimisation
from twin.shell.options import AsJson, Force, Quiet
from twin.shell.studies import app as studies
from twin.shell.terminal import note, say

if TYPE_CHECKING:
    from twin.result import Result
    from twin.schema import Scenario

app = typer.Typer(
    name="twin",
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
app.add_typer(imports, name="import")

Name = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A file, or a name from `twin list`.")
]


def _whole(name: str, help_: str, *flags: str) -> Any:
    """Return an option that takes a whole number."""

    def parse(text: str) -> int:
        from twin.shell.inputs import number

        return number(name, text)

    return typer.Option(*flags, parser=parse, metavar="N", help=help_)


Replications = Annotated[
    int | None,
    _whole("replications", "Draws of luck; default: the scenario's.", "--replications", "-n"),
]
Seed = Annotated[int | None, _whole("seed", "The luck; default: the scenario's.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value; may be given repeatedly."),
]
Threads = Annotated[int | None, _whole("threads", "Threads at work; no number depends on it.")]
Everything = Annotated[bool, typer.Option("--all", help="Show every KPI.")]


def _version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


_START = examples_kept(
    """Run a push-pull supply-chain twin from the shell.

twin list                    scenarios that come with it
twin explain electronics     what is in one, in words
twin run electronics         run it
twin new my.yaml             write one to start from

Every command has examples: twin run --help"""
)


@app.callback(help=_START)
def main(
    asked: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print versions."),
    ] = False,
) -> None:
    """Take what stands before the command."""


@command(app)
def run(
    scenario: Name,
    replications: Replications = None,
    seed: Seed = None,
    changes: Set = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write tables and histories there.")
    ] = None,
    as_json: AsJson = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the result (.svg, .png, .pdf).")
    ] = None,
    everything: Everything = False,
    force: Force = False,
    threads: Threads = None,
    quiet: Quiet = False,
) -> None:
    """Run a scenario and print its KPIs.

    twin run electronics --set families.laptop.decoupling_point=dc
    twin run my.yaml --replications 200 --out results --plot results.svg

    KPIs are means over the replications with their 95% intervals, the warm-up left out. If the
    scenario has disruptions, their effect is told against the same twin without them under the
    same luck. --out writes kpis.csv, per_replication.csv, tables by stage, site, owner and item,
    history_*.parquet, manifest.json and scenario.yaml into a new or empty folder; with --force
    they replace an earlier result.
    """
    from twin import result_folder
    from twin.run import run as run_scenario
    from twin.shell import inputs
    from twin.shell.report import report

    if out is not None:
        result_folder.check(out, force)
    inputs.check_picture(plot, force)
    chosen = _prepared(scenario, changes, replications, seed)
    with terminal.engine(quiet) as progress:
        result = run_scenario(
            chosen, threads=threads, progress=progress, cancelled=progress.cancelled
        )
        progress.hide()
        try:
            written = _written(result, out, plot, force)
        finally:  # a full disk should not cost the numbers as well
            if as_json:
                say(result.to_json())
            else:
                report(scenario, result, everything, remarks=not quiet)
    if not quiet:
        for text in written:
            note(text)


def _prepared(
    scenario: str, pairs: list[str] | None, replications: int | None, seed: int | None
) -> Scenario:
    from twin.edits import apply
    from twin.load import load
    from twin.shell.inputs import changes

    found = changes(pairs or ())
    found |= {} if replications is None else {"replications": replications}
    found |= {} if seed is None else {"seed": seed}
    return apply(load(scenario), found)


def _written(result: Result, out: Path | None, plot: Path | None, force: bool) -> list[str]:
    """Write what was asked for; return a remark about each."""
    from twin.shell.output import write_folder

    told = []
    if out is not None:
        told.append(f"twin: wrote {len(write_folder(result, out, force))} files to {out}/")
    if plot is not None:
        result.plot(plot)
        told.append(f"twin: drew {plot}")
    return told


@command(app, "Run two scenarios with the same luck.")
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A file, or a name from `twin list`.")],
    b: Annotated[
        str | None, typer.Argument(metavar="[B]", help="Another one; default: A, changed.")
    ] = None,
    changes: Set = None,
    replications: Replications = None,
    seed: Seed = None,
    as_json: AsJson = False,
    everything: Everything = False,
    threads: Threads = None,
    quiet: Quiet = False,
) -> None:
    """Run two scenarios under the same luck and print what differs.

    twin compare electronics --set families.laptop.decoupling_point=dc
    twin compare beer-game beer-game-human

    Without B and --set, A is compared with itself without its disruptions. A difference is shown
    if its 95% interval over paired replications leaves out 0.
    """
    from twin.compare import compare as compare_scenarios
    from twin.load import load
    from twin.shell import figures
    from twin.shell.inputs import changes as read

    change = read(changes or ())
    first, second = load(a), None if b is None else load(b)
    with terminal.engine(quiet) as progress:
        found = compare_scenarios(
            first, second, set=change, replications=replications, seed=seed, record=(),
            threads=threads, progress=progress, cancelled=progress.cancelled,
        )  # fmt: skip
    if as_json:
        say(found.to_json())
        return
    undisrupted = b is None and not change
    names = (f"{a} without disruptions", a) if undisrupted else (a, b or f"{a}, changed")
    say(f"a: {names[0]}\nb: {names[1]}")
    say(f"{found.pairs}, seed {found.a.scenario.seed}\n")
    say(figures.comparison_table(found, everything))


@command(app, "Check a scenario file, line by line.")
def validate(scenario: Name) -> None:
    """Check a scenario file and say what is wrong with it, line by line.

    twin validate my.yaml
    twin validate my.yaml && twin run my.yaml
    """
    from twin.check import check
    from twin.happening import remarks
    from twin.load import load

    found = load(scenario)
    top = check(found)
    counts = (
        f"{len(found.sites)} sites, {len(found.items)} items, {len(top.points)} stock points, "
        f"{len(top.links)} supply links, {len(top.sinks)} customers"
    )
    say(f"{scenario}: ok\n{counts}; {found.horizon} {found.calendar.period}s")
    for remark in remarks(found):
        note(f"twin: {remark}")


@command(app, "Write a small scenario to start from.")
def new(
    file: Annotated[Path, typer.Argument(help="What to write.")] = Path("scenario.yaml"),
    from_tables: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Make it of a folder of CSV files or a workbook."),
    ] = None,
    force: Force = False,
) -> None:
    """Write a small commented scenario to start from, or one made of your own tables.

    twin new my.yaml
    twin new my.yaml --from-tables planning

    Tables are CSV files named sites, items, demand (needed) and lanes, bom, purchases, families,
    stock, sourcing, resources; or sheets of one workbook. Any key of `twin schema` is a column.
    """
    from twin import starter
    from twin.files import write_text
    from twin.load import load_text, save
    from twin.shell.inputs import check_new

    check_new(file, force)
    if from_tables is not None:
        save(starter.from_tables(from_tables), file)
    elif file.suffix.lower() in (".yaml", ".yml"):
        write_text(file, starter.new_scenario_text())
    else:  # comments need YAML
        save(load_text(starter.new_scenario_text()), file)
    say(f"wrote {file}\nTry next:\n  twin explain {file}\n  twin run {file}")


@command(app, name="list")
def list_scenarios() -> None:
    """List the scenarios that come with the twin.

    twin list
    twin explain electronics
    """
    from twin.load import shipped
    from twin.shell.figures import columns

    say(columns([(name, title) for name, title, _ in shipped()]))


@command(app)
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors and forms.

    twin schema > scenario.schema.json
    twin schema | python -m json.tool | less
    """
    from twin.json_schema import json_schema

    say(json.dumps(json_schema(), indent=1))


@command(app, "Tell in words what is in a scenario.")
def explain(scenario: Name, as_json: AsJson = False) -> None:
    """Tell in words what is in a scenario: network, cut, lead times, rules, disruptions.

    twin explain electronics
    twin explain my.yaml --json
    """
    from dataclasses import asdict

    from twin.explain import explain as explain_scenario
    from twin.load import load

    found = explain_scenario(load(scenario))
    say(json.dumps(asdict(found), indent=1, ensure_ascii=False) if as_json else found.text())


@command(app, "Open the what-if app in a browser.", name="app")
def open_app(
    scenario: Annotated[
        str | None,
        typer.Argument(metavar="[SCENARIO]", help="What to open first; default: electronics."),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Where to listen; default: this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[
        str | None,
        typer.Option(metavar="N", help="Default: the first that is free from 8765 on; 0: any."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="TWIN_APP_TOKEN", metavar="TOKEN",
            help="Ask browsers for it; 'auto' makes one up.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="One more name of this server; may be repeated."),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(metavar="STORE", help="Event store whose telemetry to show.")
    ] = None,
    studies: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep studies there, show those in it.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the link.")] = False,
) -> None:  # fmt: skip
    """Open the what-if app: drag the decoupling point, break things, see the difference.

    twin app
    twin app my.yaml --port 9000
    twin app calibrated.yaml --store store.db
    twin app --studies results
    twin app --host 0.0.0.0 --token auto --no-browser

    It runs until Ctrl-C and talks to no other machine. Beyond this machine it is served only to
    browsers that open its link with the token.
    """
    from viz.server.launch import serve

    serve(
        scenario, host, port, token, allow_host or (), browser=not no_browser, store=store,
        studies=studies,
    )  # fmt: skip


@command(app)
def warmup() -> None:
    """Compile the engine now, so that the first run need not wait.

    twin warmup
    twin warmup && twin run electronics
    """
    from twin.jit import CACHE_FOLDER
    from twin.run import run as run_scenario

    with terminal.engine(quiet=False) as progress, terminal.stopwatch() as spent:
        for replications in (1, 2):  # one has a kernel of its own
            run_scenario(
                "beer-game", replications=replications, record=(), cancelled=progress.cancelled
            )
    say(f"the engine is ready, after {spent[0]:.1f} s ({CACHE_FOLDER})")


@command(app, "Print what the numbers depend on.")
def version() -> None:
    """Print the version of the twin and of what its numbers depend on.

    twin version
    twin --version
    """
    import platform

    from twin.manifest import PACKAGES, PRODUCT
    from twin.manifest import version as of

    say(f"{PRODUCT} {of()}")
    parts = [f"{name} {of(name)}" for name in PACKAGES]
    say(f"Python {platform.python_version()}, " + ", ".join(parts))


@command(app, "Draw the report of a calibration.")
def report(
    calibrated: Annotated[Path, typer.Argument(metavar="CALIBRATED", help="Of twin calibrate.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="HTML page to write.")
    ],
    store: Annotated[
        Path | None, typer.Option(metavar="STORE", help="Lay it on these events; back-test demand.")
    ] = None,
    shares: Annotated[
        bool, typer.Option("--shares", help="Run it to tell what the bands of KPIs come from.")
    ] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Draw the report of a calibration: one HTML page that prints well and needs no network.

    twin report calibrated.yaml -o calibration.html
    twin report calibrated.yaml --store store.db --shares -o calibration.html

    Its numbers go beside it, as CSV: calibration-data/.
    """
    from calibration import check
    from twin.load import load
    from twin.shell.inputs import check_new, check_new_folder
    from viz.report_calibration import beside, calibration_report, save

    check_new(output, force)
    check_new_folder(beside(output), force)
    found, scenario = check.read(calibrated), load(calibrated)
    with terminal.engine(quiet) as progress:
        known = check.gather(found, scenario, store, shares, progress.stage, progress.cancelled)
    if known.strange:
        terminal.note(f"twin: warning: {known.strange}")
    folder = save(calibration_report(found, scenario, known), output)
    say(f"wrote {output} and {folder.name}/")


for commands in (studies, optimisation, telemetry):
    app.registered_commands += commands.registered_commands

if __name__ == "__main__":
    app()

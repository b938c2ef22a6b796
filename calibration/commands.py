"""Telemetry on the command line: emulate, ingest, listen, look at it, calibrate.

Modules are imported inside the commands, so that each waits only for what it needs.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.shell import terminal
from twin.shell.commands import USER_ERROR, command
from twin.shell.options import AsJson, Force, Quiet
from twin.shell.terminal import note, say

if TYPE_CHECKING:
    from twin.schema import Scenario


class Mode(StrEnum):
    """Which way a live twin works; ``twin`` publishes recommendations as well."""

    shadow = "shadow"
    twin = "twin"


BLIND = (
    "the store is empty: no stock is known yet. Until the first count of a stock point (by a device or "
    "the books) the band around what the scenario opens with is wide; /healthz counts them as 'uncounted'"
)
"""Said by a live twin that begins with an empty store."""

app = typer.Typer()
"""Commands that :mod:`twin.cli` takes over as its own."""

StoreFile = Annotated[
    Path, typer.Option("--store", metavar="STORE", help="The event store, one file.")
]
MapFile = Annotated[
    Path | None,
    typer.Option("--map", metavar="MAP.yaml", help="Of a file: which column is which field."),
]
Told = Annotated[str | None, typer.Argument(metavar="SCENARIO", help="A file, or a name.")]
Recorded = Annotated[
    Path | None, typer.Option(metavar="SOURCE", help="Replay a store or a file of events instead.")
]
EventFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write events there (.csv, .jsonl)."),
]
ToBroker = Annotated[
    str | None, typer.Option(metavar="URL", help="Publish to mqtt://host:port instead.")
]
Replication = Annotated[int | None, typer.Option(min=0, help="Which draw of luck; default: 0.")]
Speed = Annotated[
    float | None, typer.Option(help="Times real time (1: as it happened); default: at once.")
]
Username = Annotated[str, typer.Option(help="User at the broker.")]
PasswordFile = Annotated[Path | None, typer.Option(help="File with its password.")]
Trusted = Annotated[Path | None, typer.Option(help="Certificate to trust (mqtts).")]
StoreName = Annotated[Path, typer.Argument(metavar="STORE", help="The event store, one file.")]
Against = Annotated[
    str | None,
    typer.Option(
        "--scenario", metavar="SCENARIO", help="Whose sites, items and units are expected."
    ),
]


def _known(scenario: str | None) -> Scenario | None:
    from twin.load import load

    return None if scenario is None else load(scenario)


@command(app, "Tell what a scenario's devices would have reported, or what was recorded.")
def emulate(
    scenario: Told = None,
    recorded: Recorded = None,
    map: MapFile = None,
    output: EventFile = None,
    broker: ToBroker = None,
    seed: Annotated[int | None, typer.Option(help="The luck; default: the scenario's.")] = None,
    replication: Replication = None,
    loss: Annotated[float, typer.Option(help="Share of readings that never arrive.")] = 0.0,
    delay: Annotated[float, typer.Option(help="Mean days by which messages come late.")] = 0.0,
    duplicates: Annotated[float, typer.Option(help="Share of messages that come twice.")] = 0.0,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Bring them in any order.")] = False,
    dead: Annotated[float, typer.Option(help="Share of devices that fall silent.")] = 0.0,
    spoofed: Annotated[float, typer.Option(help="Forged readings, as a share.")] = 0.0,
    speed: Speed = None,
    username: Username = "",
    password_file: PasswordFile = None,
    tls: Trusted = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Tell what the devices and systems of a scenario would have reported, or what was recorded.

    twin emulate electronics -o events.csv
    twin emulate electronics -o events.jsonl --loss 0.05 --delay 0.2 --duplicates 0.01
    twin emulate electronics --broker mqtt://localhost:1883 --speed 86400
    twin emulate --recorded plant.db --broker mqtt://localhost:1883 --speed 86400
    twin emulate --recorded movements.csv --map map.yaml -o again.jsonl --speed 3600

    What is emulated says so in its source. Not told is what nobody would see: shrink, demand that
    met an empty shelf. What was recorded keeps its source and place, and carries the mark
    'replayed'. With --speed a file grows line by line. Ctrl-C ends it after the event under way.
    """
    from calibration import telling
    from calibration.distort import distort
    from twin.errors import RunError
    from twin.shell.inputs import check_new

    if (output is None) == (broker is None):
        msg = "say where the events go: --output FILE, or --broker mqtt://host:port"
        raise RunError(msg)
    if shuffle and speed is not None:
        msg = f"--shuffle and --speed {speed:g}: in any order there is no pace; keep one of them"
        raise RunError(msg)
    check_new(output, force)
    if recorded is None:
        found = telling.emulated(scenario, map, seed, replication, quiet)
    else:
        found = telling.replayed(scenario, recorded, map, replication, quiet)
    telling.note_unheard(found, loss=loss, dead=dead, spoofed=spoofed)
    found = distort(
        found, loss=loss, delay=delay, duplicates=duplicates, shuffle=shuffle, dead=dead, spoofed=spoofed,
        seed=seed or 0,
    )  # fmt: skip
    if output is not None:
        telling.to_file(found, output, speed, quiet)
    else:
        telling.to_broker(found, str(broker), speed, quiet, username, password_file, tls)


@command(app, "Take a file of telemetry into an event store.")
def ingest(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, Parquet, JSON lines or EPCIS 2.0 JSON.")
    ],
    store: StoreFile,
    map: MapFile = None,
    scenario: Against = None,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rejected rows there (CSV).")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Take a file of telemetry into an event store; every row is taken, known, or rejected.

    twin ingest events.csv --store store.db
    twin ingest sales.csv --store store.db --map map.yaml --scenario electronics
    twin ingest epcis.json --store store.db --rejects rejected.csv

    Doing it again doubles nothing. It ends with what the telemetry as a whole can tell. Where more than
    half of the rows are rejected, the exit code is 2; what was accepted stays.
    """
    from calibration.ingest import ingest as take
    from calibration.quality import report
    from calibration.store import Store
    from twin.shell.inputs import check_new

    check_new(rejects, force)
    known = _known(scenario)
    with Store(store) as opened, terminal.Progress(shown=not quiet) as progress:
        done = take(file, opened, map, known, progress, rejects)
        progress.hide()
        found = report(opened, known)
    if as_json:
        say(json.dumps({"ingest": done.to_dict(), "telemetry": found.to_dict()}, indent=1))
    else:
        say(done.text())
        if not quiet:
            say("\n" + found.text())
    if 2 * done.rejected > done.rows:
        raise typer.Exit(USER_ERROR)


@command(app, "Tell what an event store holds, its gaps, and what can be learnt from it.")
def telemetry(store: StoreName, scenario: Against = None, as_json: AsJson = False) -> None:
    """Tell what an event store holds: devices and gaps, ranges, balances, what can be learnt.

    twin telemetry store.db
    twin telemetry store.db --scenario electronics --json
    """
    from calibration.quality import report
    from calibration.store import Store

    with Store(store, write=False) as opened:
        found = report(opened, _known(scenario))
    say(json.dumps(found.to_dict(), indent=1) if as_json else found.text())


@command(app, "Move closed days of an event store into Parquet files.")
def compact(store: StoreName) -> None:
    """Move closed days of an event store into Parquet files beside it; reading covers both.

    twin compact store.db
    """
    from calibration.compact import compact as move
    from calibration.store import Store

    with Store(store) as opened:
        say(move(opened).text())


@command(app, "Take live telemetry from an MQTT broker into an event store.")
def listen(
    store: StoreFile,
    broker: Annotated[str, typer.Option(metavar="URL", help="mqtt://host:port or mqtts://...")],
    scenario: Against = None,
    topic: Annotated[
        list[str] | None, typer.Option(help="Topic filter; may be repeated; default: all ours.")
    ] = None,
    client_id: Annotated[str, typer.Option(help="Name of the session at the broker.")] = "twin",
    username: Username = "",
    password_file: PasswordFile = None,
    tls: Trusted = None,
    http_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve /healthz and /metrics to this machine."),
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="shadow: one way; twin: recommendations are published.")
    ] = Mode.shadow,
    lateness: Annotated[
        float | None, typer.Option(help="Periods that an event may come late.")
    ] = None,
) -> None:
    """Take live telemetry from an MQTT 5 broker into an event store, until Ctrl-C.

    twin listen --broker mqtt://localhost:1883 --store store.db
    twin listen --broker mqtts://broker:8883 --tls ca.pem --username twin --password-file pw --store s.db
    twin listen --broker mqtt://localhost --store s.db --scenario calibrated.yaml --http-port 9100
    twin listen --broker mqtt://localhost --store s.db --scenario calibrated.yaml --mode twin

    A message is acknowledged when it is safe in the store. With a scenario the live twin follows
    what is stored: true stock, slow lanes, drift. It recommends nothing to machines unless the mode
    is 'twin'.
    """
    from calibration.live.health import Health
    from calibration.live.listen import listen as receive
    from calibration.live.payloads import TOPICS
    from calibration.store import Store
    from calibration.telling import until_stopped

    known = _known(scenario)
    tracker, told = _twin(known, store, mode, lateness), Health(mode.value)
    told.tell = lambda text: note(f"twin: {text}")
    with Store(store) as opened, until_stopped() as stop:
        note(f"twin: listening to {broker}; Ctrl-C stops it")
        if known is not None and opened.newest() is None:
            note(f"twin: {BLIND}")
        health = receive(
            broker, opened, known, topics=topic or TOPICS, client_id=client_id, username=username,
            password_file=password_file, tls=tls, stop=stop, http_port=http_port,
            tracker=tracker, health=told,
        )  # fmt: skip
    say(json.dumps(health.summary(), indent=1))


def _twin(known: Scenario | None, store: Path, mode: Mode, lateness: float | None) -> Any:
    """Return the live twin of a scenario; none without one."""
    from calibration.live.batches import LATENESS
    from calibration.live.tracker import Tracker
    from twin.errors import RunError

    if known is None and mode is Mode.twin:
        msg = "--mode twin without a scenario; give the calibrated one (--scenario FILE)"
        raise RunError(msg)
    late = LATENESS if lateness is None else lateness
    return None if known is None else Tracker(known, store, mode=mode.value, lateness=late)


@command(app, "Calibrate a scenario on telemetry.")
def calibrate(
    store: StoreName,
    scenario: Annotated[
        str, typer.Option("--scenario", metavar="SCENARIO", help="Where the search begins.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Calibrated scenario to write.")
    ],
    simulations: Annotated[
        int | None, typer.Option(help="Simulations per stock point, a power of two.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The luck of the calibration.")] = 1,
    threads: Annotated[int, typer.Option(help="Stock points at work at once.")] = 1,
    work: Annotated[
        Path | None, typer.Option(help="Folder that keeps finished pieces; default: beside FILE.")
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Calibrate a scenario on telemetry: direct estimates, then what is hidden, by simulation.

    twin calibrate store.db --scenario electronics -o calibrated.yaml
    twin run calibrated.yaml
    twin report calibrated.yaml --store store.db -o calibration.html

    Stopped with Ctrl-C or killed, the same command goes on where it stood. The calibrated scenario
    carries a posterior sample: each replication of a run takes one draw of it.
    """
    import shutil

    from calibration import check
    from calibration.calibrate import SIMULATIONS
    from calibration.calibrate import calibrate as work_out
    from calibration.store import Store
    from twin.load import load
    from twin.shell.inputs import check_new

    check_new(output, force)
    folder = work or output.with_name(output.name + ".work")
    start = load(scenario)
    with Store(store, write=False) as opened, terminal.engine(quiet) as progress:
        done = work_out(
            opened, start, seed=seed, threads=threads,
            simulations=SIMULATIONS if simulations is None else simulations,
            progress=progress.stage, cancelled=progress.cancelled, resume_dir=folder,
        )  # fmt: skip
    check.write(done, output)
    if work is None:
        shutil.rmtree(folder, ignore_errors=True)
    say(check.told(done))
    say(f"wrote {output} and {check.beside(output).name}; next: twin run {output}")

"""What ``twin emulate`` does: where the events come from, and where they go.

Modules are imported inside the functions, so that each waits only for what it needs.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Stop
from typing import TYPE_CHECKING

import typer

from twin.errors import RunError
from twin.load import ENDINGS
from twin.shell import terminal
from twin.shell.terminal import note, say

if TYPE_CHECKING:
    import pandas as pd


def emulated(
    scenario: str | None, map: Path | None, seed: int | None, replication: int | None, quiet: bool
) -> pd.DataFrame:
    """Return what a scenario's devices and systems would have reported."""
    from calibration.emulate import events

    wrong = ""
    if scenario is None:
        wrong = "whose events? name a SCENARIO"
    elif map is not None:
        wrong = f"--map {map}: a map is for files"
    elif Path(scenario).is_file() and Path(scenario).suffix.lower() not in ENDINGS:
        wrong = f"{scenario}: no scenario"
    if wrong:
        msg = f"{wrong}; to replay a store or a file, give it as --recorded SOURCE"
        raise RunError(msg)
    with terminal.engine(quiet):
        return events(scenario, seed=seed, replication=replication or 0)


def replayed(
    scenario: str | None, source: Path, map: Path | None, replication: int | None, quiet: bool
) -> pd.DataFrame:
    """Return what was recorded; says how many rows could not be read."""
    from calibration.replay import recorded

    if scenario is not None or replication is not None:
        what = f"replication {replication}" if scenario is None else f"scenario '{scenario}'"
        msg = f"{what} and --recorded {source}: what was recorded has no luck; keep one of them"
        raise RunError(msg)
    with terminal.Progress(shown=not quiet) as progress:
        found = recorded(source, map, progress)
    if found.rejected:
        note(f"twin: {found.rejected:,} rows of {source} are left out; `twin ingest` says why")
    return found.events


def note_unheard(events: pd.DataFrame, **shares: float) -> None:
    """Say on stderr which wishes change nothing because no device speaks in the events.

    ``shares`` are those of :func:`calibration.distort.distort` that act on devices' readings alone.
    """
    from calibration.distort import readings

    asked = ", ".join(f"--{name} {share:g}" for name, share in shares.items() if share)
    if asked and not readings(events).any():
        note(
            f"twin: {asked}: changes nothing, for no device reads anything in these events. It acts "
            "on readings of devices alone: give the scenario `devices` (with an adoption above 0), or "
            "use --delay, --duplicates and --shuffle, which act on every message"
        )


def to_file(events: pd.DataFrame, output: Path, speed: float | None, quiet: bool) -> None:
    """Write events at once, or let the file grow at their pace until Ctrl-C."""
    from calibration.event_files import write, write_paced

    if speed is None:
        write(events, output)
        say(f"wrote {len(events):,} events to {output}")
        return
    with terminal.Progress(shown=not quiet) as progress, until_stopped() as stop:
        done = write_paced(events, output, speed, stop=stop, progress=progress)
    say(f"wrote {done:,} of {len(events):,} events to {output}")
    _end_if(stop)


def to_broker(
    events: pd.DataFrame, broker: str, speed: float | None, quiet: bool, username: str,
    password: Path | None, tls: Path | None,
) -> None:  # fmt: skip
    """Publish events until all are, or until Ctrl-C; says what the broker refused."""
    from calibration.live.publish import complaint, publish

    with terminal.Progress(shown=not quiet) as progress, until_stopped() as stop:
        done = publish(events, broker, speed=speed, username=username, password_file=password,
                       tls=tls, stop=stop, progress=progress)  # fmt: skip
    say(f"published {done.taken:,} of {len(events):,} events to {broker}")
    for reason, count in done.reason_codes.items():
        if reason != "Success":
            note(f"{count:>12,}  {reason}")
    if (error := complaint(done, broker, username)) is not None:
        raise error
    _end_if(stop)


@contextmanager
def until_stopped() -> Iterator[Stop]:
    """Yield an event that Ctrl-C and SIGTERM set in this block; what is under way ends well."""
    stop, before = Stop(), {}
    for ending in (signal.SIGINT, signal.SIGTERM):
        before[ending] = signal.signal(ending, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)


def _end_if(stop: Stop) -> None:
    if stop.is_set():
        note("twin: stopped")
        raise typer.Exit(terminal.INTERRUPTED)

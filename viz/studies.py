"""Studies in the app: which there are, what they can be asked, running one, opening finished ones."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.errors import TwinError
from twin.files import read_text
from twin.optimise import asked as optimise_asked
from twin.run import Progress
from twin.schema import Model, Scenario
from twin.study import files, findings, folder, ready
from twin.study.findings import Findings
from twin.study.result import opened
from twin.study.running import study
from twin.validate import checked
from viz import optimised, study_options
from viz.study_told import findings_of

LISTED = 50
"""Most finished studies of a folder that are listed, the newest first."""


@dataclass(frozen=True)
class Entry:
    """A study that can be started.

    Attributes
    ----------
    name, title
        What it is called, and what it answers.
    own
        Scenario that it is made for; empty: any.
    """

    name: str
    title: str
    own: str = ""


@dataclass(frozen=True)
class Stored:
    """A finished study in a folder."""

    path: Path
    title: str


# ---------------------------------------------------------------------------------------- running
def catalogue() -> list[Entry]:
    """Return the ready-made studies, the optimisation, then studies that come along as files."""
    found = []
    for each in ready.NAMES:
        try:
            found.append(Entry(each, ready.title(each)))
        except ModuleNotFoundError:  # an extra that is not installed
            continue
    found.append(Entry(optimised.NAME, optimised.TITLE))
    for each, title, path in files.shipped():
        found.append(Entry(each, title, files.read(path).study.scenario))
    return found


def options_of(entry: Entry) -> type[Model] | None:
    """Return what declares the options of a study; nothing of one that has none."""
    if entry.name == optimised.NAME:
        return optimise_asked.Asked
    return ready.found(entry.name).options if ready.is_ready_made(entry.name) else None


def fields(entry: Entry, typed: Mapping[str, Any], scenario: Scenario) -> list[dict[str, Any]]:
    """Return the options of a study as fields of a form, see :func:`viz.study_options.fields`."""
    model = options_of(entry)
    choices = optimised.choices() if entry.name == optimised.NAME else {}
    return [] if model is None else study_options.fields(model, typed, scenario, choices)


def asked(entry: Entry, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as the options of a study.

    Raises
    ------
    TwinError
        If that is not allowed, in the words of the shell.
    """
    model = options_of(entry)
    if model is None:
        return {}
    found = study_options.read(model, typed)
    if entry.name == optimised.NAME:
        optimise_asked.arguments(found)
    else:
        checked(model, found, entry.name)
    return found


@dataclass(frozen=True)
class Work:
    """What is needed to run a study.

    Attributes
    ----------
    kept
        Folder for studies, in which each gets a folder of its own; none: it is not kept.
    cancelled, progress, told, threads
        As of :func:`twin.study.ready.ready_made`.
    """

    kept: Path | None
    cancelled: threading.Event
    progress: Progress
    told: Callable[[str], None]
    threads: int


def run(
    entry: Entry, scenario: Scenario, work: Work, options: Mapping[str, Any], anew: bool = False
) -> Findings:
    """Run a study and return what it found.

    Parameters
    ----------
    entry
        Of :func:`catalogue`.
    scenario
        The what-if as it is on the page. A study that is made for another scenario runs on that.
    work
        What it may use.
    options
        Of :func:`asked`.
    anew
        Replace whatever lies where it is kept.

    Raises
    ------
    TwinError
        If it cannot run on this scenario, or was cancelled; an :class:`OccupiedError` where beginning
        anew would help.
    """
    given = scenario if fits(entry, scenario) else None
    out = None if work.kept is None else work.kept / _called(entry, given, options)
    more: dict[str, Any] = {
        "out": out, "threads": work.threads, "progress": work.progress,
        "cancelled": work.cancelled, "force": anew,
    }  # fmt: skip
    if entry.name == optimised.NAME:
        return optimised.run(scenario, options, told=work.told, **more)
    if ready.is_ready_made(entry.name):
        return ready.ready_made(entry.name, options, scenario=scenario, told=work.told, **more)
    return findings_of(study(entry.name, scenario=given, **more))


def _called(entry: Entry, scenario: Scenario | None, options: Mapping[str, Any]) -> str:
    """Return the folder of a study: another one for each scenario and all that is asked."""
    parts = [entry.name] if scenario is None else [entry.name, scenario.hash()]
    if options:
        text = json.dumps(options, sort_keys=True)
        parts.append(hashlib.sha256(text.encode()).hexdigest()[:8])
    return "-".join(parts)


def fits(entry: Entry, scenario: Scenario) -> bool:
    """Return whether a study runs on a scenario, rather than on its own."""
    return entry.own in ("", scenario.name)


def stored(kept: Path) -> list[Stored]:
    """Return the finished studies of a folder, the newest first."""
    found = []
    paths = [p for p in kept.iterdir() if p.is_dir()] if kept.is_dir() else []
    for path in sorted(paths, key=lambda p: -p.stat().st_mtime):
        title = _title(path)
        if title:
            found.append(Stored(path, title))
        if len(found) == LISTED:
            break
    return found


def _title(path: Path) -> str:
    """Return the title of a finished study, nothing if the folder holds none."""
    try:
        if (path / findings.FILE).is_file():
            return str(json.loads(read_text(path / findings.FILE))["title"])
        manifest = folder.read_manifest(path)
        told = manifest["study"] if manifest and "timing" in manifest else {}
        return str(told.get("title") or told.get("name", ""))
    except (TwinError, ValueError, KeyError, TypeError):
        return ""


def read(path: Path) -> Findings:
    """Return a finished study of a folder.

    Raises
    ------
    OutputError
        If it is none, or damaged.
    """
    if (path / findings.FILE).is_file():
        return findings.opened(path)
    return findings_of(opened(path))


def tables(found: Findings) -> bytes:
    """Return all tables of a study as a ZIP of CSV files, the same bytes for the same study."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as packed:
        for sheet in found.sheets:
            csv = sheet.frame.to_csv(index=False, lineterminator="\n")
            packed.writestr(zipfile.ZipInfo(f"{sheet.name}.csv"), csv)  # of no date
    return whole.getvalue()

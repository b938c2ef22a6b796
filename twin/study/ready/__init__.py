"""Ready-made studies: a question that many ask, answered by one command.

::

    found = twin.study.ready_made("stress-test", {"scenario": "electronics"}, out="stress")
    print(found.summary())

Each is a function from its options and a bench to its findings, registered under a name.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from twin.edits import apply
from twin.errors import OccupiedError, OutputError, RunError, ScenarioError
from twin.files import make_folder, read_text, write_text
from twin.load import load
from twin.names import nearest
from twin.run import Progress
from twin.schema import Scenario
from twin.study.cluster import versions
from twin.study.findings import Findings
from twin.study.ready.base import Bench, Options, keeping
from twin.validate import checked

NAMES = (
    "stress-test", "decoupling-frontier", "value-of-information", "covid-wave", "sensitivity",
)  # fmt: skip
"""Ready-made studies; each lives in a module of its name."""

ASKED = "asked.json"
"""File in which a folder says what it is for."""

ALONE = (
    "One replication has no intervals. Its numbers are taken as they are, 'clearly' says nothing of "
    "luck: where the scenario has any, ask for more (replications=32)."
)
"""Limit of every study that is asked for one replication."""

O = TypeVar("O", bound=Options)  # noqa: E741
Run = Callable[[Any, Bench], Findings]


class Ready(NamedTuple):
    """A ready-made study: what it can be asked, and what answers."""

    options: type[Options]
    run: Run


_READY: dict[str, Ready] = {}


def ready(name: str, options: type[O]) -> Callable[[Callable[[O, Bench], Findings]], Run]:
    """Register a function as the ready-made study of a name."""

    def decorate(function: Callable[[O, Bench], Findings]) -> Run:
        _READY[name] = Ready(options, function)
        return function

    return decorate


def is_ready_made(name: object) -> bool:
    """Return whether something is the name of a ready-made study (``_`` equals ``-``)."""
    return str(name).replace("_", "-") in NAMES


def found(name: str) -> Ready:
    """Return the ready-made study of a name.

    Raises
    ------
    RunError
        If there is none.
    """
    plain = str(name).replace("_", "-")
    if plain not in NAMES:
        msg = f"'{name}': no ready-made study; {nearest(plain, NAMES)}"
        raise RunError(msg)
    if plain not in _READY:
        importlib.import_module(f"{__name__}.{plain.replace('-', '_')}")
    return _READY[plain]


def ready_made(
    name: str,
    options: Mapping[str, Any] | None = None,
    *,
    scenario: Scenario | None = None,
    out: str | Path | None = None,
    threads: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
    told: Callable[[str], None] | None = None,
    force: bool = False,
) -> Findings:
    """Run a ready-made study.

    Parameters
    ----------
    name
        One of :data:`NAMES`.
    options
        What it can be asked, see ``twin study NAME --list``.
    scenario
        Base scenario instead of the one that the options name.
    out
        Folder for results; the same call goes on where it was stopped.
    threads, scheduler, progress, cancelled
        As in :func:`twin.study`.
    told
        Takes a line for people about what comes next.
    force
        Begin anew whatever study the folder holds.

    Raises
    ------
    ScenarioError, RunError, OutputError
        As :func:`twin.study`, and where the scenario has nothing that the study asks about.
    """
    study = found(name)
    asked = checked(study.options, options or {}, name)
    seed = {} if asked.seed is None else {"seed": asked.seed}
    base = apply(load(asked.scenario) if scenario is None else scenario, {**asked.set, **seed})
    where = None if out is None else Path(out)
    anew = where is not None and _begin(where, name, asked, base, force)
    bench = Bench(base, where, threads, scheduler, progress, cancelled, told, anew)
    result = study.run(asked, bench)
    alone = (asked.replications or base.replications) == 1
    limits = (*result.limits, ALONE) if alone else result.limits
    result = dataclasses.replace(result, notes=(*result.notes, _rests_on(base)), limits=limits)
    if where is not None:
        with keeping(where):
            result.save(where)
    return result


def _begin(where: Path, name: str, asked: Options, base: Scenario, force: bool) -> bool:
    """Write down what a folder is for; return whether another study in it is to be replaced.

    Raises
    ------
    OutputError
        If the folder holds anything else, or (unless ``force``) another study or one that cannot
        be told. One that has done nothing yet, as when it refused its options, does not count.
    """
    told = {"study": name, "options": asked.model_dump(mode="json"), "scenario": base.hash()}
    file = where / ASKED
    done = where.is_dir() and any(path != file for path in where.iterdir())
    old = _asked(file, force) if file.is_file() else None
    if old is None and done:
        msg = f"{where}: holds something else already; give a new or empty folder"
        raise OutputError(msg)
    if done and old not in (None, told) and not force:
        msg = f"{where}: holds study '{old['study']}' that was asked something else"
        raise OccupiedError(msg)
    make_folder(where)
    write_text(file, json.dumps(told, indent=1) + "\n")
    return force


def _asked(file: Path, force: bool) -> dict[str, Any]:
    """Return what a folder is for; nothing where that is damaged and to be replaced anyway."""
    try:
        old = json.loads(read_text(file))
        if isinstance(old, dict) and "study" in old:
            return old
        why = "it names no study"
    except (ValueError, ScenarioError) as error:
        why = str(error).removeprefix(f"{file}: ")
    if force:
        return {}
    msg = f"{file}: is damaged ({why}), so what its folder holds is not known"
    raise OccupiedError(
        msg,
        "give another folder, delete this one",
    )


def _rests_on(base: Scenario) -> str:
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"Scenario {base.title or base.name} ({base.hash()}), seed {base.seed}; {told}."


def title(name: str) -> str:
    """Return the question of a ready-made study in one line."""
    return (inspect.getdoc(found(name).options) or "").split("\n")[0]


def options_told(name: str) -> str:
    """Return what a ready-made study can be asked, a line each."""
    rows = []
    for key, told in found(name).options.model_fields.items():
        default = told.get_default(call_default_factory=True)
        unit = (told.json_schema_extra or {}).get("unit")  # type: ignore[union-attr]
        shown = json.dumps(default, default=str)
        rows.append((f"{key}={shown}", f"{told.description}{f' ({unit})' if unit else ''}"))
    width = min(40, max(len(key) for key, _ in rows))
    return "\n".join(f"{key:<{width}}  {text}" for key, text in rows)

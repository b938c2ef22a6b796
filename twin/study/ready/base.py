"""What ready-made studies share: their common options, and the bench they work at."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.errors import OutputError, RunError
from twin.files import make_folder, read_text, write_text
from twin.run import Progress
from twin.schema import Model, Scenario
from twin.schema.base import param
from twin.study.cluster import elsewhere, versions
from twin.study.result import Study
from twin.study.running import study


class Options(Model):
    """What every ready-made study takes."""

    scenario: str = param("electronics", "base scenario: a file, or a name of `twin list`")
    set: dict[str, Any] = param(dict, "changes of the scenario for all runs, by dotted key")
    replications: int | None = param(
        None, "draws of luck of each run; default: the study's own", ge=1, le=1_000_000
    )
    seed: int | None = param(
        None, "the luck, the same for all runs; default: the scenario's", ge=0, le=2**63 - 1
    )


@dataclass(frozen=True)
class Bench:
    """Where a ready-made study works: what it may use, and where it keeps what is done.

    Attributes
    ----------
    scenario
        The base scenario, with the changes and the seed that were asked for.
    out
        Folder of everything that is done; none: nothing is kept, nothing can go on.
    threads, scheduler, progress, cancelled
        As in :func:`twin.study`.
    told
        Takes a line for people about what comes next.
    force
        Begin anew whatever study stands where one of this one's is to stand.
    """

    scenario: Scenario
    out: Path | None = None
    threads: int | None = None
    scheduler: str | None = None
    progress: Progress | None = None
    cancelled: threading.Event | None = None
    told: Callable[[str], None] | None = None
    force: bool = False

    def note(self, text: str) -> None:
        """Tell people what comes next."""
        if self.told is not None:
            self.told(text)

    def study(
        self, name: str, content: Mapping[str, Any], scenario: Scenario | None = None
    ) -> Study:
        """Run a study within this one; it goes on where it was stopped.

        Parameters
        ----------
        name
            Of its folder.
        content
            What a study file says, the scenario left out.
        scenario
            Another scenario than the bench's.
        """
        return study(
            {"name": name, **content}, scenario=scenario or self.scenario,
            out=None if self.out is None else self.out / name, threads=self.threads,
            scheduler=self.scheduler, progress=self.progress, cancelled=self.cancelled,
            force=self.force,
        )  # fmt: skip

    def keep(self, name: str, key: Any, make: Callable[..., Any], *given: Any) -> Any:
        """Return plain data that takes long to make; made once for the same key.

        Parameters
        ----------
        name
            Of its file.
        key
            Plain data that the result depends on.
        make
            Makes it, wherever parts of studies are run, so it must be a function of a module; takes
            ``threads``, ``progress`` and ``cancelled`` by name; returns what JSON can hold.
        given
            What else it takes.
        """
        if self.out is None:
            return self._made(make, given)
        file = self.out / f"{name}.json"
        text = json.dumps([key, versions()], sort_keys=True)
        mark = hashlib.sha256(text.encode()).hexdigest()[:16]
        kept = _kept(file)
        if kept.get("key") != mark:
            kept = {"key": mark, "value": self._made(make, given)}
            make_folder(self.out)
            with keeping(self.out):
                write_text(file, json.dumps(kept, indent=1) + "\n")
        return kept["value"]

    def _made(self, make: Callable[..., Any], given: Sequence[Any]) -> Any:
        if self.scheduler is None:
            return make(
                *given, threads=self.threads, progress=self.progress, cancelled=self.cancelled
            )
        return elsewhere(self.scheduler, functools.partial(make, *given), self._look)

    def _look(self) -> None:
        if self.cancelled is not None and self.cancelled.is_set():
            msg = "the run was cancelled"
            raise RunError(msg)


@contextlib.contextmanager
def keeping(out: Path) -> Iterator[None]:
    """Say of a file that cannot be written that what was finished in its folder stays.

    Raises
    ------
    OutputError
        If anything could not be written.
    """
    try:
        yield
    except OutputError as error:
        told = str(error).partition("; nothing was changed")[0]
        msg = (
            f"{told}; what is finished in {out} is kept: mend it and give the same command again, "
            "or give another folder"
        )
        raise OutputError(msg) from error


def _kept(file: Path) -> dict[str, Any]:
    """Return what a file holds; nothing if it is not there or damaged: then it is made again."""
    try:
        found = json.loads(read_text(file)) if file.is_file() else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "value" in found else {}

"""What the page opens first, and the folders it shows, chosen when the server starts."""

from __future__ import annotations

from pathlib import Path

from twin.errors import RunError
from twin.files import make_folder
from twin.load import load
from twin.schema import Scenario

FLAGSHIP = "electronics"
_chosen: list[tuple[str, Scenario]] = []
_store: list[Path] = []
_studies: list[Path] = []


def choose(scenario: str | Path | None = None) -> Scenario:
    """Read the scenario that every new page opens with; default: the flagship.

    Raises
    ------
    ScenarioError
        If there is none of that name, or it is wrong.
    """
    name = str(scenario or FLAGSHIP)
    _chosen[:] = [(name, load(name))]
    return _chosen[0][1]


def chosen() -> tuple[str, Scenario]:
    """Return file or name of the scenario to open first, and the scenario itself."""
    if not _chosen:
        choose()
    return _chosen[0]


def watch(store: str | Path | None) -> None:
    """Show the telemetry of an event store; none: no telemetry.

    Raises
    ------
    RunError
        If there is no such file.
    """
    if store is not None and not Path(store).is_file():
        msg = (
            f"--store {store}: no such file; `twin ingest FILE --store {store}` or `twin listen` "
            "makes one"
        )
        raise RunError(msg)
    _store[:] = [] if store is None else [Path(store).absolute()]


def store() -> Path | None:
    """Return the event store whose telemetry is shown."""
    return _store[0] if _store else None


def keep_studies(folder: str | Path | None) -> None:
    """Keep studies in a folder, and show those that lie there; none: they live with their page.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    if folder is not None:
        make_folder(Path(folder))
    _studies[:] = [] if folder is None else [Path(folder).absolute()]


def studies() -> Path | None:
    """Return the folder in which studies are kept."""
    return _studies[0] if _studies else None

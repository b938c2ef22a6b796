"""A result as a folder of files: all of them or none."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from twin.errors import OutputError
from twin.load import to_text
from twin.result import Result
from twin.result_files import tidy

TABLES = ("stage", "site", "owner", "item")


def write_folder(result: Result, folder: Path) -> list[Path]:
    """Write tables as CSV, recorded series as Parquet, the manifest and the scenario.

    Parameters
    ----------
    result
        What to write.
    folder
        Made if missing; files of the same names are replaced, others stay.

    Returns
    -------
    list of pathlib.Path
        What was written: ``kpis.csv``, ``per_replication.csv``, ``by_*.csv``,
        ``history_*.parquet``, ``manifest.json``, ``scenario.yaml``.

    Raises
    ------
    OutputError
        If anything cannot be written; nothing is left half-written.
    """
    made = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        _fill(result, made)
        names = sorted(path.name for path in made.iterdir())
        _move(made, folder, names)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"{folder}: the result cannot be written ({reason}); give another folder"
        raise OutputError(msg) from error
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
    return [folder / name for name in names]


def _move(made: Path, folder: Path, names: list[str]) -> None:
    if not folder.exists():
        made.chmod(0o777 & ~_umask())
        made.rename(folder)
        return
    for name in names:
        os.replace(made / name, folder / name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _fill(result: Result, folder: Path) -> None:
    tables = {"kpis": result.kpis, "per_replication": result.per_replication.reset_index()}
    tables |= {f"by_{what}": getattr(result, f"by_{what}")().reset_index() for what in TABLES}
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    for name in result.series:
        file = folder / f"history_{name.replace('.', '_')}.parquet"
        tidy(result, name).to_parquet(file, index=False)
    manifest = json.dumps(result.manifest, indent=1, allow_nan=False) + "\n"
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    head = ["The scenario of this result as it was run; `twin run` gives the same numbers again."]
    (folder / "scenario.yaml").write_text(to_text(result.scenario, head), encoding="utf-8")

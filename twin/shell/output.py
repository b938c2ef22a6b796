"""A result as a folder of files that a planner opens."""

from __future__ import annotations

from pathlib import Path

from twin import result_folder
from twin.load import to_text
from twin.result import Result
from twin.result_files import summaries, tidy, write_table


def write_folder(result: Result, folder: Path, force: bool) -> list[Path]:
    """Write tables as CSV, recorded series as Parquet, the manifest and the scenario.

    Parameters
    ----------
    result
        What to write.
    folder
        A new or empty one; made if missing.
    force
        Replace an earlier result.

    Returns
    -------
    list of pathlib.Path
        What was written: ``kpis.csv``, ``per_replication.csv``, ``by_*.csv``,
        ``history_*.parquet``, ``scenario.yaml``, ``manifest.json``.

    Raises
    ------
    OutputError
        If the folder holds anything else, or anything cannot be written.
    """
    head = ["The scenario of this result as it was run; `twin run` gives the same numbers again."]

    def fill(made: Path) -> None:
        for name, frame in summaries(result):
            write_table(made / f"{name}.csv", frame)
        for name in result.series:
            write_table(made / f"history_{name.replace('.', '_')}.parquet", tidy(result, name))
        (made / "scenario.yaml").write_text(to_text(result.scenario, head), encoding="utf-8")

    return result_folder.write(folder, result.manifest, fill, force)

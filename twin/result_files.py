"""Results in files: their tables, series and pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import result_folder
from twin.errors import OutputError

if TYPE_CHECKING:
    import pandas as pd

    from twin.result import Result


def write(result: Result, folder: Path, ending: str, force: bool) -> list[Path]:
    """Write the tables, the recorded series and the manifest of a result into a folder.

    Parameters
    ----------
    result
        What to write.
    folder
        A new or empty one; made if missing.
    ending
        ``parquet`` or ``csv``.
    force
        Replace an earlier result.

    Raises
    ------
    OutputError
        If the folder holds anything else, or anything cannot be written.
    """

    def fill(made: Path) -> None:
        for name, frame in summaries(result):
            write_table(made / f"{name}.{ending}", frame)
        for name in result.series:
            write_table(made / f"{name.replace('.', '_')}.{ending}", tidy(result, name))

    return result_folder.write(folder, result.manifest, fill, force)


def summaries(result: Result) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the tables of a result by name."""
    yield "kpis", result.kpis
    yield "per_replication", result.per_replication.reset_index()
    for what in ("stage", "site", "owner", "item"):
        yield f"by_{what}", getattr(result, f"by_{what}")().reset_index()


def tidy(result: Result, name: str) -> pd.DataFrame:
    """Return a recorded series in long form: date, thing, replication, value."""
    from twin import places

    data = result.series[name]
    kind = name.partition(".")[0]
    names, _ = places.things(result.topology, kind)
    frame = _long(data, names, result)
    return frame.rename(columns={"thing": kind.removesuffix("s"), "value": name.partition(".")[2]})


def _long(data: Any, names: list[str], result: Result) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from twin import places

    periods, things, R = data.shape
    of_thing = np.tile(np.repeat(np.arange(things), R), periods)
    return pd.DataFrame(
        {
            "date": np.repeat(places.dates(result.scenario).to_numpy(), things * R),
            "thing": pd.Categorical.from_codes(of_thing, categories=pd.Index(names)),
            "replication": np.tile(np.arange(R), periods * things),
            "value": data.reshape(-1),
        }
    )


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table; the ending chooses the kind of file."""
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, lineterminator="\n")


def save_figure(figure: Any, path: Path) -> None:
    """Write a Matplotlib figure whole or not at all; the ending chooses the kind of file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        figure.savefig(temporary)
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        temporary.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or error
        msg = f"{path}: the picture cannot be written ({reason}); give another name"
        raise OutputError(msg) from error

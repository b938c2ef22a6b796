"""Results in files: all of them or none."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import OutputError

if TYPE_CHECKING:
    import pandas as pd

    from twin.result import Result


def write(result: Result, folder: Path, ending: str) -> list[Path]:
    """Write the tables, the recorded series and the manifest of a result into a folder.

    Everything is written beside the folder first and moved in when it is complete; files of the
    same names are replaced, others stay.

    Parameters
    ----------
    result
        What to write.
    folder
        Made if missing.
    ending
        ``parquet`` or ``csv``.

    Raises
    ------
    OutputError
        If anything cannot be written.
    """
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        names = [_write_one(temporary / f"{name}.{ending}", t) for name, t in _tables(result)]
        text = json.dumps(result.manifest, indent=1, allow_nan=False) + "\n"
        (temporary / "manifest.json").write_text(text, encoding="utf-8")
        names.append("manifest.json")
        folder.mkdir(exist_ok=True)
        for name in names:
            os.replace(temporary / name, folder / name)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"{folder}: the result cannot be written ({reason}); give another folder"
        raise OutputError(msg) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return [folder / name for name in names]


def _tables(result: Result) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "kpis", result.kpis
    yield "per_replication", result.per_replication.reset_index()
    for what in ("stage", "site", "owner", "item"):
        yield f"by_{what}", getattr(result, f"by_{what}")().reset_index()
    for name in result.series:
        yield name.replace(".", "_"), tidy(result, name)


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


def _write_one(path: Path, frame: pd.DataFrame) -> str:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, lineterminator="\n")
    return path.name


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

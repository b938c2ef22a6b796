"""A folder of a result: written whole or not at all, and over nothing that is not a result."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twin.errors import OutputError
from twin.files import umask

MANIFEST = "manifest.json"
"""Names the files of a result; a folder without one holds none."""


def write(
    folder: Path, manifest: Mapping[str, Any], fill: Callable[[Path], None], force: bool
) -> list[Path]:
    """Write a result into a new or empty folder, or over an earlier result.

    The files are made in a hidden folder and renamed when all are complete: a new folder at once,
    into one that exists (it may be a mount, a link, the working folder) file by file with the
    manifest last; if that fails or is interrupted, what was there is put back.

    Parameters
    ----------
    folder
        Made if missing.
    manifest
        What ran; the names of the files are added.
    fill
        Writes all other files into the folder that it is given.
    force
        Replace an earlier result.

    Returns
    -------
    list of pathlib.Path
        What was written.

    Raises
    ------
    OutputError
        If the folder may not be filled, or anything cannot be written.
    """
    old = check(folder, force)
    made = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = folder if folder.exists() else folder.parent
        made = Path(tempfile.mkdtemp(dir=beside, prefix=f".{folder.name}."))
        fill(made)
        names = [*sorted(path.name for path in made.iterdir()), MANIFEST]
        text = json.dumps({**manifest, "files": names}, indent=1, allow_nan=False) + "\n"
        (made / MANIFEST).write_text(text, encoding="utf-8")
        _move(made, folder, names, old)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"{folder}: the result cannot be written ({reason}); give another folder"
        raise OutputError(msg) from error
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
    return [folder / name for name in names]


def check(folder: Path, force: bool) -> list[str]:
    """Return the files of the earlier result that a new one would replace, manifest first.

    Parameters
    ----------
    folder
        Where a result is to be written; nothing stays made.
    force
        Whether an earlier result may be replaced.

    Raises
    ------
    OutputError
        If the folder cannot be written into, holds a result already (unless ``force``), or
        anything else.
    """
    _check_place(folder)
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if not found:
        return []
    ours = _files_of_result(folder)
    if strange := sorted(found - ours):
        msg = (
            f"{folder}: holds '{strange[0]}', which no result wrote; a result goes into a new or "
            "empty folder, or over an earlier result: give another folder"
        )
        raise OutputError(msg)
    if not force:
        msg = (
            f"{folder}: holds a result already ({len(found)} files); give another folder, or "
            "replace it with --force (in Python: force=True)"
        )
        raise OutputError(msg)
    return sorted(found, key=lambda name: (name != MANIFEST, name))


def _check_place(folder: Path) -> None:
    here = folder
    while not os.path.lexists(here) and here != here.parent:
        here = here.parent
    if not here.is_dir():
        msg = f"{folder}: {here} is a file; give another folder"
        raise OutputError(msg)
    if not os.access(here, os.R_OK | os.W_OK | os.X_OK):
        msg = f"{folder}: {here} is not yours to read and write; give another folder"
        raise OutputError(msg)
    try:  # the only sure way to know: rights do not tell of file systems or of long names
        with tempfile.TemporaryDirectory(dir=here, prefix=f".{folder.name}.") as made:
            (Path(made) / folder.relative_to(here)).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"{folder}: {here} cannot be written into ({reason}); give another folder"
        raise OutputError(msg) from error


def _files_of_result(folder: Path) -> set[str]:
    """Return the names that the folder's manifest lists, as far as they are plain files."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        names = {name for name in told["files"] if isinstance(name, str)} if "twin" in told else ()
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if (folder / name).is_file()}


def _move(made: Path, folder: Path, names: list[str], old: list[str]) -> None:
    """Move complete files to where they are wanted."""
    if not folder.exists():
        made.chmod(0o777 & ~umask())
        made.rename(folder)
        return
    kept = Path(tempfile.mkdtemp(dir=folder, prefix=".replaced."))
    try:
        for name in old:
            os.replace(folder / name, kept / name)
        for name in names:
            os.replace(made / name, folder / name)
    except BaseException:  # Ctrl-C as well
        for name in names:
            if not (made / name).exists():
                os.replace(folder / name, made / name)
        for name in reversed(old):
            if (kept / name).exists():
                os.replace(kept / name, folder / name)
        kept.rmdir()
        raise
    shutil.rmtree(kept, ignore_errors=True)

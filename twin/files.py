"""Reading and writing text files so that what goes wrong is said in the user's words."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from twin.errors import OutputError, ScenarioError

MAX_TEXT = 16 * 2**20
"""Largest scenario file in bytes; longer lists belong in tables."""

EMPTY = "`twin new` writes one to start from"
"""What to do about an empty scenario."""

MAX_TABLE = 256 * 2**20
"""Largest table file in bytes."""


def read_text(path: Path, limit: int = MAX_TEXT, if_empty: str = EMPTY) -> str:
    """Return the text of a UTF-8 file.

    Parameters
    ----------
    path
        File to read.
    limit
        Largest size that is read, in bytes.
    if_empty
        What to do about an empty file.

    Raises
    ------
    ScenarioError
        If the file is missing, a directory, too large, binary, empty or not UTF-8.
    """
    check_file(path, limit)
    try:
        raw = path.read_bytes()
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); check its permissions"
        raise ScenarioError(msg) from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        msg = f"{path}: the encoding is UTF-16; save it as UTF-8"
        raise ScenarioError(msg)
    if b"\0" in raw:
        msg = f"{path}: NUL byte at position {raw.index(0)}; this is no text file, give UTF-8 text"
        raise ScenarioError(msg)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        msg = f"{path}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8; save it as UTF-8"
        raise ScenarioError(msg) from error
    if not text.strip():
        msg = f"{path}: the file is empty; {if_empty}"
        raise ScenarioError(msg)
    return text


def check_file(path: Path, limit: int) -> None:
    """Raise a :class:`ScenarioError` unless ``path`` is a file of at most ``limit`` bytes."""
    try:
        if path.is_dir():
            msg = f"{path}: is a directory; give the file inside it"
            raise ScenarioError(msg)
        if not path.exists():
            msg = f"{path}: no such file; check the name and the folder"
            raise ScenarioError(msg)
        if not path.is_file():
            msg = f"{path}: is not a regular file; give a file on disk"
            raise ScenarioError(msg)
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name itself
        msg = f"{str(path)!r}: cannot be opened ({error}); check the name"
        raise ScenarioError(msg) from error
    if size > limit:
        msg = (
            f"{path}: {size:,} bytes; at most {limit:,} are read, move long lists into tables "
            "('{table: file.csv}')"
        )
        raise ScenarioError(msg)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are not there yet.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{path}: cannot be made ({error.strerror}); give another folder"
        raise OutputError(msg) from error


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written; what was there before stays as it was.
    """
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(path))
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        reason = getattr(error, "strerror", None) or error
        msg = f"{path}: cannot be written ({reason}); nothing was changed, give another place"
        raise OutputError(msg) from error


def _mode(path: Path) -> int:
    """Permissions of the file that is replaced, else what the user's umask says."""
    if path.exists():
        return path.stat().st_mode & 0o777
    return 0o666 & ~umask()


def umask() -> int:
    """Return the permissions that the user withholds from what is made."""
    mask = os.umask(0)
    os.umask(mask)
    return mask

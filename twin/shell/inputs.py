"""What a user types, checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twin.arguments import whole
from twin.errors import OutputError, RunError, ScenarioError
from twin.yaml_text import parse

PICTURES = (".svg", ".png", ".pdf")


def changes(pairs: Iterable[str], flag: str = "--set") -> dict[str, Any]:
    """Return ``key=value`` texts as changes of a scenario; values are read as in its file.

    Raises
    ------
    RunError
        If a text has no key or no ``=``.
    ScenarioError
        If a value is no plain YAML.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not key.strip() or not mark:
            msg = f"{flag} '{pair}': must be key=value, such as {flag} horizon=200"
            raise RunError(msg)
        try:
            found[key.strip()], _ = parse(value, f"{flag} {key.strip()}")
        except ScenarioError as error:
            raise ScenarioError(str(error).replace(", line 1:", ":")) from error
    return found


def number(name: str, text: str) -> int:
    """Return a whole number that was typed for an option, see :func:`twin.arguments.whole`."""
    try:
        return whole(name, int(text))
    except ValueError:
        return whole(name, text)


def check_picture(path: Path | None, force: bool) -> None:
    """Raise an :class:`OutputError` if a picture could not be written to a path, or is there."""
    if path is None:
        return
    if path.suffix.lower() not in PICTURES:
        msg = f"{path}: ending '{path.suffix}'; a picture is one of {', '.join(PICTURES)}"
        raise OutputError(msg)
    if not path.parent.is_dir():
        msg = f"{path}: there is no folder {path.parent}; make it or give another place to --plot"
        raise OutputError(msg)
    if find_spec("matplotlib") is None:
        msg = "drawing needs matplotlib; install it: pip install 'pushpull-twin[plot]'"
        raise OutputError(msg)
    check_new(path, force)


def check_new(path: Path | None, force: bool) -> None:
    """Raise an :class:`OutputError` if a file would be overwritten unasked."""
    if path is not None and path.exists() and not force:
        msg = f"{path}: is there already; give another name, or --force to replace it"
        raise OutputError(msg)
    if path is not None and not path.absolute().parent.is_dir():
        msg = f"{path}: there is no folder {path.parent}; make it first, or give another name"
        raise OutputError(msg)


def check_new_folder(path: Path, force: bool) -> None:
    """Raise an :class:`OutputError` if files might be overwritten in a folder unasked."""
    if path.exists() and not force and (not path.is_dir() or any(path.iterdir())):
        msg = f"{path}: is there already and not empty; move it, or --force to write into it"
        raise OutputError(msg)

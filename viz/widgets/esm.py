"""Browser modules of widgets, read from the files beside this one."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def joined(*names: str) -> str:
    """Return some files of this folder as one browser module, in the order given.

    A widget's module is sent as one text and cannot import its neighbours, so that parts are put
    together here: declarations of one file are known in all of them, and only the last one
    exports.
    """
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)

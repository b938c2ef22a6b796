"""One way to compile: cached on disk, strict arithmetic, without the GIL.

Numba keys its cache to the file of the compiled function only, so a kernel would go on using an
edited helper of another file. The cache folder is therefore named after all compiled sources.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).parent


def _is_compiled(text: str) -> bool:
    """Return whether a source holds compiled functions or the constants that they read."""
    return any(
        mark in text
        for mark in ("@njit\n", "@entry\n", "@inner\n", "@leaf\n", "@inlined\n", "(NamedTuple)")
    )


def _sources_hash() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(_HERE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name == "jit.py" or _is_compiled(text):
            digest.update(text.encode())
    return digest.hexdigest()[:16]


def _cache_root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pushpull-twin"


def _prune(root: Path, keep: Path) -> None:
    """Leave only the newest few caches, so that edits do not fill the disk."""
    folders = sorted(
        (p for p in root.glob("*") if p.is_dir() and p != keep), key=lambda p: p.stat().st_mtime
    )
    for old in folders[:-8]:
        shutil.rmtree(old, ignore_errors=True)


def _passing_folder() -> Path:
    """Return a folder of this process alone: numba would else write beside the sources, unkeyed."""
    folder = tempfile.mkdtemp(prefix="pushpull-twin-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _point_numba_at_cache() -> tuple[Path, bool]:
    """Choose where compiled code is kept; return the folder, and whether it outlives the process."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen), True
    root = _cache_root()
    folder, lasts = root / _sources_hash(), True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lasts = os.access(folder, os.W_OK)
    except OSError:
        lasts = False
    with contextlib.suppress(OSError):  # another process may prune as well
        _prune(root, folder)
    if not lasts:
        folder = _passing_folder()
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder, lasts


CACHE_FOLDER, CACHE_LASTS = _point_numba_at_cache()

import numba  # noqa: E402  (the cache folder must be set before numba reads its configuration)
from numba.core import event  # noqa: E402

_config: Any = numba.config  # its attributes and some options are unknown to the type checker
_compile: Any = numba.njit
_STRICT: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}
_INNER = {**_STRICT, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_ENTRIES: set[Callable[..., Any]] = set()

if "NUMBA_CACHE_DIR" in os.environ:
    _config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]


def njit(function: F) -> F:
    """Compile a function with the options that hold for the whole engine."""
    compiled: F = _compile(**_STRICT)(function)
    return compiled


def entry(function: F) -> F:
    """Compile the kernel's entry: without reference counts, for it allocates and returns nothing.

    Counting the references of some hundred arrays at every call took more than half of the time of
    a single replication; numba refuses the option where something is allocated.
    """
    _ENTRIES.add(function)
    compiled: F = _compile(**_STRICT, _nrt=False)(function)
    return compiled


def inner(function: F) -> F:
    """Compile a function that only compiled code calls: no entry from Python, half the time."""
    compiled: F = _compile(**_INNER)(function)
    return compiled


def leaf(function: F) -> F:
    """Put a function's code into its callers: a call per row would hand over some hundred words.

    A table is seven words, a group of tables some fifty, all of them pushed at every call that the
    optimiser does not fold by itself; that cost ten times the work of a short function.
    """
    compiled: F = _compile(**_INNER, forceinline=True)(function)
    return compiled


def inlined(function: F) -> F:
    """Put a function's body into its callers before types are known: a constant stays one there."""
    compiled: F = _compile(inline="always", error_model="numpy", nogil=True, _nrt=False)(function)
    return compiled


class _Watch(event.Listener):
    """Hears of everything that numba compiles; tells once if it is an entry."""

    def __init__(self, told: Callable[[], None]) -> None:
        self.told = told
        self.heard = False

    def on_start(self, event: Any) -> None:
        if not self.heard and event.data["dispatcher"].py_func in _ENTRIES:
            self.heard = True
            self.told()

    def on_end(self, event: Any) -> None:
        pass


@contextlib.contextmanager
def watched(told: Callable[[], None]) -> Iterator[None]:
    """Call a function once if a kernel begins to compile; one read from the cache does not count.

    Parameters
    ----------
    told
        Called in the thread that compiles, before the wait of a minute or more.
    """
    with event.install_listener("numba:compile", _Watch(told)):
        yield

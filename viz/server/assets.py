"""What the browser loads besides the page itself, all of it from the package solara-assets."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from twin.errors import RunError

if TYPE_CHECKING:
    from viz.server.guard import App, Receive, Scope, Send

URL = "/_solara/cdn"
"""Where the server shows the folder of :func:`folder`."""

ECHARTS = "echarts@5.4.0/dist/echarts.esm.min.js"
ECHARTS_URL = f"{URL}/{ECHARTS}"
"""Address of the chart library, for ``await import(new URL(address, location.href))`` in a widget.

A widget's module has no address of its own that others could be relative to.
"""

NEEDED = (
    "requirejs@2.3.6/require.js",
    "@widgetti/solara-vuetify-app@10.1.1/dist/main8.css",
    "@widgetti/solara-vuetify-app@10.1.1/dist/fonts.css",
    "@widgetti/solara-vuetify-app@10.1.1/dist/solara-vuetify-app8.min.js",
    "font-awesome@4.5.0/css/font-awesome.min.css",
    ECHARTS,
)
"""Files without which the page stays blank; the first one finds the folder."""

PACKAGES = ("solara", "anywidget", "ipyvuetify", "uvicorn", "matplotlib")
INSTALL = "pip install 'pushpull-twin[app]'"


def check_packages() -> None:
    """Raise a :class:`RunError` if a package that the page needs is missing or too new."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        msg = f"the what-if app needs {', '.join(missing)}; install what it needs: {INSTALL}"
        raise RunError(msg)
    found = metadata.version("ipyvuetify")
    if not found.startswith("1."):
        msg = f"ipyvuetify {found} is installed, the what-if app needs 1.x: {INSTALL}"
        raise RunError(msg)


def folder() -> Path:
    """Return the folder of what the browser loads.

    Raises
    ------
    RunError
        If the package solara-assets is not installed, or lacks one of :data:`NEEDED`.
    """
    try:
        listed = metadata.files("solara-assets") or []
    except metadata.PackageNotFoundError:
        msg = f"the what-if app needs solara-assets, to work without the internet: {INSTALL}"
        raise RunError(msg) from None
    first = NEEDED[0]
    places = (Path(str(f.locate())).resolve() for f in listed if f.as_posix().endswith(first))
    root = next((place.parents[first.count("/")] for place in places), None)
    missing = [] if root is None else [name for name in NEEDED if not (root / name).is_file()]
    if root is None or missing:
        what = ", ".join(missing) or first
        msg = f"solara-assets {metadata.version('solara-assets')} lacks {what}; {INSTALL}"
        raise RunError(msg)
    return root


class OnlyInstalled:
    """An ASGI app in front of Solara's that answers 404 for a file that is not installed.

    Solara would fetch it from a public server: dial out, and keep the browser waiting for seconds.

    Parameters
    ----------
    app
        Solara's.
    root
        The folder of what is installed.
    """

    def __init__(self, app: App, root: Path) -> None:
        self.app, self.root = app, root.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand everything on but a request for a file that is not there."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(f"{URL}/") or self._has(path):
            return await self.app(scope, receive, send)
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": b"This file is not installed here."})

    def _has(self, path: str) -> bool:
        try:
            file = (self.root / path.removeprefix(f"{URL}/")).resolve()
            return file.is_relative_to(self.root) and file.is_file()
        except (OSError, ValueError):
            return False

"""Starts the server of the what-if app and keeps it to itself: ``twin app``.

Solara reads its settings when it is imported, so the environment is set first. Left alone it tells
a public host that it was started and fetches what the browser needs from a public server.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import sys
import threading
import warnings
import webbrowser
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import RunError
from twin.shell.terminal import note, say
from viz.server import address, assets, opening
from viz.server.guard import LOOPBACK, MAX_MESSAGE, Guard
from viz.server.pages import accessible

if TYPE_CHECKING:
    from viz.server.guard import App

AUTO = "auto"
MIN_TOKEN = 12
PATIENCE = 2
"""Seconds that open pages get to finish when the server stops."""

ALWAYS = {
    "SOLARA_MODE": "production",
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
    "SOLARA_THEME_SHOW_BANNER": "False",
    "SOLARA_ASSETS_PROXY": "True",
    "SOLARA_ASSETS_CDN": "http://127.0.0.1:9/",  # nobody listens: what is missing fails here
}
"""Settings of Solara without which it would talk to other machines."""

UNLESS_SET = {
    "SOLARA_THEME_TITLE": "Push-pull twin",
    "SOLARA_KERNEL_CULL_TIMEOUT": "2h",  # a closed laptop finds its page again after lunch
    "SOLARA_KERNEL_MAX_COUNT": "100",
    "REACTON_FAST": "1",  # renders only what changed: a quarter of the time
}
"""Settings of Solara that a user's environment may change."""


HAND_OVER = 0.0005
"""Seconds after which a computing thread lets another one have Python: messages of a page are many
and short, and each waited up to the usual 5 ms for its turn."""

LARGE = 2**20
"""Bytes from which on a block of memory is asked for, and given back, on its own."""

_M_MMAP_THRESHOLD = -3  # of malloc.h


def serve(
    scenario: str | Path | None = None,
    host: str = "127.0.0.1",
    port: int | str | None = None,
    token: str | None = None,
    allow_hosts: Collection[str] = (),
    browser: bool = True,
    store: str | Path | None = None,
    studies: str | Path | None = None,
    page: str = "viz.app",
) -> None:
    """Serve the what-if app until Ctrl-C.

    Parameters
    ----------
    scenario
        File or name of the scenario to open first; default: the flagship.
    host
        Address to listen on.
    port
        Port; 0 takes any free one, none the first free one from 8765.
    token
        What the link must carry; ``auto`` makes one up.
    allow_hosts
        More names by which browsers may call the server.
    browser
        Whether to open the link in the user's browser, where there is a screen.
    store
        Event store whose telemetry the page shows.
    studies
        Folder in which studies that are started on the page are kept and found again.
    page
        Module or file of the Solara page.

    Raises
    ------
    RunError
        If a package or file that the page needs is missing, the address is not free or not safe.
    ScenarioError
        If the scenario is wrong.
    OutputError
        If the folder for studies cannot be made.
    """
    assets.check_packages()
    root = assets.folder()
    secret = _token(token)
    public = _lets_others_in(host, secret)
    opening.choose(scenario)
    opening.watch(store)
    opening.keep_studies(studies)
    sys.setswitchinterval(HAND_OVER)
    give_memory_back()
    with contextlib.closing(address.bound(host, port)) as listener:
        set_environment(page, root)
        link = address.link(host, listener.getsockname()[1], secret)
        hosts = {*LOOPBACK, *address.names(host), *allow_hosts}
        app = Guard(_solara(root), hosts, secret, any_address=address.is_wildcard(host))
        _run(app, listener, lambda: _ready(link, browser, public), deflate=public)


def _lets_others_in(host: str, secret: str | None) -> bool:
    """Return whether other machines can reach an address; without a token they must not."""
    if address.is_loopback(host):
        return False
    if secret is None:
        msg = (
            f"--host {host} lets other machines in, and there is no token to keep strangers out; "
            "add --token auto, or leave --host out"
        )
        raise RunError(msg)
    return True


def give_memory_back() -> None:
    """Have large blocks return to the system as soon as they are freed, where glibc allocates.

    The series of an answer take a hundred megabytes for a second. Left alone, glibc keeps blocks
    of up to 32 MiB for later once one of that size was freed, apart for every thread (mallopt(3)).
    """
    if sys.platform.startswith("linux"):
        set_option = getattr(ctypes.CDLL(None), "mallopt", None)
        if set_option is not None:
            set_option(_M_MMAP_THRESHOLD, LARGE)


def set_environment(page: str, root: Path) -> None:
    """Set what Solara reads when it is imported.

    Parameters
    ----------
    page
        Module or file of the page.
    root
        Folder of what the browser loads.
    """
    if "solara.settings" in sys.modules:
        msg = "solara was imported before its settings were made; import it inside the page only"
        raise RuntimeError(msg)
    os.environ.update(ALWAYS, SOLARA_APP=page, SOLARA_ASSETS_PROXY_CACHE_DIR=str(root))
    for name, value in UNLESS_SET.items():
        os.environ.setdefault(name, value)
    for name in ("NO_PROXY", "no_proxy"):  # a proxy would be another machine
        before = os.environ.get(name)
        os.environ[name] = ",".join(filter(None, (before, "127.0.0.1", "localhost")))


def _solara(root: Path) -> App:
    """Return Solara's app; it cannot be imported before."""
    warnings.filterwarnings("ignore", message="Cookies with samesite=none")  # plain http is meant
    from solara.server import server
    from solara.server.starlette import app

    made = server.read_root

    def read_root(*path: Any, **more: Any) -> str | None:
        page = made(*path, **more)
        return None if page is None else accessible(page)

    server.read_root = read_root
    return assets.OnlyInstalled(app, root)


def _token(given: str | None) -> str | None:
    """Check a token that a person chose, or make one up."""
    if given is None:
        return None
    if given == AUTO:
        return secrets.token_urlsafe(24)
    plain = given.isascii() and all(c.isalnum() or c in "-._~" for c in given)
    if len(given) < MIN_TOKEN or not plain:
        msg = (
            f"--token: {len(given)} characters; give at least {MIN_TOKEN} of letters, digits and "
            "-._~, or --token auto"
        )
        raise RunError(msg)
    return given


def _run(app: App, listener: Any, ready: Callable[[], None], deflate: bool) -> None:
    """Answer what comes in at a socket, until Ctrl-C."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                ready()

    config = uvicorn.Config(
        app, loop="asyncio", log_level="error", access_log=False, server_header=False,
        ws_max_size=MAX_MESSAGE, ws_per_message_deflate=deflate,
        timeout_graceful_shutdown=PATIENCE,
    )  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):
        Server(config).run(sockets=[listener])
    # Runs that are under way live in threads that Python would wait for; nothing is left to write,
    # and nobody may be left to read it.
    with contextlib.suppress(OSError):
        note("twin: stopped")
        sys.stdout.flush()
    os._exit(0)


def _ready(link: str, browser: bool, public: bool) -> None:
    say(f"The what-if app is at {link}\nCtrl-C stops it.")
    sys.stdout.flush()
    if public:
        note(
            "twin: whoever has this link can use the twin, and what they do is not encrypted; "
            "outside a network you trust, put a proxy with TLS in front."
        )
    if browser and _has_screen():
        threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()
    threading.Thread(target=_warm_up, daemon=True).start()


def _has_screen() -> bool:
    if os.environ.get("CI"):
        return False
    seen = ("DISPLAY", "WAYLAND_DISPLAY")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in seen)


def _warm_up() -> None:
    """Work out the first answer, compiling the engine first where that was never done."""
    from twin.jit import watched
    from viz.page import known

    text = "twin: compiling the engine (two or three minutes); the page waits for it"
    with watched(lambda: note(text)):
        known.prepare(opening.chosen()[1])

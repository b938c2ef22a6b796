"""Where the server listens, and what it is called there."""

from __future__ import annotations

import errno
import ipaddress
import socket
from itertools import count

from twin.errors import RunError
from twin.shell.terminal import note

FIRST_PORT = 8765
TRIES = 50
MAX_PORT = 65_535
_WILDCARD = {"0.0.0.0", "::", ""}


def is_wildcard(host: str) -> bool:
    """Return whether an address means all interfaces of the machine."""
    return host in _WILDCARD


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address.

    Raises
    ------
    RunError
        If it is neither an address nor a known name.
    """
    if is_wildcard(host):
        return False
    return all(ipaddress.ip_address(_bare(found[4][0])).is_loopback for found in _looked_up(host))


def names(host: str) -> set[str]:
    """Return what browsers may call a server that listens on an address."""
    return {socket.gethostname()} if is_wildcard(host) else {host}


def bound(host: str, port: int | str | None) -> socket.socket:
    """Return a socket bound to an address; it is taken from now on.

    Parameters
    ----------
    host
        Address or name.
    port
        Port; 0 takes any free one, none the first free one from :data:`FIRST_PORT` on, with a word.

    Raises
    ------
    RunError
        If the port is none or taken, or the address is not this machine's.
    """
    family, *_, place = _looked_up(host or "0.0.0.0")[0]
    for wanted in count(FIRST_PORT) if port is None else (_number(port),):
        # Named TCP, or asyncio leaves Nagle's wait on: 40 ms for the second of two messages.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((place[0], wanted))
            listener.listen(128)  # or a second server could bind as well
        except OSError as error:
            listener.close()
            taken = error.errno == errno.EADDRINUSE
            if taken and port is None and wanted < FIRST_PORT + TRIES:
                continue
            msg = (
                f"cannot listen on {host} port {wanted} ({error.strerror}); give another --port, "
                "or --port 0 for any that is free"
            )
            raise RunError(msg) from error
        if port is None and wanted != FIRST_PORT:
            note(f"twin: port {FIRST_PORT} is taken, {wanted} is used instead")
        return listener
    raise AssertionError  # the ports end with an error


def _number(port: int | str) -> int:
    text = str(port)
    if not text.isdecimal() or int(text) > MAX_PORT:
        msg = f"--port {text}: must be a whole number from 0 (any that is free) to {MAX_PORT:,}"
        raise RunError(msg)
    return int(text)


def link(host: str, port: int, token: str | None) -> str:
    """Return the address to open in a browser."""
    name = socket.gethostname() if is_wildcard(host) else host
    shown = f"[{name}]" if ":" in name else name
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")


def _looked_up(host: str) -> list[tuple]:
    try:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        msg = f"--host {host}: no such address here ({error}); leave it out for this machine alone"
        raise RunError(msg) from error


def _bare(host: str) -> str:
    return host.partition("%")[0]

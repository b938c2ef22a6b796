"""The layer between the network and the page: who may talk to it, and how much.

Solara itself takes websockets from any site, so that any page the user visits could drive a local
twin. The guard is pure ASGI, because Starlette's middleware never sees a websocket. It asks, in
this order: is the server called by one of its own names (else DNS could be bent to it), does the
call come from its own page, is the token there, is the message not too large.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twin.manifest import version
from viz.server.pages import ENTER, EXCHANGE
from viz.uploads import MAX_TOTAL

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that a machine has for itself."""

MAX_BODY = MAX_TOTAL
"""Largest body of a request, in bytes."""

MAX_MESSAGE = 8 * 2**20
"""Largest message of a websocket, in bytes; the browser sends files in parts of 1 MiB."""

_SAFE = {"GET", "HEAD", "OPTIONS"}
_OURS = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    # no-referrer would make browsers send 'Origin: null' even from our own page
    b"referrer-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"content-security-policy": _OURS.encode(),
}


@dataclass(frozen=True)
class _Answer:
    """An answer that the guard gives itself."""

    status: int
    text: str
    kind: str = "text/plain"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Guard:
    """An ASGI app in front of another one that lets through only what its own page asks.

    Parameters
    ----------
    app
        What is guarded.
    hosts
        Names by which the server may be called, without port.
    token
        What a browser must show once as ``?token=...``; a cookie remembers it.
    any_address
        Whether any numeric address is one of its names: for a server on all interfaces. A browser
        that uses a number was not led here by someone else's DNS.
    max_body
        Largest body of a request, in bytes.
    """

    def __init__(
        self,
        app: App,
        hosts: Collection[str] = LOOPBACK,
        token: str | None = None,
        any_address: bool = False,
        max_body: int = MAX_BODY,
    ) -> None:
        self.app, self.token = app, token
        self.hosts = {host.lower() for host in hosts}
        self.any_address, self.max_body = any_address, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, refuse it, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        answer = self._foreign(scope) or self._own(scope) or self._unknown(scope)
        if scope["type"] == "websocket":
            if answer is None:
                return await self.app(scope, receive, send)
            await receive()
            return await send({"type": "websocket.close", "code": 1008})  # unopened: a 403
        sender = _with_headers(send)
        if answer is not None:
            return await _say(answer, sender)
        await self._limited(scope, receive, sender)

    # ------------------------------------------------------------------- who is called, by whom

    def _foreign(self, scope: Scope) -> _Answer | None:
        """Refuse a foreign name of ours, and another site's page."""
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            called = ", ".join(hosts) or "(none)"
            return _Answer(
                403,
                f"This twin is not called '{called}'. If it is yours: start it with "
                "--allow-host NAME.",
            )
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return None
        origins = _values(scope, b"origin")
        if len(origins) != 1 or _place(origins[0]) != hosts[0].lower():
            return _Answer(403, "Only the twin's own page may do this.")
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self.hosts:
            return True
        return self.any_address and _is_address(name)

    def _own(self, scope: Scope) -> _Answer | None:
        """Tell whoever watches over servers that this one is well."""
        if scope["type"] != "http" or scope["path"] != "/healthz":
            return None
        text = json.dumps({"status": "ok", "version": version()})
        return _Answer(200, text, "application/json", ((b"cache-control", b"no-store"),))

    # ------------------------------------------------------------------------------- the token

    def _unknown(self, scope: Scope) -> _Answer | None:
        """Ask for the token; take it from a link once, and then from a cookie."""
        if self.token is None:
            return None
        shown = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if scope["type"] == "http" and scope["method"] == "GET" and shown:
            if not any(_same(value, self.token) for value in shown):
                return _Answer(401, ENTER.format(why="That is not this twin's token."), "text/html")
            return _Answer(200, EXCHANGE, "text/html", self._remember(scope))
        name, mark = self._cookie()
        if any(_same(value, mark) for value in _cookies(scope, name)):
            return None
        return _Answer(401, ENTER.format(why="This twin is shared by a link."), "text/html")

    def _cookie(self) -> tuple[str, str]:
        """Return name and value of the cookie; neither tells the token.

        Cookies are shared by all servers of a machine, whatever their port: the name differs from
        twin to twin, and what other servers get to see opens nothing but this one.
        """
        assert self.token is not None
        mark = hmac.new(self.token.encode(), b"the what-if app", hashlib.sha256).hexdigest()
        return f"twin_{mark[:8]}", mark[8:]

    def _remember(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        name, mark = self._cookie()
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = f"{name}={mark}; Path=/; HttpOnly; SameSite=Strict{secure}"
        return ((b"set-cookie", cookie.encode()), (b"cache-control", b"no-store"))

    # ---------------------------------------------------------------------------- how much

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on; its body may say that it is too large, or turn out to be."""
        too_large = _Answer(413, f"More than {self.max_body:,} bytes; send less.")
        sizes = _values(scope, b"content-length")
        if any(not size.isdecimal() or int(size) > self.max_body for size in sizes):
            return await _say(too_large, send)
        got, refused = 0, False

        async def counted() -> Message:
            nonlocal got, refused
            message = await receive()
            got += len(message.get("body", b""))
            if got > self.max_body and not refused:
                refused = True
                await _say(too_large, send)
            return {"type": "http.disconnect"} if refused else message

        async def unless_refused(message: Message) -> None:
            if not refused:
                await send(message)

        await self.app(scope, counted, unless_refused)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _place(origin: str) -> str | None:
    """Return host and port of an origin, as a Host header has them; nothing if it is none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "replace"), b.encode())


def _cookies(scope: Scope, name: str) -> list[str]:
    parts = (part for header in _values(scope, b"cookie") for part in header.split(";"))
    pairs = (part.strip().partition("=") for part in parts)
    return [value for key, _, value in pairs if key == name]


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {key.lower() for key, _ in message.get("headers", ())}
            more = [(k, v) for k, v in _HEADERS.items() if k not in there]
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return with_headers


async def _say(answer: _Answer, send: Send) -> None:
    body = answer.text.encode("utf-8", "replace")
    headers = [
        (b"content-type", f"{answer.kind}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

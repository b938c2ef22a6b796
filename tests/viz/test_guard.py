"""The guard, asked message by message, without a server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from twin.manifest import version
from viz.server.guard import Guard

pytestmark = pytest.mark.nojit

OWN = ("host", "127.0.0.1:8765")
TOKEN = "a-token-for-tests"


class Page:
    """What is guarded: takes the whole body, answers 200, and counts what reached it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["type"])
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.accept"})
        message = {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            self.body += message.get("body", b"")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the page"})


def ask(
    guard: Guard,
    *headers: tuple[str, str],
    path: str = "/",
    query: str = "",
    method: str = "GET",
    kind: str = "http",
    scheme: str = "http",
    parts: tuple[bytes, ...] = (b"",),
) -> list[Any]:
    """Return all that is sent in answer to one request."""
    scope = {
        "type": kind, "path": path, "query_string": query.encode(), "method": method,
        "headers": [(k.encode(), v.encode()) for k, v in headers], "scheme": scheme,
    }  # fmt: skip
    first = {"type": "websocket.connect"}
    coming = [
        {"type": "http.request", "body": part, "more_body": n < len(parts)}
        for n, part in enumerate(parts, 1)
    ]
    if kind == "websocket":
        coming = [first]
    sent: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    return sent


def status(*args: Any, **more: Any) -> int:
    return ask(*args, **more)[0]["status"]


def opened(*args: Any, **more: Any) -> bool:
    return ask(*args, kind="websocket", **more)[0]["type"] == "websocket.accept"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "[::1]:8765", "LOCALHOST:8765"])
def test_a_machines_names_for_itself_are_let_in_whatever_the_port(host):
    assert status(Guard(Page()), ("host", host)) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "10.0.0.7",
        "",
        "[",
        "::1",
    ],
)
def test_any_other_name_is_refused_before_the_page_hears_of_it(host):
    page = Page()
    assert status(Guard(page), ("host", host)) == 403
    assert not opened(Guard(page), ("host", host), ("origin", f"http://{host}"))
    assert page.asked == []


def test_no_name_and_two_names_are_refused():
    assert status(Guard(Page())) == 403
    assert status(Guard(Page()), OWN, ("host", "evil.example")) == 403


def test_a_server_on_all_interfaces_goes_by_its_numbers_but_by_no_strange_name():
    guard = Guard(Page(), any_address=True)
    assert status(guard, ("host", "192.168.1.7:8765")) == 200
    assert status(guard, ("host", "[fd00::7]:8765")) == 200
    assert status(guard, ("host", "evil.example")) == 403


def test_a_name_that_was_allowed_is_let_in():
    guard = Guard(Page(), {"twin.example"})
    assert status(guard, ("host", "Twin.Example:8765")) == 200
    assert status(guard, ("host", "evil.example")) == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://127.0.0.1:1", "null", "ftp://127.0.0.1:8765", "http://["],
)
def test_what_another_sites_page_wants_to_change_is_refused(origin):
    page = Page()
    assert status(Guard(page), OWN, ("origin", origin), method="POST") == 403
    assert not opened(Guard(page), OWN, ("origin", origin))
    assert page.asked == []


def test_what_the_own_page_wants_to_change_goes_through():
    origin = ("origin", "http://127.0.0.1:8765")
    assert status(Guard(Page()), OWN, origin, method="POST") == 200
    assert opened(Guard(Page()), OWN, origin)


def test_no_origin_at_all_is_enough_to_read_and_not_to_change():
    assert status(Guard(Page()), OWN) == 200
    assert status(Guard(Page()), OWN, method="DELETE") == 403
    assert not opened(Guard(Page()), OWN)


def test_health_tells_the_version_and_never_asks_for_the_token():
    sent = ask(Guard(Page(), token=TOKEN), OWN, path="/healthz")
    assert sent[0]["status"] == 200
    assert json.loads(sent[1]["body"]) == {"status": "ok", "version": version()}


def test_a_token_in_the_link_is_changed_for_a_cookie_that_opens_everything():
    guard, origin = Guard(Page(), token=TOKEN), ("origin", "http://127.0.0.1:8765")
    assert status(guard, OWN) == 401
    assert not opened(guard, OWN, origin)
    sent = ask(guard, OWN, query=f"token={TOKEN}")
    given = dict(sent[0]["headers"])[b"set-cookie"].decode()
    cookie, *attributes = given.split("; ")
    assert sent[0]["status"] == 200
    assert {"HttpOnly", "SameSite=Strict"} <= set(attributes)
    assert TOKEN not in given
    assert status(guard, OWN, ("cookie", f"other=1; {cookie}")) == 200
    assert opened(guard, OWN, origin, ("cookie", cookie))


@pytest.mark.parametrize("shown", ["", "wrong", TOKEN[:-1], TOKEN + "x", "%C3%A9"])
def test_a_wrong_token_gets_no_cookie(shown):
    sent = ask(Guard(Page(), token=TOKEN), OWN, query=f"token={shown}")
    assert sent[0]["status"] == 401
    assert b"set-cookie" not in dict(sent[0]["headers"])


def test_the_cookie_of_one_token_does_not_open_another_twin():
    sent = ask(Guard(Page(), token="x" * 20), OWN, query="token=" + "x" * 20)
    cookie = dict(sent[0]["headers"])[b"set-cookie"].decode().split(";")[0]
    assert status(Guard(Page(), token=TOKEN), OWN, ("cookie", cookie)) == 401


def test_behind_tls_the_cookie_never_travels_without():
    guard = Guard(Page(), token=TOKEN)
    sent = ask(guard, OWN, query=f"token={TOKEN}", scheme="https")
    assert dict(sent[0]["headers"])[b"set-cookie"].endswith(b"; Secure")


@pytest.mark.parametrize("size", ["11", "-1", "ten"])
def test_a_body_that_says_it_is_too_large_is_refused_unread(size):
    page = Page()
    guard = Guard(page, max_body=10)
    headers = (OWN, ("origin", "http://127.0.0.1:8765"), ("content-length", size))
    assert status(guard, *headers, method="POST") == 413
    assert page.asked == []


def test_a_body_that_turns_out_too_large_is_refused_once_and_cut():
    page = Page()
    parts = (b"12345678", b"9012", b"34")
    headers = (OWN, ("origin", "http://127.0.0.1:8765"))
    sent = ask(Guard(page, max_body=10), *headers, method="POST", parts=parts)
    assert [m["status"] for m in sent if "status" in m] == [413]
    assert page.body == b"12345678"
    whole = ask(Guard(page, max_body=14), *headers, method="POST", parts=parts)
    assert whole[0]["status"] == 200


def test_every_answer_forbids_other_sites_to_frame_the_page():
    for sent in (ask(Guard(Page()), OWN), ask(Guard(Page()), ("host", "evil.example"))):
        headers = dict(sent[0]["headers"])
        assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
        assert headers[b"x-content-type-options"] == b"nosniff"


def test_start_and_stop_of_the_server_reach_the_page():
    page = Page()
    guard = Guard(page, token=TOKEN)

    async def start() -> None:
        await guard({"type": "lifespan"}, None, None)

    with pytest.raises(TypeError):  # our page has no lifespan of its own
        asyncio.run(start())
    assert page.asked == ["lifespan"]

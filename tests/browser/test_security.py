"""Who may not talk to the twin, and what it does not take, over real sockets."""

from __future__ import annotations

import http.client
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.browser.looking import no_serious_violations, until_there
from tests.browser.serving import Server, serving
from viz.server.guard import MAX_BODY, MAX_MESSAGE

KERNEL = "/jupyter/api/kernels/1a2b/channels?session_id=3c4d"
TOKEN = "a-token-for-tests"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def closed(stand_in) -> Iterator[Server]:
    """Return a server that asks for a token."""
    with serving(TOKEN, page=stand_in) as server:
        yield server


def ask(server: Server, path: str = "/", method: str = "GET", body: Any = None, **headers: str):
    """Return status, headers and text of the answer to one plain request."""
    place = urlsplit(server.url).netloc
    connection = http.client.HTTPConnection(place, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        text = "" if answer.status == 101 else answer.read().decode()
        return answer.status, answer.headers, text
    finally:
        connection.close()


def shake(server: Server, **headers: str) -> int:
    """Return the status that the opening of a websocket gets; 101 is an open one."""
    return ask(server, KERNEL, **{**UPGRADE, **headers})[0]


def own(server: Server) -> str:
    return f"http://{urlsplit(server.url).netloc}"


def test_only_a_websocket_of_the_own_page_is_opened(small):
    assert shake(small, Origin=own(small)) == 101
    assert shake(small, Origin="http://evil.example") == 403
    assert shake(small, Origin="http://127.0.0.1:1") == 403, "another server of this machine"
    assert shake(small, Origin="null") == 403
    assert shake(small) == 403


def test_a_server_called_by_a_foreign_name_answers_403(small):
    evil = "evil.example:80"
    assert ask(small, Host=evil)[0] == 403
    assert ask(small, "/healthz", Host=evil)[0] == 403
    assert shake(small, Host=evil, Origin=f"http://{evil}") == 403
    assert ask(small, Host="localhost")[0] == 200


def test_another_sites_page_can_change_nothing(small):
    close = "/_solara/api/close/1a2b?session_id=3c4d"
    assert ask(small, close, "POST", Origin="http://evil.example")[0] == 403
    assert ask(small, close, "POST", Origin=own(small))[0] == 200


def test_health_is_told_without_a_token_and_nothing_else_is(closed):
    status, _, text = ask(closed, "/healthz")
    assert status == 200
    assert '"status": "ok"' in text
    for path in ("/", "/resourcez", "/static/main-vuetify.js", "/_solara/cdn/vega@5.21.0/"):
        assert ask(closed, path)[0] == 401, path


def test_without_the_token_a_websocket_stays_shut(closed):
    assert shake(closed, Origin=own(closed)) == 403
    assert shake(closed, Origin=own(closed), Cookie="twin_1234abcd=guess") == 403


def test_a_wrong_token_is_refused_with_a_page_that_says_what_to_do(closed):
    status, headers, text = ask(closed, "/?token=a-token-for-testz")
    assert status == 401
    assert headers["Set-Cookie"] is None
    assert "not this twin" in text
    assert "twin app" in text


def test_the_link_opens_the_page_and_leaves_no_token_in_the_address(closed, new_page):
    assert closed.url.endswith(f"/?token={TOKEN}")
    page = new_page()
    page.goto(closed.url + "#kept")
    until_there(page)
    assert page.url == f"{own(closed)}/#kept"
    cookie = next(c for c in page.context.cookies() if c["name"].startswith("twin_"))
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert TOKEN not in cookie["value"]


def test_an_upload_that_is_too_large_is_refused_before_it_is_sent(small):
    more = str(MAX_BODY + 1)
    assert ask(small, "/", "POST", Origin=own(small), Content_Length=more)[0] == 413


def test_a_message_that_is_too_large_closes_the_websocket_before_it_is_sent(small):
    address = small.url.replace("http", "ws").rstrip("/") + KERNEL
    announced = struct.pack("!BBQI", 0x82, 0x80 | 127, MAX_MESSAGE + 1, 0)  # binary, masked

    def announce() -> None:
        with connect(address, origin=own(small)) as open_one:
            open_one.socket.sendall(announced)
            while True:
                open_one.recv(timeout=20)

    with pytest.raises(ConnectionClosed) as closed:
        announce()
    assert closed.value.rcvd.code == 1009


def test_the_page_that_asks_for_the_token_is_open_to_all(closed, new_page, allowed):
    allowed += ["401"]
    page = new_page()
    page.goto(own(closed))
    no_serious_violations(page)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Open").click()
    until_there(page)
    assert page.url == f"{own(closed)}/"


@pytest.mark.parametrize(
    "path",
    [
        "/_solara/cdn/../../../../pyvenv.cfg",
        "/_solara/cdn/..%2f..%2f..%2fpyvenv.cfg",
        "/static/assets/%2e%2e/%2e%2e/__init__.py",
        "/static/public/..%2fpage.py",
        "/_solara/cdn//etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_folders_that_are_served(small, path):
    assert ask(small, path)[0] == 404


def test_no_other_site_may_frame_the_page_or_be_asked_by_it(small):
    headers = ask(small)[1]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"

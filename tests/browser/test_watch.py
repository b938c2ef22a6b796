"""The tests' own eyes: what a page must not do is seen, and only what was allowed is passed over."""

from __future__ import annotations

import pytest

from tests.browser.looking import Watch, is_local, no_serious_violations, until_there


def test_whatever_goes_wrong_in_a_page_is_seen(small, new_page, allowed):
    page = new_page(base_url=small.url)
    watch = Watch(page)
    page.goto("/")
    until_there(page)
    assert watch.problems == []
    page.evaluate("() => { console.error('a logged error'); }")
    page.evaluate("() => { setTimeout(() => { throw new Error('a thrown error'); }); }")
    page.evaluate("() => fetch('/_solara/cdn/none@1.0.0/none.js').then(() => null)")
    page.evaluate("() => { new Image().src = 'http://192.0.2.1/x.png'; }")
    page.wait_for_timeout(300)
    found = " ".join(watch.problems)
    for part in ("a logged error", "a thrown error", "answer 404: ", "Content Security Policy"):
        assert part in found
    allowed += ["a logged error", "a thrown error", "404", "Content Security Policy", "192.0.2.1"]
    assert watch.unexpected(["a logged error"])
    assert watch.unexpected(allowed) == []


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://127.0.0.1:8765/x", True),
        ("ws://localhost:1/", True),
        ("blob:http://127.0.0.1/1", True),
        ("https://cdn.example/x.js", False),
        ("http://127.0.0.1.example/", False),
        ("wss://10.0.0.7/", False),
    ],
)
def test_other_machines_are_told_apart(address, local):
    assert is_local(address) is local


def test_what_a_blind_user_could_not_use_is_found(small, new_page):
    page = new_page(base_url=small.url)
    page.goto("/")
    until_there(page)
    no_serious_violations(page)
    page.evaluate("() => { document.body.append(document.createElement('button')); }")
    with pytest.raises(AssertionError, match="button-name"):
        no_serious_violations(page)

"""A real server, a real browser, and pages that fail a test for whatever went wrong in them.

``page`` is a blank page of a new user whose addresses start at the app: ``page.goto("/")``;
``new_page(color_scheme="dark")`` makes more. After the test no page may have asked another
machine, got an answer of 400 or more, logged an error or thrown an exception, unless its words
match a regular expression in ``allowed``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.looking import SCREENSHOTS, Watch
from tests.browser.serving import (
    STAND_IN,
    Server,
    Standing,
    chromium,
    launched,
    missing,
    serving,
)

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show with a test that failed what its servers said last: an edit may have failed there."""
    report = yield
    given = getattr(item, "funcargs", None) or {}
    servers = [x for x in given.values() if isinstance(x, Server)]
    if report.failed:
        report.sections += [(f"end of the log of {x.url}", x.last_words()) for x in servers]
    return report


@pytest.fixture(scope="session")
def executable() -> str:
    """Return the path of Chromium."""
    found = chromium()
    if found is None:
        missing("chromium")
    assert found
    return found


@pytest.fixture(scope="session")
def apps() -> Iterator[Standing]:
    """Return where the what-if app stands, served as ``twin app`` serves it."""
    with contextlib.closing(Standing(serving)) as found:
        yield found


@pytest.fixture
def app(apps: Standing) -> Iterator[Server]:
    """Return the what-if app, one for all tests; the test in which it ends fails and says how."""
    with apps.lent() as server:
        yield server


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small page, for tests of the server alone."""
    file = tmp_path_factory.mktemp("stand_in") / "page.py"
    file.write_text(STAND_IN)
    return file


@pytest.fixture(scope="session")
def smalls(stand_in: Path) -> Iterator[Standing]:
    """Return where the server of the small page stands."""
    with contextlib.closing(Standing(lambda: serving(page=stand_in))) as found:
        yield found


@pytest.fixture
def small(smalls: Standing) -> Iterator[Server]:
    """Return a server of the small page."""
    with smalls.lent() as server:
        yield server


@pytest.fixture(scope="session")
def browser(executable: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = launched(playwright, executable)
        yield found
        found.close()


@pytest.fixture
def allowed() -> list[str]:
    """Return the regular expressions of problems that a test provokes."""
    return []


@pytest.fixture
def new_page(browser: Any, allowed: list[str]) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a blank page of a new user; options as of ``new_context``."""
    contexts, watches = [], []

    def make(**options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        watches.append(Watch(page))
        return page

    yield make
    for context in contexts:
        context.close()
    found = [problem for watch in watches for problem in watch.unexpected(allowed)]
    assert not found, "\n".join(found)


@pytest.fixture
def page(app: Server, new_page: Callable[..., Any]) -> Any:
    """Return a blank page of the what-if app."""
    return new_page(base_url=app.url)


@pytest.fixture(scope="session")
def shot() -> Callable[[Any, str], Path]:
    """Return a function that keeps a picture of a page under ``build/screenshots``."""

    def keep(page: Any, name: str, **options: Any) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        file = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=file, **options)
        return file

    return keep

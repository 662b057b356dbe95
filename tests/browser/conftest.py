"""A real Chromium before a real server. Without one these tests skip; WXAPI_NEED_BROWSER=1 makes that a failure."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright
from werkzeug.serving import make_server

from config import Config
from tests.factories import People, Person
from tests.reporting import Town, settle
from tests.web.browsing import DEVICE
from wxapi.app import create_app
from wxapi.demo.embedded import free_port
from wxapi.identity.services.web_sessions import open_session
from wxapi.kernel.clock import SystemClock
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime

_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
# The status of a page itself is what its test asks for; so is the network that it took away.
_ASKED_FOR = (
    "Failed to load resource: the server responded with a status of 4",
    "Failed to load resource: net::ERR_INTERNET_DISCONNECTED",
    "Failed to load resource: net::ERR_CONNECTION_RESET",
)
# The first has the engine without what is around it for people, and takes a third of the processor.
_NAMES = ("chromium-headless-shell", "chromium", "google-chrome", "microsoft-edge")


def installed_browser() -> str:
    """The path of a browser, or a skip (a failure where one is needed)."""
    named = os.environ.get("CHROMIUM")
    found = named or next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        sentence = "No Chromium here: set CHROMIUM, or install one (Debian: apt-get install chromium-headless-shell fonts-noto-cjk)."
        if os.environ.get("WXAPI_NEED_BROWSER") == "1":
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = installed_browser()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(
    make_config: Callable[..., Config], make_migrated_database: Callable[[], str], fake_wechat: str
) -> Iterator[Flask]:
    """The product on a port of this machine, on a database of its own; `site.address` says where."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    made = create_app(
        make_config(database_url=make_migrated_database(), public_url=address, wechat_base_url=fake_wechat),
        clock=SystemClock(),
    )
    server = make_server("127.0.0.1", port, made, threaded=True)
    made.extensions["address"] = address
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    with made.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def town(site: Flask) -> Iterator[Town]:
    with site.app_context():
        yield settle(People(site))
        db.session.remove()


def until(page: Page, is_so: Callable[[], bool], within_s: float = 45) -> None:
    """Wait for what a listener or a route of this page writes down: it runs some time after what it hears of."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end
        page.wait_for_timeout(20)


Open = Callable[..., Page]
# Four processes of tests share the machine.
expect.set_options(timeout=30_000)
_DESK: ViewportSize = {"width": 1366, "height": 768}


@pytest.fixture
def open_page(chromium: Browser, site: Flask) -> Iterator[Open]:
    """Open a page as somebody, in a browser of their own. At the end of the test the console must be clean: that holds
    the CSP, too.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_as(person: Person | None, path: str, **options: Any) -> Page:
        context = chromium.new_context(**{"viewport": _DESK, **options})
        context.set_default_timeout(45_000)
        contexts.append(context)
        page = context.new_page()
        _listen(page, complaints)
        return _go(page, site, person, path)

    yield open_as
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def tab(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context:
        context.set_default_timeout(45_000)
        yield context.new_page()


@pytest.fixture
def walk_to(tab: Page, site: Flask) -> Iterator[Open]:
    """Look at a page as somebody, in the one tab of a walk over all pages, and change nothing there: a browser for each
    page takes four times as long. The console must be clean, as above.
    """
    complaints: list[str] = []
    listeners = _listen(tab, complaints)

    def look(person: Person | None, path: str, viewport: ViewportSize = _DESK) -> Page:
        tab.context.clear_cookies()
        tab.set_viewport_size(viewport)
        return _go(tab, site, person, path)

    yield look
    tab.wait_for_load_state()  # what it says until then is heard; an empty page in between would cost a process
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)
    assert complaints == []


def _listen(page: Page, complaints: list[str]) -> dict[Any, Callable[[Any], None]]:
    """Collect what a page complains of, but for what was asked for; returns the listeners by event."""

    def complain(text: str) -> None:
        if not text.startswith(_ASKED_FOR):
            complaints.append(text)

    listeners: dict[Any, Callable[[Any], None]] = {
        "console": lambda said: complain(said.text) if said.type in {"error", "warning"} else None,
        "pageerror": lambda error: complain(str(error)),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    return listeners


def _go(page: Page, site: Flask, person: Person | None, path: str) -> Page:
    address = site.extensions["address"]
    if person is not None:
        with site.app_context(), transaction() as session:
            token = open_session(session, person.actor.user_id, DEVICE, now=runtime().clock.now())
        page.context.add_cookies([{"name": "wx", "value": token, "url": address}])
    page.goto(address + path)
    return page

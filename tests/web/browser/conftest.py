"""A real Chromium, agencies to show to it, and what the page does there."""

import itertools
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.http import Agency
from support.server import starter

expect.set_options(timeout=20_000)  # an answer may take long beside other tests
AXE = Path(os.environ["ACARE_TEST_BROWSER"], "node_modules", "axe-core", "axe.min.js")


#: The names in the list of clients.
ROWS = "table.clients tbody td.name a"

#: A test with this mark runs in Firefox, too, over WebDriver BiDi.
both_engines = pytest.mark.parametrize("browser", ["chromium", "firefox"], indirect=True)

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def engines() -> Iterator[Callable[[str], Browser]]:
    """Starts a browser, or gives the one that runs: Firefox takes seconds to start."""
    with sync_playwright() as playwright:

        @cache
        def engine(name: str) -> Browser:
            if name == "firefox":
                path = "/usr/bin/firefox-esr"
                return playwright.firefox.launch(channel="moz-firefox", executable_path=path)
            return playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--disable-gpu"])

        yield engine


@pytest.fixture
def browser(engines: Callable[[str], Browser], request: pytest.FixtureRequest) -> Browser:
    return engines(getattr(request, "param", "chromium"))


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a context of its own, as another person's browser; nothing may go wrong in it."""
    contexts, errors, asked = [], [], []

    def open_page(address: str, **options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-US", "timezone_id": "America/Los_Angeles", **options})
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if is_wrong(said) else None)
        page.on("dialog", answer)
        page.goto(address)
        return page

    def answer(dialog: Any) -> None:
        """Leave a page that asks whether to leave; there are no other dialogs of the browser."""
        asked.append(dialog.type)
        dialog.accept()

    open_page.asked = asked
    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
    assert set(asked) <= {"beforeunload"}


def opened(open_page: Callable[..., Page], agency: Agency, where: str = "", **options: Any) -> Page:
    """The page of the agency's broker, signed in, at an address."""
    page = open_page(agency.link, **options)
    expect(page.locator("#top")).to_be_visible()
    page.goto(f"{agency.url}/#/{where}")
    if where.startswith("new"):  # until then, a label can be one of the list's filters
        expect(page.get_by_role("heading", name="New client")).to_be_visible()
    return page


def person(agency: Agency, name: str = "person", role: str = "agent") -> tuple[Any, Agency]:
    """A new user, and the agency as they call it."""
    email = f"{name}{next(NUMBERS)}@example.com"
    user = agency.ask("POST", "/v1/users", {"email": email, "role": role}, 201)
    made = agency.ask("POST", "/v1/keys", {"user_id": user["id"], "name": "own"}, 201)
    return user, Agency(agency.url, made["key"])


def delete(page: Page) -> None:
    """Delete the client that is shown."""
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()


def is_wrong(said: Any) -> bool:
    """Whether the console tells of more than an answer that is an error, or a server that is away."""
    return said.type == "error" and not said.text.startswith("Failed to load resource")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    """120 invented clients, for all tests of a module that only look."""
    with starter(tmp_path_factory.mktemp("demo")) as start:
        server = start("--rate-limit", "off", command="demo")
        assert server.key
        yield Agency(server.url, server.key)


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    """An agency for all tests of a module: each makes its own clients."""
    with starter(tmp_path_factory.mktemp("agency")) as start:
        server = start("--rate-limit", "off")
        assert server.key
        yield Agency(server.url, server.key)


@pytest.fixture(scope="session")
def axe() -> str:
    return AXE.read_text("utf-8")

"""The screenshots in acare/web/screenshots, which are taken anew with ACARE_TEST_SCREENSHOTS=1."""

import datetime
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

import acare

TAKES_ANEW = "ACARE_TEST_SCREENSHOTS" in os.environ
DESKTOP, PHONE = {"width": 1280, "height": 600}, {"width": 360, "height": 740}
PICTURES = {
    "light": ("light", DESKTOP),
    "dark": ("dark", DESKTOP),
    "phone": ("light", PHONE),
    "client": ("light", DESKTOP),
}
DUE = f"due:{datetime.date.today() + datetime.timedelta(3)}"
NOTES = "2026-11-26 10:15 dana.whitfield: She can see the house on Friday.\n\nMoves in spring, with a dog."


@pytest.mark.parametrize(("name", "scheme", "size"), [(name, *each) for name, each in PICTURES.items()])
def test_a_screenshot_has_less_than_150_kilobytes(open_page, demo, tmp_path, name, scheme, size):
    page = open_page(demo.link, color_scheme=scheme, viewport=size)
    expect(page.locator("td.name a").first).to_be_visible()
    if name == "client":
        client = demo.ask("GET", "/v1/clients?client_type=buyer&status=active&limit=1")["clients"][0]
        demo.put(client, notes=NOTES, source="Open house", tags=["first-time", DUE])
        page.goto(f"{demo.url}/#/?client_type=buyer&status=active")
        page.locator("td.name a").first.click()
        expect(page.locator(".history li")).to_have_count(2)
    docs = Path(acare.__file__).parent / "web" / "screenshots"
    folder = docs if TAKES_ANEW else tmp_path
    assert len(page.screenshot(path=folder / f"{name}.png")) < 150_000

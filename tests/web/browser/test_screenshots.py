"""The screenshots in acare/web/screenshots, which are copies of what this test makes."""

import pytest
from playwright.sync_api import expect

DESKTOP, PHONE = {"width": 1280, "height": 600}, {"width": 360, "height": 740}
PICTURES = {"light": ("light", DESKTOP), "dark": ("dark", DESKTOP), "phone": ("light", PHONE)}


@pytest.mark.parametrize(("name", "scheme", "size"), [(name, *each) for name, each in PICTURES.items()])
def test_a_screenshot_has_less_than_150_kilobytes(open_page, demo, tmp_path, name, scheme, size):
    page = open_page(demo.link, color_scheme=scheme, viewport=size)
    expect(page.locator("td.name a").first).to_be_visible()
    assert len(page.screenshot(path=tmp_path / f"{name}.png")) < 150_000

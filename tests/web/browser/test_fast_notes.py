"""Keys that are pressed faster than clients are read, and notes that are typed faster than they are saved."""

import re

from playwright.sync_api import expect
from web.browser.conftest import ROWS, opened


def slow_down(page):
    """Delay each answer from now on by 300 ms."""
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 300, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)


def test_keys_are_for_the_client_that_they_lead_to(open_page, agency):
    clients = [agency.create(last_name=f"Late{number}", tags=["late"]) for number in range(10, 39)]
    page = opened(open_page, agency, "?q=late&sort=name")
    expect(page.locator(ROWS)).to_have_text([f"Jordan Late{number}" for number in range(10, 39)])
    page.locator(ROWS).nth(24).click()
    expect(page.locator("nav.walk")).to_contain_text("25 of 29")
    expect(page.locator(".history li").first).to_be_visible()
    slow_down(page)
    for key in "jjja":
        page.keyboard.press(key)
    page.keyboard.type("Joined by Ann and me.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Jordan Late37")
    expect(page.locator(".lines")).to_contain_text("Joined by Ann and me.")
    assert [client["last_name"] for client in clients if agency.get(client)["notes"]] == ["Late37"]


def test_fast_notes_each_reach_the_client_shown(open_page, agency):
    names = [f"Fast{number}" for number in range(6)]
    clients = [agency.create(last_name=name, tags=["fast"]) for name in names]
    page = opened(open_page, agency, "?q=fast&sort=name")
    expect(page.locator(ROWS)).to_have_text([f"Jordan {name}" for name in names])
    page.locator(ROWS).first.click()
    slow_down(page)
    for name in names:
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Jordan {name}")
        page.keyboard.press("a")
        page.keyboard.type(f"For {name}.")
        page.keyboard.press("Control+Enter")
        page.keyboard.press("j")
    expect(page.locator(".lines")).to_contain_text("For Fast5.")
    page.wait_for_function("Object.keys(sessionStorage).every((name) => !name.includes(':draft:'))")
    for name, client in zip(names, clients, strict=True):
        assert re.findall(r"For \w+\.", agency.get(client)["notes"]) == [f"For {name}."]


def test_a_note_that_is_not_saved_is_put_back(open_page, agency):
    client = agency.create()
    page = opened(open_page, agency, f"client/{client['id']}")
    expect(page.locator(".history li").first).to_be_visible()
    for typed in ("First.", "Second."):
        page.keyboard.press("a")
        page.keyboard.type(typed)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#note")).to_have_value("")
        if typed == "First.":
            expect(page.locator(".history li")).to_have_count(2)  # it is saved, and read again
            page.context.set_offline(True)
    expect(page.locator("#wait")).to_contain_text("Trying again")
    expect(page.locator("#said")).to_be_empty()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#note")).to_have_value("Second.")

"""Keys that are pressed faster than clients are read, and notes that are typed faster than they are saved."""

import re

import pytest
from playwright.sync_api import expect
from web.browser.conftest import ROWS, both_engines, opened

SAID = "#said"
PRESS = """keys => [...keys].forEach((key) => document.activeElement.dispatchEvent(
  new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })))"""


def slow_down(page):
    """Delay each answer from now on by 300 ms."""
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 300, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)


def test_keys_are_for_the_client_that_they_lead_to(open_page, agency):
    clients = [agency.create(last_name=f"Late{number}", tags=["late"]) for number in range(10, 39)]
    page = opened(open_page, agency, "?q=late&sort=name")
    expect(page.locator(ROWS)).to_have_count(25)
    page.locator(ROWS).last.click()
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


@both_engines
@pytest.mark.parametrize(("keys", "field"), [("/Ann", "Search"), ("nAnn", "First name")])
def test_keys_in_one_moment_are_for_the_view_that_comes(open_page, agency, keys, field):
    page = opened(open_page, agency, f"client/{agency.create()['id']}")
    expect(page.locator(".history li").first).to_be_visible()
    page.evaluate(PRESS, keys)
    expect(page.get_by_label(field)).to_have_value("Ann")


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
    expect(page.locator(SAID)).to_be_empty()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#note")).to_have_value("Second.")


@pytest.mark.parametrize(
    ("known", "typed"),
    [("Twinölbaum", "Twinoelbaum"), ("Ostbrück-Süß", "Ostbrueck-Suess"), ("Westbrück-Süß", "Westbrück Süß")],
)
def test_another_spelling_of_a_name_is_a_duplicate(open_page, agency, known, typed):
    agency.create(last_name=known)
    page = opened(open_page, agency, "new")
    page.get_by_label("First name").fill("Jordan")
    page.get_by_label("Last name").fill(typed)
    page.locator("#field-client_type").select_option("buyer")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_contain_text(known)


def test_a_follow_up_is_not_in_the_past(open_page, agency):
    client = agency.create()
    page = opened(open_page, agency, f"client/{client['id']}")
    expect(page.locator(".history li").first).to_be_visible()
    page.get_by_label("Follow up", exact=True).select_option(label="On…")
    date = page.get_by_label("Date of the follow-up")
    date.fill("2020-01-01")
    assert not date.evaluate("input => input.checkValidity()")
    page.get_by_label("Follow up", exact=True).select_option(label="Tomorrow")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(SAID)).to_contain_text("Saved.")


def test_a_phone_shows_no_rest_of_a_name(open_page, agency):
    page = opened(open_page, agency, viewport={"width": 360, "height": 740})
    expect(page.locator("#top")).to_be_visible()
    expect(page.locator("#who bdi")).to_be_hidden()
